"""The settings in force as lines, with every secret and every doubtful value masked.

A secret is a SecretStr, the name of a file that holds one, whatever is called like one, and
everything in a web address but where it leads: user, password, path and query may each be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AnyUrl, BaseModel, SecretBytes, SecretStr

from settings.environment import Settings

SET, NOT_SET = "set (not shown)", "not set"
_LIKE_A_SECRET = re.compile(
    r"secret|password|passwd|passphrase|token|credential|api_?key|private_?key|(^|_)key(_file)?$"
    r"|client_id$|_user$|^user$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_NONE = "–"


def settings_lines(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Name and value of every setting; entries by their names: `peers.pacs.host`."""
    return tuple(_lines("", settings))


def _lines(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, SecretStr | SecretBytes):
        yield name, SET if value.get_secret_value() else NOT_SET
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _entry(_joined(name, field), field, getattr(value, field))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _lines(_joined(name, str(key)), inner)
        if not value:
            yield name, _NONE
    elif isinstance(value, tuple | list) and any(isinstance(one, BaseModel) for one in value):
        for number, inner in enumerate(value, start=1):
            yield from _lines(_joined(name, str(getattr(inner, "name", number))), inner)
    else:
        yield name, _text(value)


def _entry(name: str, field: str, value: Any) -> Iterator[tuple[str, str]]:
    if not _LIKE_A_SECRET.search(field):
        yield from _lines(name, value)
    elif isinstance(value, Mapping):  # whose secrets there are may be seen
        for key, inner in value.items():
            yield _joined(name, str(key)), SET if inner else NOT_SET
        if not value:
            yield name, NOT_SET
    else:
        yield name, SET if value else NOT_SET


def _joined(name: str, field: str) -> str:
    return f"{name}.{field}" if name else field


def _text(value: Any) -> str:
    if value is None or value == "":
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(_text(one) for one in value)) or _NONE
    if isinstance(value, tuple | list):
        return ", ".join(_text(one) for one in value) or _NONE
    if isinstance(value, AnyUrl):
        return _where(str(value))
    if isinstance(value, Path):
        return str(value)
    return _ADDRESS.sub(lambda found: _where(found[0]), str(value))


def _where(address: str) -> str:
    """Scheme, host and port of a web address; nothing else of it."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return _NONE
    place = f"[{host}]" if ":" in host else host
    rest = "/…" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{rest}"
