"""Which renditions a clip gets, on which timeline, in which passes and orders."""
