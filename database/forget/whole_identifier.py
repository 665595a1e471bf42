"""Finds identifiers as they stand whole: 100234 is not in 1002345, nor 1.2.3 in 1.2.34."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath

_PART = "0-9A-Za-z._-"
_AFTER = 3  # bytes that must be seen behind an identifier to know that it ends there


class WholeIdentifiers:
    """A pattern of identifiers in bytes, text and paths."""

    def __init__(self, identifiers: Iterable[str]) -> None:
        self._all = tuple(dict.fromkeys(one for one in identifiers if one))
        either = "|".join(re.escape(one) for one in self._all) or "(?!)"
        # A dot that ends a sentence or begins an ending such as .dcm is no part of an identifier.
        self._text = re.compile(f"(?<![{_PART}])(?:{either})(?![0-9A-Za-z_-]|\\.[0-9A-Za-z])")
        self._bytes = re.compile(self._text.pattern.encode())
        self._longest = max((len(one.encode()) for one in self._all), default=0)

    def in_text(self, text: str) -> bool:
        """Whether one of them stands in a text."""
        return self._text.search(text) is not None

    def in_path(self, path: PurePath) -> bool:
        """Whether a folder or a file is called by one of them, with whatever ending."""
        return any(
            part == one or (part.startswith(one) and re.match(r"[-_]|\.\D", part[len(one) :]))
            for part in path.parts
            for one in self._all
        )

    def in_pieces(self, pieces: Iterator[bytes]) -> bool:
        """Whether one of them stands in bytes that come piece by piece."""
        if not self._all:
            return False
        before, first = b"", True
        for piece in pieces:
            seen = before + piece
            known = len(seen) - _AFTER  # beyond, what follows is not known yet
            if any(
                (first or one.start() > 0) and one.end() <= known
                for one in self._bytes.finditer(seen)
            ):
                return True
            kept = self._longest + _AFTER + 1
            first = first and len(seen) <= kept
            before = seen[-kept:]
        return any(first or one.start() > 0 for one in self._bytes.finditer(before))
