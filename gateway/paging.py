"""Lists that are told page by page: what each asks for, and where the next page goes on."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from msgspec import Meta

from gateway.config import GatewayConfig
from gateway.cursor import decode_cursor, encode_cursor
from gateway.route import Query
from gateway.signing import keys_of

Item = TypeVar("Item")
Place = tuple[datetime, UUID]


class PageQuery(Query, frozen=True, kw_only=True):
    """Which page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most")] = 20
    cursor: Annotated[str, Meta(max_length=200, description="`next_cursor` of the page before")] | None = None

    @property
    def one_more(self) -> int:
        """How many to look for: one more than is shown says whether there is another page."""
        return self.limit + 1

    def find_place(self, config: GatewayConfig) -> Place | None:
        """Return the item behind which the page begins; None for the first. Raises ProblemError 400."""
        return decode_cursor(keys_of(config), self.cursor) if self.cursor is not None else None

    def find_id(self, config: GatewayConfig) -> UUID | None:
        """Return the id of that item, for lists in the order of their ids."""
        place = self.find_place(config)
        return place[1] if place is not None else None

    def cut(
        self, config: GatewayConfig, found: Sequence[Item], place_of: Callable[[Item], Place]
    ) -> tuple[Sequence[Item], str | None]:
        """Return what is shown of `one_more` items, and the cursor of the next page; None on the last."""
        shown = found[: self.limit]
        more = len(found) > self.limit
        return shown, encode_cursor(keys_of(config)[0], *place_of(shown[-1])) if more else None
