"""The runtime: everything about a message's life that is not an actor's own work.

- `actor.py`, `context.py`, `errors.py`: what an actor's author sees
- `intake.py` claims messages for free slots, by the pure rules in `claims.py`
- `runner.py` carries one message from delivery to ack; `verdict.py` decides what an outcome means
- `joins.py` brings several facts together; `dead_letters.py` buries what was given up on
- `host.py` runs actors in a process until it is told to drain
"""
