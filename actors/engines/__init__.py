"""The engines: what is done to media, and the only code that may touch libav."""
