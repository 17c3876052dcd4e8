"""What a ladder costs and looks like, ours beside ffmpeg's own: `python -m bench.transcode [clip]`.

Both decode once and encode the same rungs with the same encoder settings, one after the other on one machine.
Ours does it in chunks, as replicas would, each with an encoder of its own; the command line does it in
one run. CPU seconds are those of all threads and children. Quality is measured by ffmpeg's ssim and psnr
filters against the source scaled by ffmpeg to each rung's size.
Without a clip a 20-second one is made: 1080p30, a moving test picture with grain.
"""

import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from actors.engines.clip.probe import ProbeRequest
from actors.engines.clip.probe_job import probe
from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.cmaf.track import segment_name
from actors.engines.encoding.encode import EncodedFrames, EncodeRequest
from actors.engines.encoding.encode_job import encode
from actors.engines.encoding.rung_options import encoder_options
from subjects.media import Metadata, Rung, Timeline

BITRATES_BPS = {1080: 5_000_000, 720: 2_800_000, 540: 1_600_000, 360: 800_000, 240: 400_000}
ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took."""

    cpu_seconds: float
    wall_seconds: float


def make_clip(path: Path) -> Path:
    """Twenty seconds that are neither flat nor noise alone."""
    source = "testsrc2=size=1920x1080:rate=30:duration=20,noise=alls=4:allf=t"
    command = [
        *("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", str(path)),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - our own command
    return path


def ladder(metadata: Metadata) -> tuple[Rung, ...]:
    """The rungs that fit into the source, the largest first."""
    short = min(metadata.width_px, metadata.height_px)

    def rung(side: int, bitrate_bps: int) -> Rung:
        width, height = (
            round(size * side / short / 2) * 2 for size in (metadata.width_px, metadata.height_px)
        )
        return Rung(
            name=f"{side}p-h264", codec="h264", width_px=width, height_px=height, bitrate_bps=bitrate_bps
        )

    return tuple(rung(side, bitrate) for side, bitrate in BITRATES_BPS.items() if side <= short)


def timeline(metadata: Metadata) -> Timeline:
    """The house's: groups of 2 seconds, segments of two, chunks of four segments."""
    fps = Fraction(metadata.fps).limit_denominator(1001)
    gop = round(2 * fps)
    return Timeline(
        fps_num=fps.numerator,
        fps_den=fps.denominator,
        frames=max(1, int(metadata.duration_seconds * fps + Fraction(1, 2))),
        gop_frames=gop,
        segment_frames=2 * gop,
        chunk_frames=8 * gop,
    )


def measured(work: Callable[[], object]) -> Cost:
    """Run it and say what it cost, children included."""

    def cpu() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    cpu_before, before = cpu(), time.perf_counter()
    work()
    return Cost(cpu() - cpu_before, time.perf_counter() - before)


def ours(path: Path, metadata: Metadata, rungs: Sequence[Rung], out_dir: Path) -> None:
    """Every chunk in its turn, then the rungs as files."""
    line, made = timeline(metadata), list[EncodedFrames]()
    for number in range(line.chunks):
        first, frames = line.chunk(number)
        request = EncodeRequest(
            path=str(path),
            out_dir=str(out_dir),
            metadata=metadata,
            timeline=line,
            rungs=tuple(rungs),
            first_frame=first,
            frames=frames,
        )
        made.append(encode(request, lambda _fraction, _note: None))
    for place, rung in enumerate(rungs):
        folder = out_dir / rung.name
        names = [segment_name(one.time) for chunk in made for one in chunk.tracks[place].segments]
        files = [folder / "init.mp4", *(folder / name for name in names)]
        (out_dir / f"{rung.name}.mp4").write_bytes(b"".join(file.read_bytes() for file in files))


def command_line(path: Path, metadata: Metadata, rungs: Sequence[Rung], out_dir: Path) -> None:
    """The same ladder as one ffmpeg command: split, scale from the source, encode."""
    line = timeline(metadata)
    heads = "".join(f"[in{place}]" for place in range(len(rungs)))
    scales = ";".join(
        f"[in{place}]scale={rung.width_px}:{rung.height_px}:flags=bicubic,setsar=1,format=yuv420p[out{place}]"
        for place, rung in enumerate(rungs)
    )
    graph = f"[0:v]fps={line.fps_num}/{line.fps_den},split={len(rungs)}{heads};{scales}"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(path), "-filter_complex", graph]
    for place, rung in enumerate(rungs):
        options = {**encoder_options(rung, line, "veryfast"), "g": str(line.gop_frames)}
        pairs = [text for name, value in options.items() for text in (f"-{name}", value)]
        command += ["-map", f"[out{place}]", "-c:v", "libx264", *pairs]
        command += ["-movflags", "+frag_keyframe+empty_moov", str(out_dir / f"{rung.name}.mp4")]
    subprocess.run(command, check=True)  # noqa: S603 - our own command


def quality(path: Path, rung: Rung, encoded: Path) -> tuple[float, float]:
    """SSIM (all planes) and PSNR (average, dB) of an encoded rung."""
    scale = f"scale={rung.width_px}:{rung.height_px}:flags=lanczos+accurate_rnd,format=yuv420p"
    # Paired by number: times in different time bases are rounded, and then neighbours are compared.
    count = "settb=1/1000,setpts=N"
    graph = f"[1:v]{scale},{count},split[r0][r1];[0:v]{count},split[e0][e1];[e0][r0]ssim[s];[e1][r1]psnr[p]"
    command = [
        *("ffmpeg", "-hide_banner", "-i", str(encoded), "-i", str(path), "-lavfi", graph),
        *("-map", "[s]", "-map", "[p]", "-f", "null", "-"),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr  # noqa: S603
    ssim, psnr = re.search(r"All:([\d.]+)", told), re.search(r"average:([\d.]+)", told)
    if ssim is None or psnr is None:
        raise RuntimeError("ffmpeg told no quality")
    return float(ssim[1]), float(psnr[1])


def main() -> None:
    """Compare, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else make_clip(directory / "clip.mp4")
        request = ProbeRequest(path=str(path), size_bytes=path.stat().st_size, limits=ProbeLimits())
        metadata = probe(request, lambda _fraction, _note: None).metadata
        rungs = ladder(metadata)
        ways = {"ours": ours, "ffmpeg": command_line}
        best: dict[str, Cost] = {}
        for turn in range(ROUNDS):
            for name, way in ways.items():
                (directory / name).mkdir(exist_ok=True)
                cost = measured(lambda way=way, name=name: way(path, metadata, rungs, directory / name))
                print(f"round {turn + 1} {name:7} {cost.cpu_seconds:7.1f} CPU s {cost.wall_seconds:7.1f} s")
                best[name] = min(best.get(name, cost), cost, key=lambda one: one.cpu_seconds)
        print(f"CPU ratio, ours to ffmpeg: {best['ours'].cpu_seconds / best['ffmpeg'].cpu_seconds:.2f}")
        print(f"{'rung':12}{'':8}{'kbit/s':>8}{'SSIM':>9}{'PSNR':>8}")
        for rung in rungs:
            for name in ways:
                file = directory / name / f"{rung.name}.mp4"
                ssim, psnr = quality(path, rung, file)
                rate = file.stat().st_size * 8 / metadata.duration_seconds / 1000
                print(f"{rung.name:12}{name:8}{rate:8.0f}{ssim:9.4f}{psnr:8.2f}")


if __name__ == "__main__":
    main()
