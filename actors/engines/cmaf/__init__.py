"""Segments: fragmented MP4 taken apart and put together, encrypted, joined to renditions."""
