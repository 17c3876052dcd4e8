"""What clients may ask, one module per subject. Each declares its routes; `gateway.api` gathers them."""
