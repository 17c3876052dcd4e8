"""How a browser is to treat a stored object. Pure."""

from uuid import UUID

from storage.content_types import FALLBACK, content_type_of


def disposition_of(video_id: UUID, name: str, *, download: bool) -> str:
    """Return how a browser is to treat an object. The name is ours, so it needs no quoting rules.

    A type that we do not know is never shown, only saved.
    """
    kind = "attachment" if download or content_type_of(name) == FALLBACK else "inline"
    last = name.rpartition("/")[2]
    plain = "".join(c for c in last if c.isascii() and (c.isalnum() or c in "._-"))
    return f'{kind}; filename="{video_id}-{plain}"'
