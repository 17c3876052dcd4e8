"""Which tracks of sound a container holds, the main one first."""

from typing import Any

from av.container import InputContainer
from av.stream import Disposition

from actors.engines.sound.facts import SoundFacts, label_of, numbered
from actors.engines.sound.languages import language_of


def sounds_of(container: InputContainer) -> list[Any]:
    """Return the streams that can be heard: the main one first, the others as they lie in the file.

    The main one is the first of those that the file calls its default, else the first.
    """
    playable = [one for one in container.streams.audio if _decodable(one)]
    main = min(playable, key=lambda one: (not one.disposition & Disposition.default, one.index), default=None)
    return sorted(playable, key=lambda one: (one is not main, one.index))


def facts_of(stream: Any, place: int, rendition: str = "audio-aac") -> SoundFacts:
    """Return what is known of the stream that has this place among those that are heard, from zero."""
    return SoundFacts(
        index=stream.index,
        rendition=numbered(rendition, place),
        language=language_of(stream.metadata.get("language")),
        label=label_of(stream.metadata),
    )


def _decodable(stream: Any) -> bool:
    context = stream.codec_context
    return context is not None and context.sample_rate > 0 and context.channels > 0
