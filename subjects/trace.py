"""W3C Trace Context (https://www.w3.org/TR/trace-context/): one id from the request to the last actor.

A `traceparent` is `00-<trace id: 32 hex>-<span id: 16 hex>-01`. The trace id is made from the request id,
so that whoever has the one finds the other in every log line.
"""

import re
import secrets
from hashlib import blake2b
from typing import Final

_FORM: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def begin_trace(request_id: str) -> str:
    """Return the traceparent of a request: its id when that is 32 hex digits, else a hash of it."""
    whole = re.fullmatch(r"[0-9a-f]{32}", request_id) and request_id != "0" * 32
    trace_id = request_id if whole else blake2b(request_id.encode(), digest_size=16).hexdigest()
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


def continue_trace(traceparent: str) -> str:
    """Return a traceparent of the same trace with a span of its own; a malformed one begins anew."""
    found = _FORM.fullmatch(traceparent)
    if found is None:
        return begin_trace(secrets.token_hex(16))
    return f"00-{found[1]}-{secrets.token_hex(8)}-01"


def trace_id(traceparent: str) -> str:
    """Return the trace id of a traceparent, or the empty string when it is malformed."""
    found = _FORM.fullmatch(traceparent)
    return found[1] if found else ""
