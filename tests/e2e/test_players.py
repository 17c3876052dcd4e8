"""What is packaged plays in ffmpeg, in hls.js and in dash.js, over HTTP from the media plane."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID

import av
import httpx2
import numpy as np
import pytest
from msgspec.structs import replace

from gateway.signing import media_expiry, media_url
from storage.keys import derived_key
from storage.objects import StoredObjects
from storage.sealing import Vault
from storage.segment_keys import NO_KEYS, SegmentKeys
from tests.e2e.chromium import Page, running_chromium
from tests.e2e.packaged_clip import FPS, RUNGS, SECONDS, package_clip
from tests.e2e.packaged_storyboard import GREY_STEP, TILE_SECONDS
from tests.e2e.two_languages import package_two_languages
from tests.e2e.web_players import LIBRARIES, serving
from tests.sync_clips import FLASH_SECONDS
from tests.unit.gateway_media.house import House, path_of, running

VIDEO = UUID("0199c8a2-0000-7000-8000-000000000001")
IN_TWO_LANGUAGES = UUID("0199c8a2-0000-7000-8000-000000000002")
GRAY = "-pix_fmt gray -f rawvideo"
VAULT = Vault((b"m" * 32,))
ENCRYPTING = SegmentKeys(VAULT, is_on=True)
PAGES = {"hls": "cmaf/v1/master.m3u8", "dash": "cmaf/v1/manifest.mpd"}
WIDTHS = sorted(width for width, _ in RUNGS.values())


def missing(what: str) -> None:
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """The command line of ffmpeg; without it these tests skip, or fail in CI."""
    return shutil.which("ffmpeg") or missing("ffmpeg is not installed") or ""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Chromium by one of its names; without it these tests skip, or fail in CI."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return found or missing("chromium is not installed") or ""


@pytest.fixture(scope="session")
def libraries(pytestconfig: pytest.Config) -> dict[str, bytes]:
    """The players; when they cannot be downloaded these tests skip, or fail in CI."""
    cache = pytestconfig.cache.mkdir("web-players")  # type: ignore[union-attr]
    try:
        return {path: library.fetch(cache) for path, library in LIBRARIES.items()}
    except httpx2.HTTPError as error:
        missing(f"the players cannot be downloaded: {error!r}")
        raise


@dataclass(frozen=True)
class Theatre:
    """A media plane with a packaged clip, and the origin of a page that may play it."""

    house: House
    origin: str

    def url(self, kind: str, video_id: UUID = VIDEO) -> str:
        signed = media_url(
            self.house.config, video_id, PAGES[kind], media_expiry(self.house.config, datetime.now(UTC))
        )
        return f"http://127.0.0.1:{self.house.port}{path_of(signed)}"


@pytest.fixture
def keys() -> SegmentKeys:
    """What the clip is encrypted with: nothing, unless a test says so."""
    return NO_KEYS


@pytest.fixture
async def theatre(
    ffmpeg: str, keys: SegmentKeys, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Theatre]:
    objects = StoredObjects.local(tmp_path / "objects")
    await package_clip(objects, VIDEO, ffmpeg, tmp_path / "made", keys)
    files = request.getfixturevalue("libraries") if "chromium" in request.fixturenames else {}
    with serving(files) as origin:
        house = House(objects=objects, vault=VAULT)
        house.config = replace(house.config, allowed_origins=(origin,))
        async with running(house):
            yield Theatre(house, origin)


@pytest.fixture
async def page(chromium: str, theatre: Theatre, tmp_path: Path) -> AsyncIterator[Page]:
    async with running_chromium(chromium, tmp_path) as browser:
        yield await browser.open(theatre.origin)


async def decoded_frames(ffmpeg: str, url: str, stream: str) -> int:
    """How many frames of a stream ffmpeg finds."""
    out = await decoded(ffmpeg, url, stream, "-f", "framemd5")
    return sum(1 for line in out.splitlines() if not line.startswith(b"#"))


async def decoded(ffmpeg: str, url: str, stream: str, *form: str) -> bytes:
    """What ffmpeg makes of a stream, without a complaint."""
    command = [ffmpeg, "-v", "error", "-i", url, "-map", stream, *form, "-"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        out, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")
    return out


@pytest.mark.parametrize("keys", [NO_KEYS, ENCRYPTING], ids=["plain", "encrypted"])
async def test_ffmpeg_decodes_every_frame_of_every_rung_over_http(ffmpeg: str, theatre: Theatre) -> None:
    for number in range(len(RUNGS)):
        assert await decoded_frames(ffmpeg, theatre.url("hls"), f"0:v:{number}") == SECONDS * FPS


def frames_in(media: bytes) -> int:
    """How much can be decoded of a file in memory; nothing of what is no media."""
    try:
        with av.open(BytesIO(media)) as container:
            return sum(1 for _ in container.decode(container.streams[0]))
    except av.error.FFmpegError:
        return 0


@pytest.mark.parametrize("keys", [ENCRYPTING])
async def test_what_lies_encrypted_is_no_media_until_a_player_has_the_key(
    ffmpeg: str, theatre: Theatre, tmp_path: Path
) -> None:
    for rendition in (*RUNGS, "audio-aac"):
        folder = tmp_path / "objects" / derived_key(VIDEO, f"cmaf/{rendition}/{ENCRYPTING.newest_name}")
        lying = {path.name: path.read_bytes() for path in folder.iterdir()}
        begins = lying.pop("init.mp4")
        assert begins[4:8] == b"ftyp", "what a segment begins with says nothing of it"
        assert not any(data[4:8] in (b"moof", b"styp") or b"mdat" in data[:4096] for data in lying.values())
        assert frames_in(begins + lying["0.m4s"]) == 0
    theatre.house.plane.routes = [
        one for one in theatre.house.plane.routes if not one.pattern.endswith(".key")
    ]
    with pytest.raises(AssertionError):
        await decoded_frames(ffmpeg, theatre.url("hls"), "0:v:0")


@pytest.mark.parametrize(
    ("player", "kind", "keys"),
    [("hls.js", "hls", NO_KEYS), ("dash.js", "dash", NO_KEYS), ("hls.js", "hls", ENCRYPTING)],
    ids=["hls.js", "dash.js", "hls.js decrypting"],
)
async def test_a_browser_plays_changes_quality_seeks_and_comes_to_the_end(
    theatre: Theatre, page: Page, player: str, kind: str
) -> None:
    assert await page.value(f"players['{player}']('{theatre.url(kind)}')") == WIDTHS
    await page.until("screen_.currentTime > 0.5")
    assert abs(await page.value("screen_.duration") - SECONDS) < 0.1
    assert await page.value("screen_.webkitAudioDecodedByteCount") > 0
    for width in (WIDTHS[0], WIDTHS[1], WIDTHS[0]):
        await page.value(f"choose({width})")
        await page.until(f"screen_.videoWidth === {width}")
        at = await page.value("screen_.currentTime")
        await page.until(f"screen_.currentTime > {at} + 0.2")
    await page.value(f"screen_.currentTime = {SECONDS - 1.5}")
    await page.until("screen_.ended")
    assert await page.value("faults") == []
    assert page.browser.complaints == []


async def test_another_language_is_chosen_while_a_clip_plays(
    theatre: Theatre, page: Page, tmp_path: Path
) -> None:
    await package_two_languages(theatre.house.objects, IN_TWO_LANGUAGES, tmp_path)
    await page.value(f"players['hls.js']('{theatre.url('hls', IN_TWO_LANGUAGES)}')")
    await page.until("screen_.currentTime > 0.5")
    assert await page.value("hls.audioTracks.map((one) => one.lang)") == ["en", "de"]
    await page.value("hls.audioTrack = 1")
    await page.until("screen_.currentTime > 3.0")
    assert await page.value("hls.audioTrack") == 1
    await page.until("screen_.ended")
    assert await page.value("faults") == []


async def test_ffmpeg_hears_both_languages_with_the_flash(
    ffmpeg: str, theatre: Theatre, tmp_path: Path
) -> None:
    await package_two_languages(theatre.house.objects, IN_TWO_LANGUAGES, tmp_path)
    url = theatre.url("hls", IN_TWO_LANGUAGES)
    for track in (0, 1):
        raw = await decoded(ffmpeg, url, f"0:a:{track}", "-ac", "1", "-f", "s16le")
        samples = np.abs(np.frombuffer(raw, np.int16).astype(np.int32))
        assert samples.argmax() / 48_000 == pytest.approx(FLASH_SECONDS, abs=0.010)
    pictures = np.frombuffer(await decoded(ffmpeg, url, "0:v:0", *GRAY.split()), np.uint8)
    assert pictures.reshape(-1, 64 * 48).mean(axis=1).argmax() / 30 == FLASH_SECONDS


async def test_dash_js_shows_the_tile_of_each_time_from_the_right_sheet(theatre: Theatre, page: Page) -> None:
    await page.value(f"players['dash.js']('{theatre.url('dash')}')")
    sheets = []
    for tile in (0, 1, 4, 5, 12, 24, 25, 29, 30, 35):
        shown = await page.value(f"pictured({(tile + 0.5) * TILE_SECONDS})")
        assert shown["grey"] == pytest.approx(GREY_STEP * tile, abs=2), tile
        sheets.append(shown["sheet"])
    assert sheets == ["storyboard-1.jpg"] * 6 + ["storyboard-2.jpg"] * 4


async def test_a_page_of_another_origin_cannot_play(theatre: Theatre, page: Page) -> None:
    theatre.house.plane.origins = ("https://app.example",)
    with pytest.raises(AssertionError, match="manifestLoadError"):
        await page.value(f"players['hls.js']('{theatre.url('hls')}')")
