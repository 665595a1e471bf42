"""Read a table of a schema 3 declaration key by key: with types, lines, and cures.

Every refusal says where (line and path), what is wrong, and what to write instead.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from models.declared.lines import Path, line_at, lines_of
from radiology.errors import BundleRejected

DECLARATION: Final = "bundle.toml"
MOST_TEXT: Final = 2000

_Word = TypeVar("_Word", bound=StrEnum)
_ALIKE = 0.7  # difflib's ratio: two letters of a word of eight may differ


def nearest(word: str, known: Collection[str]) -> str:
    """'Did you mean "…"? ' where a known word is like this one; otherwise nothing."""
    folded = {one.lower(): one for one in sorted(known)}
    found = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=_ALIKE)
    return f'Did you mean "{folded[found[0]]}"? ' if found else ""


def listing(words: Iterable[str]) -> str:
    """Words as a person lists them, each in quotes."""
    return ", ".join(f'"{word}"' for word in words) or "none"


def rejected(line: int, place: str, reason: str, cure: str) -> BundleRejected:
    """The refusal of one place of a declaration."""
    where = f"{DECLARATION} line {line}" + (f", {place}" if place else "")
    return BundleRejected(f"{where}: {reason}. {cure}".strip())


class DeclarationTable:
    """One table of a declaration. Every key must be taken; the rest is refused by `close`.

    Parameters
    ----------
    values : as `tomllib` reads them
    lines : where each key stands, from `models.declared.lines.lines_of`
    path : of this table
    """

    def __init__(self, values: Mapping[str, object], lines: Mapping[Path, int], path: Path) -> None:
        self._values = dict(values)
        self._lines = lines
        self._path = path
        self._asked: set[str] = set()

    @classmethod
    def of(cls, text: str) -> DeclarationTable:
        """The whole of a text.

        Raises
        ------
        tomllib.TOMLDecodeError
            It is not TOML.
        """
        return cls(tomllib.loads(text), lines_of(text), ())

    # --- Where ----------------------------------------------------------------------------------

    @property
    def place(self) -> str:
        """The path as a person writes it, places in lists counted from 1."""
        return _written(self._path)

    def problem(self, key: str | None, reason: str, cure: str = "") -> BundleRejected:
        """The refusal of a key, or of the table itself."""
        path = self._path if key is None else (*self._path, key)
        return rejected(line_at(self._lines, path), _written(path), reason, cure)

    def has(self, key: str) -> bool:
        """Whether a key is there and was not taken."""
        self._asked.add(key)
        return key in self._values

    def names(self) -> tuple[str, ...]:
        """Every key that was not taken."""
        return tuple(self._values)

    def _take(self, key: str, written: str = "{} = …") -> object:
        """A value; where it is missing, the refusal shows how it is written."""
        self._asked.add(key)
        if key in self._values:
            return self._values.pop(key)
        alike = difflib.get_close_matches(key, [*self._values], n=1, cutoff=_ALIKE)
        if alike:
            raise self.problem(
                alike[0], f'"{alike[0]}" is not a key here', f'Did you mean "{key}"?'
            )
        raise self.problem(None, f'the key "{key}" is missing', f"Add {written.format(key)} here.")

    def _wrong(self, key: str, value: object, wanted: str) -> BundleRejected:
        return self.problem(key, f"{_shown(value)} is not {wanted}", f"Write {wanted}.")

    def expect(self, *keys: str) -> None:
        """Refuse every other key at once, before one of these keys seems to be missing."""
        self._asked.update(keys)
        self._refuse([key for key in self._values if key not in keys])

    def close(self) -> None:
        """Refuse keys that were not taken: a misspelt key must not be ignored."""
        self._refuse(self._values)

    def _refuse(self, unknown: Iterable[str]) -> None:
        known = sorted(self._asked)
        for key in unknown:
            cure = f"{nearest(key, known)}Known here: {listing(known)}."
            raise self.problem(key, f'"{key}" is not a key here', cure)

    # --- Single values --------------------------------------------------------------------------

    def text(self, key: str, *, most: int = MOST_TEXT) -> str:
        """A text that is not empty, of at most so many characters."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, value, "a text")
        if len(value) > most:
            raise self.problem(key, f"{len(value)} characters are too many", f"Use at most {most}.")
        if any(character < " " and character not in "\n\t" for character in value):
            raise self.problem(key, "a control character is in it", "Write plain text.")
        return value

    def choice(self, key: str, words: type[_Word]) -> _Word:
        """One of the words of an enumeration."""
        value = self.text(key)
        if value not in set(words):
            cure = f"{nearest(value, [*words])}Allowed: {listing(words)}."
            raise self.problem(key, f'"{value}" is not known here', cure)
        return words(value)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def number(self, key: str, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return self._in_range(key, self._take(key), low, high)

    def _in_range(self, key: str, value: object, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, value, f"a number from {low:g} to {high:g}")
        if not low <= value <= high:  # written so that NaN is refused
            raise self.problem(
                key, f"{_shown(value)} is out of range", f"Use a number from {low:g} to {high:g}."
            )
        return float(value)

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return int(self._in_range(key, value, low, high))

    # --- Lists ----------------------------------------------------------------------------------

    def _list(self, key: str, wanted: str, written: str = "{} = […]") -> list[object]:
        value = self._take(key, written)
        if not isinstance(value, list):
            raise self._wrong(key, value, wanted)
        return value

    def texts(self, key: str, *, least: int = 0) -> tuple[str, ...]:
        """A list of at least so many texts, none twice."""
        found = []
        for value in self._list(key, "a list of texts"):
            if not isinstance(value, str) or not value.strip():
                raise self._wrong(key, value, "a text")
            if value in found:
                raise self.problem(key, f'"{value}" stands in it twice', "Leave one out.")
            found.append(value)
        if len(found) < least:
            raise self.problem(key, f"{len(found)} entries are too few", f"Give {least} or more.")
        return tuple(found)

    def numbers(self, key: str, low: float, high: float, *, count: int = 0) -> tuple[float, ...]:
        """A list of numbers from `low` to `high`; exactly `count` of them where it is not 0."""
        values = self._list(key, "a list of numbers")
        if count and len(values) != count:
            raise self.problem(key, f"there are {len(values)} numbers", f"Give {count}.")
        return tuple(self._in_range(key, value, low, high) for value in values)

    def numbers_or_word(
        self, key: str, word: str, low: float, high: float, *, count: int
    ) -> tuple[float | None, ...]:
        """A list of `count` numbers from `low` to `high`; None where `word` stands instead."""
        values = self._list(key, f'a list of {count} numbers or "{word}"')
        if len(values) != count:
            raise self.problem(key, f"there are {len(values)} entries", f"Give {count}.")
        for value in values:
            if isinstance(value, str) and value != word:
                raise self._wrong(key, value, f'a number or "{word}"')
        return tuple(
            None if value == word else self._in_range(key, value, low, high) for value in values
        )

    def integers(self, key: str, low: int, high: int, *, counts: Collection[int]) -> list[int]:
        """A list of whole numbers from `low` to `high`, as many as one of `counts`."""
        values = self._list(key, "a list of whole numbers")
        if len(values) not in counts:
            wanted = " or ".join(str(one) for one in sorted(counts))
            raise self.problem(key, f"there are {len(values)} numbers", f"Give {wanted}.")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int):
                raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return [int(self._in_range(key, value, low, high)) for value in values]

    def limit(self, key: str) -> str | float | tuple[str, ...]:
        """A text, a number or a list of texts."""
        value = self._values.get(key)
        if isinstance(value, list):
            return self.texts(key, least=1)
        if isinstance(value, str):
            return self.text(key)
        return self.number(key, -1e9, 1e9)

    # --- Tables ---------------------------------------------------------------------------------

    def section(self, key: str) -> DeclarationTable:
        """A table inside this one."""
        value = self._take(key, self._heading("[{}]"))
        if not isinstance(value, dict):
            raise self._wrong(key, value, "a table")
        return DeclarationTable(value, self._lines, (*self._path, key))

    def sections(self, key: str, *, least: int = 0) -> Iterator[DeclarationTable]:
        """The tables of a list inside this one; at least so many."""
        if least == 0 and not self.has(key):
            return
        values = self._list(key, f"a list of tables: [[{key}]]", self._heading("[[{}]]"))
        if len(values) < least:
            raise self.problem(key, "there is none", f"Declare {least} or more.")
        for place, value in enumerate(values):
            if not isinstance(value, dict):
                raise self._wrong(key, value, f"a table of a list: [[{key}]]")
            yield DeclarationTable(value, self._lines, (*self._path, key, place))

    def _heading(self, brackets: str) -> str:
        """How a table is written at the top; further down it is one of braces or its own."""
        return brackets if not self._path else "{} = {{ … }}"

    def free_table(self, key: str) -> Mapping[str, object]:
        """A table that is somebody else's to check."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self._wrong(key, value, "a table")
        return value


def _written(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_MOST_SHOWN = 40  # characters of a value in a message
_KINDS = {str: "a text", list: "a list", dict: "a table", int: "a number"}


def _shown(value: object) -> str:
    """A value as a message names it; a long one by its kind alone."""
    if value == "":
        return "an empty text"
    written = str(value).lower() if isinstance(value, bool) else repr(value)
    if isinstance(value, str | int | float) and len(written) <= _MOST_SHOWN:
        return written
    return _KINDS.get(type(value), "a value of another kind")
