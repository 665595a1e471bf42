"""Read a TOML table key by key, with types, and refuse what nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from radiology.errors import BundleRejected


class Table:
    """One table of a declaration. Every key must be taken; the rest is refused by `close`.

    Parameters
    ----------
    values : as `tomllib` reads them
    place : where the table stands, for messages
    """

    def __init__(self, values: Mapping[str, object], place: str) -> None:
        self._values = dict(values)
        self._place = place

    def _take(self, key: str) -> object:
        if key not in self._values:
            raise BundleRejected(f"The declaration lacks {self._place}.{key}")
        return self._values.pop(key)

    def _wrong(self, key: str, wanted: str) -> BundleRejected:
        return BundleRejected(f"In the declaration {self._place}.{key} is not {wanted}")

    def has(self, key: str) -> bool:
        """Whether a key is there and was not taken."""
        return key in self._values

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def number(self, key: str, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        if not low <= value <= high:
            raise self._wrong(key, f"between {low:g} and {high:g}")
        return float(value)

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "a whole number")
        if not low <= value <= high:
            raise self._wrong(key, f"between {low} and {high}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def numbers(self, key: str, low: float, high: float) -> tuple[float, ...]:
        """A list of numbers from `low` to `high`."""
        value = self._take(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list of numbers")
        entries = Table({str(at): one for at, one in enumerate(value)}, f"{self._place}.{key}")
        return tuple(entries.number(str(at), low, high) for at in range(len(value)))

    def scalar_or_texts(self, key: str) -> str | float | tuple[str, ...]:
        """A text, a number or a list of texts."""
        value = self._values.get(key)
        if isinstance(value, list):
            return self.texts(key)
        if isinstance(value, str):
            return self.text(key)
        return self.number(key, -1e9, 1e9)

    def table(self, key: str) -> Table:
        """A table inside this one."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return Table(value, f"{self._place}.{key}")

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of a list inside this one."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._wrong(key, "a list of tables")
        for number, item in enumerate(value, start=1):
            yield Table(item, f"{self._place}.{key}[{number}]")

    def all_texts(self) -> dict[str, str]:
        """Every key that is left, each a text."""
        return {key: self.text(key) for key in sorted(self._values)}

    def close(self) -> None:
        """Refuse keys that were not taken: a misspelt one must not be silently without effect."""
        if self._values:
            unknown = ", ".join(sorted(self._values))
            raise BundleRejected(f"The declaration has unknown keys in {self._place}: {unknown}")
