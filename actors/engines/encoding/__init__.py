"""Source frames to the segments of every rung: filters, colours, encoders."""
