"""What is wrong with a clip is kept by who finds it, and said once with what became of the video."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from actors.engines.encoding.encode import EncodedFrames
from actors.engines.ladder.preparation import Prepared
from actors.transcoder import warnings_of
from subjects.warning import WarningCode, warned
from tests.encoded import KEY, METADATA, PLAN
from tests.unit.actors.conftest import VIDEO, Reports
from tests.unit.actors.test_encoder import ORDERS, Engine, encoder


class Damaged(Engine):
    async def encode(self, *given: Any, **named: Any) -> EncodedFrames:
        made = await super().encode(*given, **named)
        return replace(made, warnings=(WarningCode.TRUNCATED, WarningCode.DAMAGED_PICTURES))


async def test_what_a_chunk_shows_is_kept_once_for_its_stage(
    storage: Any, objects: Any, reports: Reports, tmp_path: Path
) -> None:
    await objects.put(KEY, b"abc")
    await storage.renditions.plan(VIDEO, PLAN)
    actor = encoder(Damaged(), storage, objects, tmp_path)
    await actor.handle(ORDERS[0], reports.ctx)
    await actor.handle(ORDERS[1], reports.ctx)
    known = (await storage.videos.load(VIDEO)).warnings
    assert known == warned("transcoder", [WarningCode.DAMAGED_PICTURES, WarningCode.TRUNCATED])


def test_a_dolby_vision_clip_that_nothing_else_shows_is_warned_of() -> None:
    prepared: Any = Prepared(ladder=None, warnings=(WarningCode.SOUND_LEFT_OUT,))  # type: ignore[arg-type]
    alone, layered = replace(METADATA, hdr="dolby_vision"), replace(METADATA, hdr="hlg", dolby_vision=True)
    codes = [one.code for one in warnings_of(prepared, alone)]
    assert codes == [WarningCode.DOLBY_VISION_BASE_LAYER, WarningCode.SOUND_LEFT_OUT]
    assert [one.code for one in warnings_of(prepared, layered)] == [WarningCode.SOUND_LEFT_OUT]
