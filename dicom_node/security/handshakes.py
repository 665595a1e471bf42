"""How many handshakes are under way: peers that begin and do not go on take not every thread."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

_SHARE: Final = 4  # of all, that one address may have
_LEAST: Final = 4


class Handshakes:
    """Handshakes that have begun and not ended.

    Parameters
    ----------
    most : from all addresses together; a quarter of them from one
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of_one = max(_LEAST, most // _SHARE)
        self._under_way: Counter[str] = Counter()
        self._turn = threading.Lock()

    def begin(self, address: str) -> bool:
        """Take a place; False when there is none, and nothing is to be ended then."""
        with self._turn:
            full = self._under_way.total() >= self._most
            if full or self._under_way[address] >= self._of_one:
                return False
            self._under_way[address] += 1
            return True

    def end(self, address: str) -> None:
        """Give the place back."""
        with self._turn:
            self._under_way[address] -= 1
            if self._under_way[address] <= 0:
                del self._under_way[address]
