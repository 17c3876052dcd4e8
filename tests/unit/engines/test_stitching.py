import pytest
from msgspec.structs import replace

from actors.engines.cmaf.stitching import MismatchError, stitched
from storage.rendition_records import EncodedChunk
from tests.encoded import PLAN, RUNGS, TIMELINE, chunk_of

CHUNKS = [chunk_of(number) for number in range(TIMELINE.chunks)]


def changed(number: int, **changes: object) -> list[EncodedChunk]:
    """The chunks with something changed in the first rung of one of them."""
    first, *rest = CHUNKS[number].tracks
    tracks = (replace(first, **changes), *rest)
    return [replace(one, tracks=tracks) if one.chunk == number else one for one in CHUNKS]


def test_every_rung_becomes_a_rendition_of_all_its_segments() -> None:
    made = stitched(PLAN, CHUNKS)
    assert [one.name for one in made] == [rung.name for rung in RUNGS]
    for one in made:
        assert sum(segment.duration for segment in one.segments) == TIMELINE.frames
        assert [segment.time for segment in one.segments] == list(range(0, TIMELINE.frames, 120))
        assert one.duration_seconds == 36.5
        assert one.average_bps == one.bandwidth_bps == 8 * 1000 * 30


def test_a_missing_chunk_is_noticed() -> None:
    with pytest.raises(MismatchError, match="not all 3"):
        stitched(PLAN, CHUNKS[:-1])


def test_a_missing_rung_is_noticed() -> None:
    lacking = [*CHUNKS[:2], chunk_of(2, RUNGS[:1])]
    with pytest.raises(MismatchError, match="lacks 360p"):
        stitched(PLAN, lacking)


def test_chunks_that_begin_differently_are_not_played_in_a_row() -> None:
    with pytest.raises(MismatchError, match="chunk 1 begins otherwise"):
        stitched(PLAN, changed(1, init_sha256="cd" * 32))


def test_a_gap_between_chunks_is_noticed() -> None:
    shorter = CHUNKS[0].tracks[0].segments[:-1]
    with pytest.raises(MismatchError, match="begins at 480 instead of 360"):
        stitched(PLAN, changed(0, segments=shorter))


def test_a_lost_last_frame_is_noticed() -> None:
    *rest, last = CHUNKS[2].tracks[0].segments
    with pytest.raises(MismatchError, match="not 1095 frames"):
        stitched(PLAN, changed(2, segments=(*rest, replace(last, duration=last.duration - 1))))


def encrypted(chunks: list[EncodedChunk], key_name: str = "aa" * 8) -> list[EncodedChunk]:
    """The chunks as if their segments had been encrypted."""
    return [
        replace(one, tracks=tuple(replace(track, key_name=key_name) for track in one.tracks))
        for one in chunks
    ]


def test_a_rendition_remembers_what_its_chunks_were_encrypted_with() -> None:
    assert {one.key_name for one in stitched(PLAN, encrypted(CHUNKS))} == {"aa" * 8}
    assert {one.key_name for one in stitched(PLAN, CHUNKS)} == {None}


@pytest.mark.parametrize("other", [CHUNKS[1:], encrypted(CHUNKS[1:], "bb" * 8)], ids=["plain", "other key"])
def test_chunks_under_different_keys_are_not_played_in_a_row(other: list[EncodedChunk]) -> None:
    with pytest.raises(MismatchError, match="chunk 1 begins otherwise"):
        stitched(PLAN, [*encrypted(CHUNKS[:1]), *other])


def test_a_chunk_that_was_encrypted_by_other_numbers_is_noticed() -> None:
    """Two segments where there should be one: times fit, but all that follows was counted otherwise."""
    first, *rest = CHUNKS[0].tracks[0].segments
    halves = replace(first, duration=60), replace(first, time=60, duration=60)
    split = changed(0, segments=(*halves, *rest))
    stitched(PLAN, split)
    with pytest.raises(MismatchError, match="chunk 1 was encrypted for another place"):
        stitched(PLAN, encrypted(split))
