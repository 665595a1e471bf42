"""Decides which thread takes the next message of an association that we requested.

The library's thread looks for messages of the peer; a caller that waits for an answer pauses it
first. Between "may go on" and "is going on" of that thread there is a gap: a caller that pauses it
just then believes that it stands, and the thread takes the answer, which is then lost. The
caller waits until its time is over, and what the peer did seems not to have been done. Seen on a
busy machine in one of a few hundred requests.
"""

from __future__ import annotations

import threading
from typing import Final

_LONGEST_TURN_S: Final = 1.0  # the thread may have ended, or serve the peer for longer


class TurnTaking(threading.Event):
    """The checkpoint at which the library's thread waits while a caller has the turn."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = threading.Lock()
        self._owner: int | None = None

    def wait(self, timeout: float | None = None) -> bool:
        """End the thread's turn, and wait until it has the next one."""
        self._give_up()
        while super().wait(timeout):
            self._turn.acquire()
            self._owner = threading.get_ident()
            if self.is_set():  # and nobody has paused the thread meanwhile
                return True
            self._give_up()
        return False

    def clear(self) -> None:
        """Pause the thread; returns when its turn is over, or took too long."""
        super().clear()
        if self._owner != threading.get_ident() and self._turn.acquire(timeout=_LONGEST_TURN_S):
            self._turn.release()

    def _give_up(self) -> None:
        if self._owner == threading.get_ident():
            self._owner = None
            self._turn.release()
