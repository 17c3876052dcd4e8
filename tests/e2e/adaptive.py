"""Reads what a player would read, knowing nothing but one signed URL."""

import re
from dataclasses import dataclass
from io import BytesIO
from xml.etree import ElementTree as ET

import av
import httpx2

NAMESPACE = {"": "urn:mpeg:dash:schema:mpd:2011"}


@dataclass(frozen=True)
class Reader:
    """Follows references from a playlist or manifest to media."""

    http: httpx2.AsyncClient

    async def fetch(self, url: str) -> bytes:
        answer = await self.http.get(url, follow_redirects=True)
        assert answer.status_code == 200, (answer.status_code, url)
        return answer.content

    async def hls(self, url: str) -> dict[str, bytes]:
        """Return the media of each variant and each sound of a master playlist, by its name."""
        master = (await self.fetch(url)).decode()
        lines = [line for line in master.splitlines() if line and not line.startswith("#")]
        sounds = re.findall(r'#EXT-X-MEDIA:TYPE=AUDIO.*URI="([^"]+)"', master)
        return {name_of(one): await self._playlist(joined(url, one)) for one in (*lines, *sounds)}

    async def _playlist(self, url: str) -> bytes:
        text = (await self.fetch(url)).decode()
        assert text.rstrip().endswith("#EXT-X-ENDLIST")
        (head,) = re.findall(r'#EXT-X-MAP:URI="([^"]+)"', text)
        pieces = [line for line in text.splitlines() if line and not line.startswith("#")]
        return b"".join([await self.fetch(joined(url, one)) for one in (head, *pieces)])

    async def dash(self, url: str) -> dict[str, bytes]:
        """Return the media of each representation of a manifest, by its id."""
        root = ET.fromstring(await self.fetch(url))  # noqa: S314 - our own answer
        found = {}
        groups = (group for group in root.iterfind(".//AdaptationSet", NAMESPACE) if not is_of_images(group))
        for group in groups:
            for one in group.iterfind("Representation", NAMESPACE):
                template = one.find("SegmentTemplate", NAMESPACE)
                template = group.find("SegmentTemplate", NAMESPACE) if template is None else template
                assert template is not None
                named = {"$RepresentationID$": one.attrib["id"]}
                heads = [filled(template.attrib["initialization"], named)]
                pieces = [
                    filled(template.attrib["media"], {**named, "$Time$": str(time)})
                    for time in times(template)
                ]
                media = [await self.fetch(joined(url, piece)) for piece in (*heads, *pieces)]
                found[one.attrib["id"]] = b"".join(media)
        return found


def is_of_images(group: ET.Element) -> bool:
    return group.attrib["contentType"] == "image"


def times(template: ET.Element) -> list[int]:
    """Return when each segment of a timeline begins."""
    at, found = 0, []
    for entry in template.iterfind("SegmentTimeline/S", NAMESPACE):
        at = int(entry.attrib.get("t", at))
        for _ in range(int(entry.attrib.get("r", 0)) + 1):
            found.append(at)
            at += int(entry.attrib["d"])
    return found


def filled(template: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(name, value)
    return template


def joined(url: str, reference: str) -> str:
    return str(httpx2.URL(url).join(reference))


def name_of(reference: str) -> str:
    return reference.partition("?")[0].removesuffix(".m3u8")


def pictures(media: bytes) -> list[av.VideoFrame]:
    """Decode every frame of a file in memory."""
    with av.open(BytesIO(media)) as container:
        return list(container.decode(container.streams.video[0]))


def sound_seconds(media: bytes) -> float:
    """Decode all sound of a file in memory and return how long it is."""
    with av.open(BytesIO(media)) as container:
        return sum(
            frame.samples / frame.sample_rate for frame in container.decode(container.streams.audio[0])
        )
