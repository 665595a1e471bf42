"""A header of a part of a multipart body, as a parser tells it piece by piece."""

from __future__ import annotations


class PartHeader:
    """Gathers one header after the other."""

    def __init__(self) -> None:
        self._name, self._value = bytearray(), bytearray()

    def add_name(self, data: bytes, start: int, end: int) -> None:
        """A piece of its name."""
        self._name.extend(data[start:end])

    def add_value(self, data: bytes, start: int, end: int) -> None:
        """A piece of its value."""
        self._value.extend(data[start:end])

    def take(self) -> tuple[bytes, bytes]:
        """Its name in small letters and its value; the next one begins."""
        found = bytes(self._name).strip().lower(), bytes(self._value)
        self._name, self._value = bytearray(), bytearray()
        return found
