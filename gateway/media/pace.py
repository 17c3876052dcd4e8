"""How fast a client sends, counting only the time in which somebody waited for it. Pure.

What our own storage is slow at is not the client's fault, and a fast client is hardly ever waited for.
"""

from dataclasses import dataclass
from typing import Final

WINDOW_SECONDS: Final = 10.0
"""Of waiting: a client is judged by its last one or two windows."""
SILENT_SECONDS: Final = 5.0
PACE_BPS: Final = 256_000
"""Bits a second. A poor mobile line brings twice as much."""


@dataclass(slots=True)
class Pace:
    """Bytes and seconds of waiting, of this window and of the one before."""

    waited_seconds: float = 0.0
    received_bytes: int = 0
    earlier_seconds: float = 0.0
    earlier_bytes: int = 0

    def note(self, waited_seconds: float, received_bytes: int) -> None:
        """Count what arrived after so long a wait."""
        if self.waited_seconds >= WINDOW_SECONDS:
            self.earlier_seconds, self.earlier_bytes = self.waited_seconds, self.received_bytes
            self.waited_seconds, self.received_bytes = 0.0, 0
        self.waited_seconds += waited_seconds
        self.received_bytes += received_bytes

    def is_slow(self, waiting_seconds: float) -> bool:
        """Whether a client that is being waited for now, for so long already, is silent or too slow."""
        seconds = self.earlier_seconds + self.waited_seconds + waiting_seconds
        received_bits = 8 * (self.earlier_bytes + self.received_bytes)
        too_slow = seconds >= WINDOW_SECONDS and received_bits < PACE_BPS * seconds
        return too_slow or waiting_seconds >= SILENT_SECONDS
