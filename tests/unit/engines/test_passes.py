from uuid import UUID

import pytest
from msgspec.structs import replace

from actors.engines.passes import BEGUN, ENCODED, orders_of, share_done
from subjects.work import EncodeChunk, PackageDue
from tests.encoded import METADATA, PLAN, UNTOUCHED

VIDEO = UUID(int=1)


def test_a_pass_is_ordered_chunk_by_chunk_and_covers_every_frame_once() -> None:
    orders = orders_of(VIDEO, PLAN, METADATA, 1)
    assert all(isinstance(one, EncodeChunk) and one.pass_number == 1 for one in orders)
    frames = [range(one.first_frame, one.first_frame + one.frames) for one in orders]  # type: ignore[union-attr]
    assert [frame for piece in frames for frame in piece] == list(range(PLAN.timeline.frames))
    assert [one.chunk for one in orders] == list(range(PLAN.timeline.chunks))  # type: ignore[union-attr]


def test_a_pass_that_encodes_nothing_is_packaged_at_once() -> None:
    assert orders_of(VIDEO, UNTOUCHED, METADATA, 0) == (PackageDue(video_id=VIDEO, pass_number=0),)


def test_passes_weigh_as_many_pixels_as_they_encode() -> None:
    whole = ENCODED - BEGUN
    first, rest = replace(PLAN, rungs=PLAN.rungs[1:]), replace(PLAN, rungs=PLAN.rungs[:1])
    pixels = [one.rungs[0].width_px * one.rungs[0].height_px for one in (first, rest)]
    assert share_done([first, rest], 0, 0) == BEGUN
    after_the_first = BEGUN + whole * pixels[0] / sum(pixels)
    assert share_done([first, rest], 0, PLAN.timeline.chunks) == pytest.approx(after_the_first)
    assert share_done([first, rest], 1, 0) == pytest.approx(after_the_first)
    assert share_done([first, rest], 1, PLAN.timeline.chunks) == pytest.approx(ENCODED)


def test_an_untouched_source_takes_nothing_of_the_share() -> None:
    assert share_done([UNTOUCHED, PLAN], 1, 0) == BEGUN
    assert share_done([UNTOUCHED], 0, 0) == BEGUN
