"""What is said about accounts. No account is a video: the house stands in the video's place."""

from uuid import UUID

from subjects.message import Message, Subject
from subjects.work import HOUSE


class AccountClosed(Message, frozen=True, kw_only=True):
    """A person left: nothing personal is in their account any more, and what they made must follow."""

    video_id: UUID = HOUSE
    user_id: UUID


CLOSED = Subject("account.closed", AccountClosed, "EVENTS", "A person left; what they made must follow.")
