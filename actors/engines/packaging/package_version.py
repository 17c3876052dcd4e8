"""Which version of a video's package follows, now that more of it is finished. Pure."""

from collections.abc import Sequence

from actors.engines.packaging.presentation import Presentation
from actors.engines.packaging.texts import MANIFEST, MASTER, fingerprint, package_texts
from storage.keys import package_folder
from storage.records import Video
from storage.rendition_records import Package
from subjects.media import Rendition


def best_first(renditions: Sequence[Rendition]) -> tuple[Rendition, ...]:
    """Return the renditions from the largest picture to the smallest, then sounds, the default one first.

    Sounds are numbered in their names, so a longer name is a later one.
    """

    def rank(one: Rendition) -> tuple[bool, int, int, bool, int, str]:
        if one.kind == "audio":
            return True, 0, 0, not one.default, len(one.name), one.name
        return False, -(one.width_px or 0) * (one.height_px or 0), -one.bandwidth_bps, False, 0, one.name

    return tuple(sorted(renditions, key=rank))


def next_version(known: Video, renditions: tuple[Rendition, ...]) -> tuple[Package, dict[str, str]]:
    """Return the version that follows the newest one, and its texts by key: its place tells its content."""
    storyboard = known.illustration.storyboard if known.illustration is not None else None
    # What they name they name from any folder of this depth alike.
    anywhere = package_folder(known.id, "0")
    texts = package_texts(Presentation(folder=anywhere, renditions=renditions, storyboard=storyboard))
    folder = package_folder(known.id, fingerprint(texts))
    package = Package(
        version=known.package.version + 1 if known.package is not None else 1,
        hls_key=f"{folder}/{MASTER}",
        dash_key=f"{folder}/{MANIFEST}" if MANIFEST in texts else None,
    )
    return package, {f"{folder}/{name}": text for name, text in texts.items()}
