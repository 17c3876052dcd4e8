"""What is kept: Postgres is the record, object storage holds the bytes, Redis what may be lost.

Second floor: imports only `subjects`. `ports.py` is all that actors and the gateway see; `records.py` are
the values that cross it; `keys.py` is where every object lies. The adapters are `postgres/` (named SQL in
`sql/`), `objects.py` (obstore) and `redis.py`; `memory/` holds their twins, which pass the same suites.
"""
