"""Every subject of the house in journey order: the one list that configuration and documents follow.

`make render` writes streams, consumers, permissions and AsyncAPI from it. Adding a message = declare its
struct and subject in the module of its noun, add the subject here, run `make render`.
"""

from typing import Final

from subjects import account, stage, upload, video, work
from subjects.message import Message, Subject

SUBJECTS: Final[tuple[Subject[Message], ...]] = (
    upload.COMPLETED,
    upload.EXPIRED,
    video.UPLOADED,
    video.PROBED,
    video.REJECTED,
    video.THUMBNAILED,
    video.PLAYABLE,
    video.TRANSCODED,
    stage.SKIPPED,
    stage.PROGRESSED,
    video.READY,
    video.FAILED,
    video.DELETED,
    account.CLOSED,
    work.SWEEP,
    work.TRACES,
    work.ENCODE,
    work.PACKAGE,
)

_BY_NAME: Final = {subject.name: subject for subject in SUBJECTS}
_BY_MESSAGE: Final = {subject.message: subject for subject in SUBJECTS}


def find_subject(name: str) -> Subject[Message] | None:
    """Return the subject called `name` (`noun.verb`), or None."""
    return _BY_NAME.get(name)


def subject_of(message: Message) -> Subject[Message]:
    """Return the subject that carries messages of this type. Raises KeyError for an unregistered type."""
    return _BY_MESSAGE[type(message)]
