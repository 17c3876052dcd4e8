from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.engines.ladder.passes import AT_ONCE, BEGUN, ENCODED, next_order, orders_of, share_done
from storage.rendition_records import EncodingPlan
from subjects.work import EncodeChunk, PackageDue
from tests.encoded import METADATA, PLAN, UNTOUCHED

VIDEO = UUID(int=1)


def carried_out(plan: EncodingPlan) -> list[EncodeChunk]:
    """The orders of a pass in the order in which a single encoder would come to them."""
    waiting, done = [*orders_of(VIDEO, plan, METADATA, 1)], []
    while waiting:
        order = waiting.pop(0)
        assert isinstance(order, EncodeChunk)
        done.append(order)
        waiting += [following] if (following := next_order(order)) is not None else []
        assert len(waiting) <= AT_ONCE
    return done


@given(st.integers(1, 40_000))
def test_a_pass_is_ordered_bit_by_bit_and_covers_every_frame_once(frames: int) -> None:
    plan = replace(PLAN, timeline=replace(PLAN.timeline, frames=frames))
    orders = carried_out(plan)
    assert all(one.pass_number == 1 for one in orders)
    pieces = [range(one.first_frame, one.first_frame + one.frames) for one in orders]
    assert [frame for piece in pieces for frame in piece] == list(range(frames))
    assert [one.chunk for one in orders] == list(range(plan.timeline.chunks))


def test_a_long_video_has_few_orders_at_once_so_that_others_have_their_turn() -> None:
    plan = replace(PLAN, timeline=replace(PLAN.timeline, frames=324_000))
    assert len(orders_of(VIDEO, plan, METADATA, 0)) == AT_ONCE


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
