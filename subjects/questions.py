"""Questions that wait for their answers: one inbox for all, told apart by the last token of its subject."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from subjects.bus import BusRefusedError, BusUnavailableError
from subjects.wire import Heard, status_of

DENIED: Final = "permissions violation"
"""How nats-server says, out of band, that a subject is not ours. The question itself is never answered."""
_QUOTED: Final = re.compile('"([^"]+)"')


@dataclass(slots=True, eq=False)
class Question:
    """What was asked, and what was heard so far."""

    subject: str
    reply: str
    many: bool
    answers: asyncio.Future[list[Heard]]
    heard: list[Heard] = field(default_factory=list)

    def hear(self, heard: Heard) -> None:
        """Take an answer; the first one settles, or of many the status at their end."""
        self.heard.append(heard)
        if not self.answers.done() and (not self.many or status_of(heard)):
            self.answers.set_result(self.heard)

    def fail(self, error: Exception) -> None:
        """Settle without an answer."""
        if not self.answers.done():
            self.answers.set_exception(error)

    def expire(self, seconds: float) -> None:
        """Settle because it took too long."""
        self.fail(BusUnavailableError(f"{self.subject}: no answer within {seconds:g} s"))


@dataclass(slots=True)
class Questions:
    """The open questions of one connection."""

    inbox: str = ""
    _open: dict[str, Question] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def asking(self, subject: str, seconds: float, *, many: bool) -> Iterator[Question]:
        """Keep a question open inside; its answers fail when `seconds` are over."""
        loop = asyncio.get_running_loop()
        question = Question(subject, f"{self.inbox}.{next(self._numbers)}", many, loop.create_future())
        timer = loop.call_later(seconds, question.expire, seconds)
        self._open[question.reply] = question
        try:
            yield question
        finally:
            timer.cancel()
            del self._open[question.reply]

    async def hear(self, heard: Heard) -> None:
        """Give an answer to its question; nobody waits for a late one."""
        question = self._open.get(heard.subject)
        if question is not None:
            question.hear(heard)

    def lose(self) -> None:
        """The connection broke: no answer will come."""
        for question in self._open.values():
            question.fail(BusUnavailableError(f"{question.subject}: the connection to NATS broke"))

    def deny(self, text: str) -> None:
        """Fail the questions whose subject the server names as denied."""
        denied = _QUOTED.search(text)
        for question in self._open.values() if denied and DENIED in text else ():
            if denied and question.subject.lower() == denied[1]:  # nats-py gives the text in lower case
                question.fail(BusRefusedError(text))
