"""Finds the line of each key in a TOML text: `tomllib` gives values without lines.

The text was read by `tomllib` before, so it is well formed, and this only has to find keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)+")
_SPACES = re.compile(r"[ \t]+")
_OTHER_VALUE = re.compile(r"[^,\]\}#\n]+")
_STRINGS = ('"""', "'''", '"', "'")


def lines_of(text: str) -> dict[Path, int]:
    """Find the line, counted from 1, of every table, key and list entry.

    Parameters
    ----------
    text : TOML that `tomllib` accepts

    Returns
    -------
    By path: keys as texts, places in lists as numbers from 0, as in ("outputs", 1, "kind").
    """
    return _Scanner(text).scan()


def line_at(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest table around it; 1 for the whole text."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    """Walks over a text once and notes where each path begins."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line, self._counted = 1, 0
        self._lines: dict[Path, int] = {}
        self._lengths: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip(_BLANK) < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _skip(self, pattern: re.Pattern[str]) -> int:
        if found := pattern.match(self._text, self._at):
            self._at = found.end()
        return self._at

    def _note(self, path: Path, at: int) -> None:
        self._line += self._text.count("\n", self._counted, at)
        self._counted = at
        self._lines.setdefault(path, self._line)

    def _header(self) -> Path:
        start = self._at
        listed = self._text.startswith("[[", start)
        self._at += 2 if listed else 1
        path = self._within((), self._key())
        if listed:
            place = self._lengths.get(path, 0)
            self._lengths[path] = place + 1
            self._note(path, start)
            path = (*path, place)
        self._note(path, start)
        self._at += 2 if listed else 1  # the closing brackets
        return path

    def _within(self, table: Path, names: list[str]) -> Path:
        """Names below a table; a list of tables on the way stands for its last entry."""
        path = table
        for number, name in enumerate(names, start=1):
            path = (*path, name)
            if number < len(names) and path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        return path

    def _key(self) -> list[str]:
        names = []
        while True:
            self._skip(_SPACES)
            names.append(self._name())
            self._skip(_SPACES)
            if self._text[self._at] != ".":
                return names
            self._at += 1

    def _name(self) -> str:
        start = self._at
        if self._text[start] in "\"'":
            self._string()
            return self._text[start + 1 : self._at - 1]
        self._skip(_BARE)
        return self._text[start : self._at]

    def _pair(self, table: Path) -> None:
        start = self._at
        names = self._key()
        for depth in range(1, len(names) + 1):
            self._note((*table, *names[:depth]), start)
        self._at += 1  # the equals sign
        self._skip(_SPACES)
        self._value((*table, *names))

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first in "\"'":
            self._string()
        elif first in "[{":
            self._list(path, "]}"["[{".index(first)])
        else:
            self._skip(_OTHER_VALUE)

    def _list(self, path: Path, end: str) -> None:
        self._at += 1
        place = 0
        while self._skip(_BLANK) < len(self._text) and self._text[self._at] != end:
            if self._text[self._at] == ",":
                self._at += 1
            elif end == "}":
                self._pair(path)
            else:
                self._note((*path, place), self._at)
                self._value((*path, place))
                place += 1
        self._at += 1

    def _string(self) -> None:
        quotes = next(one for one in _STRINGS if self._text.startswith(one, self._at))
        self._at += len(quotes)
        while not self._text.startswith(quotes, self._at):
            escaped = quotes[0] == '"' and self._text[self._at] == "\\"
            self._at += 2 if escaped else 1
        self._at += len(quotes)
        while len(quotes) == 3 and self._text.startswith(quotes[0], self._at):
            self._at += 1  # up to two quotes may stand before the closing three
