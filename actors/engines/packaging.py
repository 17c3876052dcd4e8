"""Every text of one version of a video's package, by its key. Pure."""

from actors.engines.dash_manifest import manifest
from actors.engines.hls_master import captions_name, master_playlist
from actors.engines.hls_playlists import captions_playlist, iframe_playlist, key_frames, media_playlist
from actors.engines.presentation import Presentation

MASTER = "master.m3u8"
MANIFEST = "manifest.mpd"


def package_texts(presentation: Presentation) -> dict[str, str]:
    """Return the texts by key, those first that others name."""
    texts = {}
    for one in presentation.renditions:
        texts[f"{one.name}.m3u8"] = media_playlist(presentation, one)
        if key_frames(one):
            texts[f"{one.name}.iframes.m3u8"] = iframe_playlist(presentation, one)
    texts |= {captions_name(track): captions_playlist(presentation, track) for track in presentation.captions}
    texts |= {MANIFEST: manifest(presentation), MASTER: master_playlist(presentation)}
    return {f"{presentation.folder}/{name}": text for name, text in texts.items()}
