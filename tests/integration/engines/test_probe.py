from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from actors.engines.clip.probe import MediaProbe
from actors.engines.clip.probe_limits import ProbeLimits
from actors.engines.errors import BadMedia, Refusal
from actors.engines.sandbox.job_wire import Limits
from subjects.media import AudioTrack, Location
from tests.integration.engines.conftest import probed
from tests.media_clips import Clip, claim_size, cut, flat

HEVC = {
    "codec": "libx265",
    "pix_fmt": "yuv420p10le",
    "codec_options": {"preset": "ultrafast", "x265-params": "log-level=none"},
}
AAC = AudioTrack(codec="aac", channels=2, sample_rate_hz=48_000)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)


def refused(path: Path, limits: ProbeLimits | None = None) -> Refusal:
    with pytest.raises(BadMedia) as error:
        probed(path, limits)
    return error.value.code


def test_every_field_of_a_plain_clip_is_filled(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mp4")
    found = probed(path).metadata
    assert (found.width_px, found.height_px, found.fps, found.codec, found.format) == (
        160,
        120,
        30.0,
        "h264",
        "mp4",
    )
    assert found.duration_seconds == pytest.approx(1.0, abs=0.05)
    assert found.size_bytes == path.stat().st_size
    assert found.bitrate_bps == pytest.approx(found.size_bytes * 8 / found.duration_seconds, rel=0.01)
    assert (found.rotation_degrees, found.mirrored, found.hdr, found.audio) == (0, False, None, AAC)


@pytest.mark.parametrize(
    ("name", "clip", "format_name", "codec"),
    [
        ("a.mov", Clip(), "mov", "h264"),
        ("a.mkv", Clip(), "mkv", "h264"),
        ("a.webm", Clip(codec="libvpx", audio_codec="libopus"), "webm", "vp8"),
        ("a.ts", Clip(), "mpegts", "h264"),
        ("a.flv", Clip(), "flv", "h264"),
        ("a.avi", Clip(codec="mpeg4", audio_codec=None), "avi", "mpeg4"),
        ("a.3gp", Clip(codec="mpeg4"), "3gp", "mpeg4"),
        ("misnamed.avi", Clip(format="mp4"), "mp4", "h264"),
    ],
)
def test_format_and_codec_have_short_names(
    tmp_path: Path, name: str, clip: Clip, format_name: str, codec: str
) -> None:
    found = probed(clip.write(tmp_path / name)).metadata
    assert (found.format, found.codec, found.fps) == (format_name, codec, 30.0)


@pytest.mark.parametrize("rotation_degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_size_is_as_displayed_whatever_the_orientation(
    tmp_path: Path, rotation_degrees: int, mirrored: bool
) -> None:
    clip = Clip(size=(160, 284), rotation_degrees=rotation_degrees, mirrored=mirrored)
    found = probed(clip.write(tmp_path / "clip.mp4")).metadata
    assert (found.width_px, found.height_px) == (160, 284)
    assert (found.rotation_degrees, found.mirrored) == (rotation_degrees, mirrored)


def test_wide_pixels_widen_the_displayed_size(tmp_path: Path) -> None:
    found = probed(Clip(pixel_aspect=Fraction(4, 3)).write(tmp_path / "clip.mp4")).metadata
    assert (found.width_px, found.height_px) == (213, 120)


@pytest.mark.parametrize(("transfer", "hdr"), [(16, "hdr10"), (18, "hlg"), (1, None)])
def test_high_dynamic_range_is_named(tmp_path: Path, transfer: int, hdr: str | None) -> None:
    clip = Clip(color=(9, transfer, 9), frames=5, **HEVC)  # type: ignore[arg-type]
    assert probed(clip.write(tmp_path / "clip.mp4")).metadata.hdr == hdr


def test_a_silent_clip_has_no_audio_track(tmp_path: Path) -> None:
    assert probed(Clip(audio_codec=None).write(tmp_path / "clip.mp4")).metadata.audio is None


def test_place_and_time_come_from_the_container(tmp_path: Path) -> None:
    tags = {"location": "+48.8584+002.2945/", "creation_time": "2024-05-06T07:08:09Z"}
    found = probed(Clip(tags=tags).write(tmp_path / "clip.mp4"))
    assert found.location == Location(lat=48.8584, lng=2.2945, source="container")
    assert found.recorded_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_a_recording_that_was_never_finished_is_measured(tmp_path: Path) -> None:
    clip = Clip(codec="libvpx", audio_codec=None, options={"live": "1"}, frames=45)
    assert probed(clip.write(tmp_path / "live.webm")).metadata.duration_seconds == pytest.approx(
        1.5, abs=0.05
    )


def test_a_fragmented_clip_has_its_whole_length(tmp_path: Path) -> None:
    clip = Clip(options={"movflags": "frag_keyframe+empty_moov"}, frames=60)
    assert probed(clip.write(tmp_path / "clip.mp4")).metadata.duration_seconds == pytest.approx(2.0, abs=0.1)


def test_a_clip_that_starts_late_has_its_played_length(tmp_path: Path) -> None:
    clip = Clip(ticks=range(300, 330), audio_codec=None)
    assert probed(clip.write(tmp_path / "clip.mkv")).metadata.duration_seconds == pytest.approx(1.0, abs=0.1)


def test_a_variable_rate_is_the_mean(tmp_path: Path) -> None:
    clip = Clip(frames=6, ticks=[0, 1, 2, 10, 30, 60], audio_codec=None)
    assert 2 <= probed(clip.write(tmp_path / "clip.mp4")).metadata.fps <= 3.5


def test_one_picture_is_a_clip(tmp_path: Path) -> None:
    found = probed(Clip(frames=1, audio_codec=None).write(tmp_path / "clip.mp4")).metadata
    assert found.duration_seconds > 0
    assert found.fps > 0


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.mp4", b"", Refusal.EMPTY),
        ("noise.mp4", bytes(range(256)) * 40, Refusal.NOT_MEDIA),
        ("page.html", b"<!DOCTYPE html><html><body><video src=x></video></body></html>", Refusal.NOT_MEDIA),
        ("picture.png", PNG, Refusal.NOT_MEDIA),
        ("program", b"\x7fELF\x02\x01\x01" + b"\0" * 400, Refusal.NOT_MEDIA),
        ("subtitles.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHello\n", Refusal.NOT_MEDIA),
        (
            "list.m3u8",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nclip.ts\n#EXT-X-ENDLIST\n",
            Refusal.NOT_MEDIA,
        ),
        ("script.ffconcat", b"ffconcat version 1.0\nfile clip.ts\n", Refusal.NOT_MEDIA),
        (
            "call.sdp",
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
            Refusal.NOT_MEDIA,
        ),
        ("stub.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", Refusal.DAMAGED),
    ],
)
def test_what_is_not_a_clip_is_refused(tmp_path: Path, name: str, content: bytes, code: Refusal) -> None:
    Clip().write(tmp_path / "clip.ts")  # what the playlist and the script point to
    (tmp_path / name).write_bytes(content)
    assert refused(tmp_path / name) is code


@pytest.mark.parametrize("name", ["voice.m4a", "voice.mp4", "voice.mkv"])
def test_sound_alone_has_no_video(tmp_path: Path, name: str) -> None:
    assert refused(Clip(video=False).write(tmp_path / name)) is Refusal.NO_VIDEO


def test_another_codec_is_unsupported(tmp_path: Path) -> None:
    assert refused(Clip(codec="ffv1").write(tmp_path / "clip.mkv")) is Refusal.UNSUPPORTED_CODEC


def test_an_encrypted_clip_is_refused_as_such(tmp_path: Path) -> None:
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0" * 32, "encryption_kid": "1" * 32}
    assert refused(Clip(options=options).write(tmp_path / "clip.mp4")) is Refusal.ENCRYPTED


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}])
def test_a_clip_without_its_end_is_damaged(tmp_path: Path, options: dict[str, str]) -> None:
    assert refused(cut(Clip(options=options).write(tmp_path / "clip.mp4"), 0.6)) is Refusal.DAMAGED


@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.flv"])
def test_a_stream_that_breaks_off_plays_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    assert probed(cut(Clip().write(tmp_path / name), 0.6)).metadata.width_px == 160


def test_packets_without_a_picture_are_damaged(tmp_path: Path) -> None:
    path = Clip(audio_codec=None, options={"movflags": "faststart"}).write(tmp_path / "clip.mp4")
    data = path.read_bytes()
    media = data.index(b"mdat") + 4
    path.write_bytes(data[:media] + b"\xa5" * (len(data) - media))
    assert refused(path) is Refusal.DAMAGED


def test_damage_after_the_first_pictures_is_accepted(tmp_path: Path) -> None:
    path = Clip(audio_codec=None, options={"movflags": "faststart"}).write(tmp_path / "clip.mp4")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\xa5" * (len(data) - len(data) // 2))
    assert probed(path).metadata.width_px == 160


def test_a_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    clip = Clip(size=(8192, 8192), frames=1, audio_codec=None, paint=flat)
    assert refused(clip.write(tmp_path / "bomb.mp4")) is Refusal.TOO_LARGE_PICTURE


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts", "clip.mkv"])
def test_a_picture_beyond_the_limit_is_too_large(tmp_path: Path, name: str) -> None:
    path = Clip(size=(640, 480), frames=3).write(tmp_path / name)
    assert refused(path, ProbeLimits(max_picture_px=320 * 240)) is Refusal.TOO_LARGE_PICTURE


def test_a_header_that_lies_about_its_picture_is_found_out(tmp_path: Path) -> None:
    path = Clip(size=(640, 480), frames=3).write(tmp_path / "clip.mp4")
    claim_size(path, (640, 480), (64, 48))
    assert refused(path, ProbeLimits(max_picture_px=320 * 240)) is Refusal.TOO_LARGE_PICTURE


def test_four_hours_are_too_long(tmp_path: Path) -> None:
    path = Clip(frames=2, ticks=[0, 4 * 3600 * 30], audio_codec=None).write(tmp_path / "clip.mp4")
    assert refused(path) is Refusal.TOO_LONG


def test_too_many_pixels_in_all_are_refused(tmp_path: Path) -> None:
    path = Clip(frames=30).write(tmp_path / "clip.mp4")
    assert refused(path, ProbeLimits(max_clip_px=160 * 120 * 20)) is Refusal.TOO_MUCH_PICTURE


@pytest.mark.asyncio(loop_scope="module")
async def test_the_adapter_probes_in_the_sandbox(media_probe: MediaProbe, tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mp4")
    found = await media_probe.probe(path, size_bytes=path.stat().st_size)
    assert found == probed(path)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_adapter_raises_what_the_child_refused(media_probe: MediaProbe, tmp_path: Path) -> None:
    (tmp_path / "noise.mp4").write_bytes(b"no clip at all")
    with pytest.raises(BadMedia) as error:
        await media_probe.probe(tmp_path / "noise.mp4", size_bytes=14)
    assert error.value.code is Refusal.NOT_MEDIA


@pytest.mark.asyncio(loop_scope="module")
async def test_the_adapter_needs_no_more_memory_than_its_limit(
    media_probe: MediaProbe, tmp_path: Path
) -> None:
    small = MediaProbe(media_probe.sandbox, Limits(memory_bytes=400 << 20, file_bytes=0))
    path = Clip(size=(1920, 1080), frames=3).write(tmp_path / "clip.mp4")
    assert (await small.probe(path, size_bytes=path.stat().st_size)).metadata.width_px == 1920
