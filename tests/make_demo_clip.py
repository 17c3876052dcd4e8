"""Makes deploy/demo.mp4, the clip that `truthtok demo` uploads: `python -m tests.make_demo_clip`.

Everything in it is generated, so it belongs to the project and carries its licence: four shots painted by the
functions below, and speech by espeak-ng, which must be installed (`apt-get install espeak-ng`). The result is
committed; run this only to change it. The place and the time that it claims are made up.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

TARGET = Path(__file__).resolve().parent.parent / "deploy" / "demo.mp4"
WIDTH_PX, HEIGHT_PX, FPS, SHOT_SECONDS = 540, 960, 30, 2.25
LARGEST_BYTES = 1_000_000
AUDIO_RATE_HZ = 44_100
SPEECH = (
    "Hello from Paris. It is a warm evening, and the sun sets behind the Eiffel Tower. "
    "This is TruthTok, where every video tells you what it knows."
)
TAGS = {
    "location": "+48.8584+002.2945/",
    "creation_time": "2025-06-21T19:58:00Z",
    "title": "Evening in Paris",
}

Floats = npt.NDArray[np.float64]
Paint = Callable[[float], Floats]
Y, X = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float64)
U, V = X / WIDTH_PX, Y / HEIGHT_PX


def color(red: int, green: int, blue: int) -> Floats:
    return np.array([red, green, blue], np.float64) / 255


def mix(below: Floats, above: Floats, share: Floats) -> Floats:
    return below + (above - below) * np.clip(share, 0, 1)[..., None]


def disc(picture: Floats, center: tuple[float, float], radius_px: float, paint: Floats) -> Floats:
    """A disc with a soft edge."""
    distance = np.hypot(X - center[0], Y - center[1])
    return mix(picture, paint, radius_px - distance + 0.5)


def evening(t: float) -> Floats:
    """A sunset over water, with a tower before it."""
    sky = mix(color(44, 34, 92), color(250, 126, 84), V * 1.55)
    sky = mix(sky, color(255, 206, 120), (V - 0.45) * 3)
    sun = (WIDTH_PX * 0.68, HEIGHT_PX * (0.46 + 0.03 * t))
    glow = np.exp(-(np.hypot(X - sun[0], Y - sun[1]) / 210))
    scene = disc(mix(sky, color(255, 220, 150), 0.7 * glow), sun, 62, color(255, 240, 196))
    scene = mix(scene, color(38, 26, 58), tower())
    shore = 0.72
    row = np.clip((2 * shore - V) * HEIGHT_PX, 0, HEIGHT_PX - 1).astype(int)
    ripple = (6 * np.sin(V * 190 - t * 5) * (V - shore + 0.1) * 8).astype(int)
    mirror = scene[row, np.clip(X.astype(int) + ripple, 0, WIDTH_PX - 1)] * 0.62 + color(20, 22, 60) * 0.3
    return mix(scene, mirror, (V - shore) * HEIGHT_PX)


def tower() -> Floats:
    """The outline of an iron tower: two curved legs, three decks, and an arch."""
    height = np.clip((0.72 - V) / 0.50, 0, 1)
    half = WIDTH_PX * (0.012 + 0.17 * (1 - height) ** 2.6)
    distance = np.abs(X - WIDTH_PX * 0.40)
    inner = half * np.clip((0.44 - height) / 0.12, 0, 0.54)
    arch = np.hypot(distance / (WIDTH_PX * 0.10), np.maximum(0.72 - V, 0) / 0.075) < 1
    legs = (distance < half) & (distance >= inner) & ~arch
    decks = sum((np.abs(height - level) < 0.012) & (distance < half + 7) for level in (0.20, 0.42, 0.93))
    spire = (np.abs(V - 0.205) < 0.02) & (distance < 2)
    lattice = ((X + Y * 1.6) % 16 < 11) | ((X - Y * 1.6) % 16 < 4) | (height > 0.6)
    body = (legs & lattice & (V > 0.22)) | (decks > 0) | spire
    return np.where(body & (V < 0.72), 1.0, 0.0)


def plasma(t: float) -> Floats:
    """Slow waves of colour."""
    wave = np.sin(6 * U + 1.7 * t) + np.sin(7 * V - 1.3 * t) + np.sin(5 * (U + V) + t)
    wave += np.sin(14 * np.hypot(U - 0.5 - 0.2 * np.sin(t), V - 0.5 + 0.2 * np.cos(t)) - 2 * t)
    warm, cool = color(255, 122, 92), color(38, 30, 110)
    picture = mix(np.broadcast_to(cool, (*X.shape, 3)), warm, 0.5 + 0.5 * np.sin(1.3 * wave + t))
    return mix(picture, color(112, 236, 220), 0.7 * np.cos(1.1 * wave - t) ** 6)


def marbles(t: float) -> Floats:
    """Shaded balls that bounce on a floor."""
    scene = mix(color(18, 52, 86), color(120, 214, 200), V)
    scene = mix(scene, color(240, 236, 214), (V - 0.8) * HEIGHT_PX)
    kinds = ((0.22, 70, (235, 80, 82), 0.0), (0.52, 92, (250, 190, 64), 0.5), (0.80, 58, (92, 120, 240), 1.0))
    for place, radius, tint, delay in kinds:
        bounce = abs(np.sin(2.4 * t + delay * 2.2))
        x, y = WIDTH_PX * (place + 0.03 * np.sin(t + delay)), HEIGHT_PX * 0.82 - radius - 420 * bounce
        shadow = np.exp(-(((X - x) / (radius * 1.1)) ** 2) - ((Y - HEIGHT_PX * 0.83) / 18) ** 2)
        scene = mix(scene, color(20, 24, 40), shadow * (0.75 - 0.5 * bounce))
        scene = disc(scene, (x, y), radius, color(*tint))
        shine = np.exp(-(((X - x + radius * 0.35) ** 2 + (Y - y + radius * 0.4) ** 2) / (radius * 0.5) ** 2))
        scene = mix(scene, color(255, 255, 255), 0.75 * shine * (np.hypot(X - x, Y - y) < radius))
    return scene


def places(t: float) -> Floats:
    """A map with places that send out rings."""
    streets = np.minimum((X + 0.35 * Y) % 76, (Y - 0.22 * X) % 92)
    scene = mix(np.broadcast_to(color(24, 30, 48), (*X.shape, 3)), color(70, 84, 120), 4 - streets)
    river = np.abs(Y - HEIGHT_PX * 0.56 - 90 * np.sin(X / 110 + 0.4))
    scene = mix(scene, color(44, 116, 178), 34 - river)
    pins = (
        (0.38, 0.36, (255, 98, 110), 0.0),
        (0.70, 0.66, (92, 226, 160), 0.6),
        (0.26, 0.80, (255, 206, 92), 1.2),
    )
    for x, y, tint, delay in pins:
        center = (WIDTH_PX * x, HEIGHT_PX * y)
        distance = np.hypot(X - center[0], Y - center[1])
        for ring in range(3):
            radius = ((t + delay) * 90 + ring * 80) % 240
            scene = mix(scene, color(*tint), (4 - np.abs(distance - radius)) * (1 - radius / 240) * 0.6)
        scene = disc(disc(scene, center, 20, color(255, 255, 255)), center, 14, color(*tint))
    return scene


SHOTS: tuple[Paint, ...] = (evening, places, marbles, plasma)


def speak(wav: Path) -> None:
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "168", "-a", "140", "-w", str(wav), SPEECH], check=True)


def write_video(container: Any, stream: Any) -> None:
    for index in range(round(len(SHOTS) * SHOT_SECONDS * FPS)):
        shot, within = divmod(index / FPS, SHOT_SECONDS)
        picture = (np.clip(SHOTS[int(shot)](within), 0, 1) * 255).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
            format="yuv420p", dst_colorspace=av.video.reformatter.Colorspace.ITU709
        )
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_speech(container: Any, stream: Any, wav: Path) -> None:
    resampler = av.AudioResampler("fltp", "mono", AUDIO_RATE_HZ, stream.codec_context.frame_size or 1024)
    with av.open(wav) as speech:
        for frame in [*speech.decode(audio=0), None]:
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        speak(wav)
        with av.open(TARGET, "w", options={"movflags": "+faststart"}) as container:
            container.metadata.update(TAGS)
            options = {
                "preset": "veryslow",
                "crf": "27",
                "profile": "high",
                "maxrate": "700k",
                "bufsize": "1400k",
            }
            video = container.add_stream("libx264", rate=FPS, options=options)
            video.width, video.height, video.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
            video.codec_context.gop_size = FPS * 2
            context = video.codec_context
            context.color_primaries = context.color_trc = context.colorspace = 1
            audio = container.add_stream("aac", rate=AUDIO_RATE_HZ, layout="mono")
            audio.bit_rate = 64_000
            video.codec_context.open()
            audio.codec_context.open()
            write_video(container, video)
            write_speech(container, audio, wav)
    if TARGET.stat().st_size > LARGEST_BYTES:
        sys.exit(f"{TARGET} has {TARGET.stat().st_size} bytes, too many to commit")


if __name__ == "__main__":
    main()
