"""Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13.1.2)."""

import re
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from gateway.exchange import Response

_TAG: Final = re.compile(r'(?:W/)?("[\x21\x23-\x7e]*")')


def entity_tag(body: bytes) -> str:
    """Return the strong tag of a representation, quoted."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def is_known(if_none_match: str, tag: str) -> bool:
    """Whether a client's If-None-Match names this tag; compared weakly, as the RFC asks."""
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)


def tagged(response: Response, if_none_match: str) -> Response:
    """Return a 200 with its tag, or 304 without a body when the client has it already."""
    tag = entity_tag(response.body)
    headers = {**response.headers, "ETag": tag, "Cache-Control": "private, no-cache"}
    if if_none_match and is_known(if_none_match, tag):
        headers.pop("Content-Type", None)
        return Response(status=304, headers=headers)
    return replace(response, headers=headers)
