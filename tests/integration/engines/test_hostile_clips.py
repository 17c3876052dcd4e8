"""Damaged and lying clips in real children: they play to their end with a warning, or are refused."""

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import av
import pytest

from actors.engines.clip.probe import MediaProbe
from actors.engines.cmaf.renditions import encoded_track
from actors.engines.cmaf.stitching import stitched as stitched_renditions
from actors.engines.encoding.encode import ChunkEncoder
from actors.engines.errors import BadMedia
from actors.engines.ladder.policy import LadderPolicy
from actors.engines.ladder.preparation import Prepared, Preparer
from actors.engines.ladder.rung_size import own_size
from actors.engines.packaging.presentation import Presentation
from actors.engines.packaging.texts import package_texts
from actors.engines.sandbox.sandbox import Sandbox
from actors.transcoder import made_of
from storage.rendition_records import EncodedChunk, EncodingPlan
from subjects.media import Metadata, Rendition, Rung
from subjects.warning import WarningCode
from tests import hostile_clips as made
from tests.cmaf_files import joined, stitched
from tests.hostile_clips import HOURS, SHORT, SILENT, SOUND, Builder

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEO = UUID(int=7)
POLICY = LadderPolicy(gop_seconds=0.5, segment_gops=1, chunk_segments=2)
"""Chunks of a second: a clip of three has several."""


@dataclass(frozen=True)
class Outcome:
    """What became of a clip that was not refused."""

    frames: int
    warnings: frozenset[str]


async def told(fraction: float, note: str) -> None:
    assert 0.0 <= fraction <= 1.0


def decoded(data: bytes) -> int:
    """How many pictures a strict decoder shows."""
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(container.streams.video[0]))
    assert not any(frame.is_corrupt for frame in frames)
    return len(frames)


def size_of(path: Path) -> int:
    return path.stat().st_size


async def played(sandbox: Sandbox, path: Path, out_dir: Path) -> Outcome:
    """Do with a clip what the actors do, and decode what came of it. Raises BadMedia."""
    metadata = (await MediaProbe(sandbox).probe(path, size_bytes=size_of(path))).metadata
    prepared = await Preparer(sandbox, POLICY).prepare(path, metadata, out_dir, 1, told)
    plan = EncodingPlan(key="key", timeline=prepared.ladder.timeline, rungs=(rung_of(prepared, metadata),))
    rendition, warnings = await encoded(sandbox, path, metadata, plan, out_dir)
    finished = [described for _, described in made_of(VIDEO, prepared, metadata)]
    assert package_texts(Presentation(folder=f"videos/{VIDEO}/cmaf/v1", renditions=(rendition, *finished)))
    source = prepared.source
    if source is not None and source.video is not None:
        assert decoded(stitched(out_dir, source.video)) == source.frames
    return Outcome(plan.timeline.frames, frozenset(warnings | {*prepared.warnings}))


def rung_of(prepared: Prepared, metadata: Metadata) -> Rung:
    """The largest rung; one of its own for a clip that is so small that it needs none beside itself."""
    width, height = own_size((Fraction(metadata.width_px), Fraction(metadata.height_px)))
    own = Rung(name="own", codec="h264", width_px=width, height_px=height, bitrate_bps=300_000)
    return prepared.ladder.rungs[0] if prepared.ladder.rungs else own


async def encoded(
    sandbox: Sandbox, path: Path, metadata: Metadata, plan: EncodingPlan, out_dir: Path
) -> tuple[Rendition, set[str]]:
    """Encode all chunks, and require that they are the frames of the timeline, and decode."""
    line, tracks, warnings = plan.timeline, [], set[str]()
    for number in range(line.chunks):
        first, frames = line.chunk(number)
        chunk = await ChunkEncoder(sandbox).encode(
            path, metadata, line, plan.rungs, first_frame=first, frames=frames, out_dir=out_dir
        )
        tracks.append(chunk.tracks[0])
        warnings |= {*chunk.warnings}
    assert decoded(stitched(out_dir, joined(tracks))) == line.frames
    chunks = [EncodedChunk(chunk=at, tracks=(encoded_track(VIDEO, one),)) for at, one in enumerate(tracks)]
    (rendition,) = stitched_renditions(plan, chunks)
    return rendition, warnings


PICTURES, HEARD = WarningCode.DAMAGED_PICTURES, WarningCode.DAMAGED_SOUND
TRUNCATED, TIMES = WarningCode.TRUNCATED, WarningCode.BROKEN_TIMES


@dataclass(frozen=True)
class Expected:
    """What has to become of a clip. How much damage hits depends on the encoder that made it."""

    frames: range
    says: frozenset[str]
    may_say: frozenset[str] = frozenset()


def sound(frames: int, *says: WarningCode) -> Expected:
    return Expected(range(frames, frames + 1), frozenset(says))


def damaged(least: int, most: int, *says: WarningCode) -> Expected:
    return Expected(range(least, most + 1), frozenset(says), frozenset((PICTURES, HEARD, TRUNCATED)))


LARGER = replace(SHORT, size=(320, 180))
WIDE = replace(SHORT, pixel_aspect=Fraction(4, 3))
FRAGMENTED = replace(SILENT, options=made.FRAGMENTS)
PLAYED: dict[str, tuple[Builder, Expected]] = {
    "nothing": (made.written("a.mp4"), sound(90)),
    "half of a fragmented mp4": (made.written("a.mp4", FRAGMENTED, made.half), damaged(40, 50)),
    "half of an mkv": (made.written("a.mkv", SOUND, made.half), damaged(40, 50, TRUNCATED)),
    "half of an flv": (made.written("a.flv", SOUND, made.half), damaged(40, 50, TRUNCATED)),
    "half of a ts": (made.written("a.ts", SOUND, made.half), damaged(40, 50)),
    "noise in an mp4": (made.written("a.mp4", SOUND, made.noise_in_the_middle), damaged(90, 90, PICTURES)),
    "noise in an mkv": (made.written("a.mkv", SOUND, made.noise_in_the_middle), damaged(60, 90, PICTURES)),
    "noise in a ts": (made.written("a.ts", SOUND, made.noise_in_the_middle), damaged(90, 90, PICTURES)),
    "noise in packets": (
        made.written("a.mp4", SILENT, made.broken_packets(20, 40, 41)),
        damaged(90, 90, PICTURES),
    ),
    "second half of an mp4": (
        made.written("a.mp4", SOUND, made.noise_to_the_end),
        damaged(90, 90, PICTURES),
    ),
    "second half of an mkv": (
        made.written("a.mkv", SOUND, made.noise_to_the_end),
        damaged(40, 50, TRUNCATED),
    ),
    "second half of a ts": (made.written("a.ts", SOUND, made.noise_to_the_end), damaged(40, 50, TRUNCATED)),
    "second half of packets": (
        made.written("a.mp4", SILENT, made.broken_packets(*range(45, 90))),
        damaged(90, 90, PICTURES),
    ),
    "first picture": (made.written("a.mp4", SILENT, made.no_first_picture), damaged(75, 90, PICTURES)),
    "empty last packets": (made.written("a.mp4", SILENT, made.empty_last_packets), sound(88)),
    "samples that last for less than nothing": (
        made.written("a.mp4", SILENT, made.backward_samples),
        sound(1, TIMES),
    ),
    "hours forward": (made.changed(made.retimed("a.mkv", made.leaping), made.announcing), sound(45, TIMES)),
    "back to the beginning": (
        made.changed(made.retimed("a.mkv", int, cluster_time_limit="500"), made.back_in_clusters),
        damaged(45, 45, TIMES),
    ),
    "two recordings": (made.concatenated(0, 0), damaged(45, 45, TIMES)),
    "each time twice": (made.retimed("a.mkv", made.twice), sound(44, TIMES)),
    "one picture in an mp4": (made.written("a.mp4", replace(SILENT, frames=1)), sound(1)),
    "one picture in an mkv": (made.written("a.mkv", replace(SILENT, frames=1)), sound(1)),
    "one picture in a ts": (made.written("a.ts", replace(SILENT, frames=1)), sound(2)),
    "one interlaced picture": (made.written("a.ts", made.LINES), sound(2)),
    "two pictures": (made.written("a.mp4", replace(SILENT, frames=2)), sound(2)),
    "1x1": (made.written("a.mp4", made.of_size((1, 1))), sound(45)),
    "2x2": (made.written("a.mp4", made.of_size((2, 2))), sound(45)),
    "3x5": (made.written("a.mp4", made.of_size((3, 5))), sound(45)),
    "8192x16": (made.written("a.mp4", made.of_size((8192, 16), frames=5)), sound(5)),
    "16x8192": (made.written("a.mp4", made.of_size((16, 8192), frames=5)), sound(5)),
    "a stream that appears at the end": (made.another_stream, damaged(90, 90)),
    "another size in a ts": (made.in_sequence("a.ts", SHORT, LARGER), sound(90)),
    "another size in an mkv": (made.in_sequence("a.mkv", SHORT, LARGER), sound(90)),
    "another format": (made.in_sequence("a.ts", SHORT, replace(SHORT, pix_fmt="yuv422p")), sound(90)),
    "another aspect in a ts": (made.in_sequence("a.ts", SHORT, WIDE), sound(90)),
    "another aspect in an mkv": (made.in_sequence("a.mkv", SHORT, WIDE), sound(90)),
}
REFUSED: dict[str, tuple[Builder, str]] = {
    "half of an mp4": (made.written("a.mp4", SOUND, made.half), "damaged"),
    "hours backward": (made.concatenated(HOURS * 30, 0), "too_long"),
}
"""libav takes times before the first one for those of a clock that has run over, which takes a day."""


@pytest.mark.parametrize("name", PLAYED)
async def test_it_plays_to_its_end_and_says_what_is_wrong(
    sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    build, expected = PLAYED[name]
    source, out_dir = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    out_dir.mkdir()
    outcome = await played(sandbox, build(source), out_dir)
    assert outcome.frames in expected.frames
    assert expected.says <= outcome.warnings <= expected.says | expected.may_say


@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused_with_a_code(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    build, code = REFUSED[name]
    with pytest.raises(BadMedia) as refused:
        await played(sandbox, build(tmp_path), tmp_path)
    assert refused.value.code == code
