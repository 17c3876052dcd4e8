"""Every text of one version of a video's package, and what it is called after. Pure."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from actors.engines.packaging.dash_manifest import manifest
from actors.engines.packaging.hls_images import IMAGES, image_playlist
from actors.engines.packaging.hls_master import captions_name, has_key_frames, master_playlist
from actors.engines.packaging.hls_playlists import captions_playlist, iframe_playlist, media_playlist
from actors.engines.packaging.presentation import Presentation

MASTER: Final = "master.m3u8"
MANIFEST: Final = "manifest.mpd"
_FINGERPRINT_BYTES: Final = 8
"""A video has a few versions: two of them meet in the first 64 bits once in 10^17 videos."""


def package_texts(presentation: Presentation) -> dict[str, str]:
    """Return the texts by name, those first that others name.

    DASH has no manifest of what is encrypted as only players of HLS decrypt it.
    """
    texts = {}
    for one in presentation.renditions:
        texts[f"{one.name}.m3u8"] = media_playlist(presentation, one)
        if has_key_frames(one):
            texts[f"{one.name}.iframes.m3u8"] = iframe_playlist(presentation, one)
    texts |= {captions_name(track): captions_playlist(presentation, track) for track in presentation.captions}
    if presentation.images is not None:
        texts[IMAGES] = image_playlist(presentation, presentation.images)
    if all(one.key_name is None for one in presentation.renditions):
        texts[MANIFEST] = manifest(presentation)
    return {**texts, MASTER: master_playlist(presentation)}


def fingerprint(texts: Mapping[str, str]) -> str:
    """Return 16 hex digits that are those of these texts under these names, and of no others."""
    digest = blake2b(digest_size=_FINGERPRINT_BYTES)
    for name in sorted(texts):
        for part in (name.encode(), texts[name].encode()):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
    return digest.hexdigest()
