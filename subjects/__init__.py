"""What is said: message contracts, their subjects, and the bus that carries them.

Ground floor of the house: imports nothing of ours. Read in this order:

- `media.py`, `message.py`: the values and the shape every message shares
- `upload.py`, `video.py`, `stage.py`, `work.py`: the messages themselves
- `registry.py`: every subject in journey order, and the streams that keep them
- `codec.py`: message <-> subject, headers, bytes
- `bus.py`: the port; `jetstream.py` and `memory.py` are its two adapters
"""
