"""Reads a JSON object from a file of unknown content."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

from radiology.errors import SettingsRefused


def read_json_object(
    path: Path, what: str, *, most_bytes: int, sayable: Container[str] = ()
) -> dict[str, Any]:
    """Read one JSON object (RFC 8259), in UTF-8 with or without a byte order mark.

    NaN and Infinity, which are no JSON, come through as numbers: whoever looks at the field knows
    its name, and refuses them.

    Parameters
    ----------
    what : how the file is called in a message
    most_bytes : a larger file is refused and read no further
    sayable : keys that may be repeated in a message; any other may be the name of a patient

    Raises
    ------
    SettingsRefused
        It cannot be read, is too large, is not JSON, is no object, or has a key twice.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise SettingsRefused(f"The {what} {path} cannot be read: {error.strerror}") from error
    if len(content) > most_bytes:
        raise SettingsRefused(f"The {what} {path} is larger than {most_bytes} bytes")

    def without_doubles(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                named = key if key in sayable else "a key"
                raise SettingsRefused(f"The {what} {path} has {named} twice")
            found[key] = value
        return found

    try:
        read = json.loads(content.decode("utf-8-sig"), object_pairs_hook=without_doubles)
    except json.JSONDecodeError as error:
        raise SettingsRefused(
            f"The {what} {path} is not JSON: line {error.lineno}, column {error.colno}"
        ) from None
    except (ValueError, RecursionError):  # bytes that are no UTF-8, endless digits, deep nesting
        raise SettingsRefused(f"The {what} {path} is not JSON that can be read") from None
    if not isinstance(read, dict):
        raise SettingsRefused(f"The {what} {path} is not one JSON object")
    return read
