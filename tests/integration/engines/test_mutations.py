"""Broken files by the hundred: each has a definite outcome, and nothing of ours breaks."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from actors.engines.clip.probe import MediaProbe
from actors.engines.errors import BadMedia, EngineError
from actors.engines.pictures.thumbnails import Illustrator
from tests.media_clips import Clip

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = 300
BUDGET_SECONDS = 20.0
ILLUSTRATE_EVERY = 6
SEEDS = (
    ("a.mp4", Clip(size=(96, 64), frames=12)),
    ("a.mkv", Clip(size=(96, 64), frames=12)),
    ("a.ts", Clip(size=(96, 64), frames=12)),
    ("a.webm", Clip(size=(96, 64), frames=12, codec="libvpx", audio_codec="libopus")),
    ("a.flv", Clip(size=(96, 64), frames=12)),
    ("a.avi", Clip(size=(96, 64), frames=12, codec="mpeg4", audio_codec=None)),
)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Flip bits, mostly near either end where headers are; sometimes cut, repeat or blank a stretch."""
    broken = bytearray(data)
    for _ in range(rng.choice((1, 4, 30))):
        near_an_end = rng.choice((rng.randrange(min(2000, len(broken))), rng.randrange(len(broken))))
        broken[rng.choice((near_an_end, len(broken) - 1 - near_an_end))] ^= 1 << rng.randrange(8)
    kind, start = rng.randrange(5), rng.randrange(len(broken))
    if kind == 0:
        del broken[start:]
    elif kind == 1:
        broken[start : start + 64] = b"\xff" * 64
    elif kind == 2:
        broken[start:start] = broken[start : start + 512]
    return bytes(broken)


async def outcome(
    media_probe: MediaProbe, illustrator: Illustrator | None, path: Path, size_bytes: int, out_dir: Path
) -> str:
    try:
        found = await media_probe.probe(path, size_bytes=size_bytes)
        if illustrator is not None:
            await illustrator.illustrate(path, found.metadata, out_dir)
    except BadMedia as refused:
        return refused.code
    except EngineError as error:
        return f"{type(error).__name__}: {error}"
    return "ready"


async def test_broken_files_have_definite_outcomes(
    media_probe: MediaProbe, illustrator: Illustrator, tmp_path: Path
) -> None:
    rng = random.Random(20260101)
    started, outcomes = time.monotonic(), Counter[str]()
    seeds = [clip.write(tmp_path / name) for name, clip in SEEDS]
    for number in range(FILES):
        if time.monotonic() - started > BUDGET_SECONDS:
            break
        path = tmp_path / f"{number}.bin"
        size_bytes = path.write_bytes(mutated(seeds[number % len(seeds)].read_bytes(), rng))
        also = illustrator if number % ILLUSTRATE_EVERY == 0 else None
        outcomes[await outcome(media_probe, also, path, size_bytes, tmp_path)] += 1
    assert [text for text in outcomes if "JobFailed" in text or "SandboxDown" in text] == []
    assert outcomes["ready"] > 0
    assert sum(outcomes.values()) >= FILES // 3
