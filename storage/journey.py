"""A video's stages as rows and as the whole journey: pure, shared by the adapters and their twins."""

from collections.abc import Iterable
from typing import Final

from storage.records import StageRecord
from subjects.stage import JOURNEY

STAGE_NAMES: Final = tuple(stage.name for stage in JOURNEY)


def whole_journey(known: Iterable[StageRecord]) -> tuple[StageRecord, ...]:
    """Return every stage in journey order: as known, or pending when nothing was ever said of it."""
    by_name = {record.name: record for record in known}
    return tuple(by_name.get(name) or StageRecord(name=name) for name in STAGE_NAMES)
