"""The id of a request: the client's own when it is harmless to write down, else a new one."""

import re
import secrets
from collections.abc import Mapping
from typing import Final

HEADER: Final = "X-Request-Id"
_FORM: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the id of a request from its headers by lower-case name; a new one is 32 hex digits."""
    given = headers.get("x-request-id", "")
    return given if _FORM.fullmatch(given) else secrets.token_hex(16)
