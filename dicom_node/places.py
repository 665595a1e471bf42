"""Places for what is under way: whoever begins and does not go on takes not every one of them."""

from __future__ import annotations

import threading
from collections import Counter


class Places:
    """What has begun and not ended.

    Parameters
    ----------
    most : of all together
    of_one : of one address, or one account
    """

    def __init__(self, most: int, *, of_one: int) -> None:
        self._most = most
        self._of_one = of_one
        self._under_way: Counter[str] = Counter()
        self._turn = threading.Lock()

    def begin(self, whose: str) -> bool:
        """Take a place; False when there is none, and nothing is to be ended then."""
        with self._turn:
            full = self._under_way.total() >= self._most
            if full or self._under_way[whose] >= self._of_one:
                return False
            self._under_way[whose] += 1
            return True

    def end(self, whose: str) -> None:
        """Give the place back."""
        with self._turn:
            self._under_way[whose] -= 1
            if self._under_way[whose] <= 0:
                del self._under_way[whose]
