"""Converts values to JSON types and back, by the types that their classes declare.

A field whose metadata says `{"stored": False}` is left out; it must have a default.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")


def to_plain(value: Any) -> Any:
    """A value as dictionaries, lists, text and numbers.

    Raises
    ------
    TypeError
        It holds something that JSON has no form for: a defect of the class.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_plain(getattr(value, one.name)) for one in _stored(type(value))}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [to_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(one) for key, one in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no plain form")


def from_plain(kind: type[Kind], plain: Any) -> Kind:
    """What `to_plain` made, as the class that it was.

    A field that is not there has its default; one that the class does not have is left out.

    Raises
    ------
    ValueError
        It is not what the class declares.
    """
    made: Kind = _typed(kind, plain)
    return made


def _typed(kind: Any, plain: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), plain)
    if origin is tuple:
        return _tuple(get_args(kind), plain)
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind, plain)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    if kind is datetime and isinstance(plain, str):
        return datetime.fromisoformat(plain)
    # Python takes an int for a float; in JSON written elsewhere 1.0 may have become 1.
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if isinstance(kind, type) and type(plain) is kind:
        return plain
    raise ValueError(f"{plain!r} is no {getattr(kind, '__name__', kind)}")


def _one_of(kinds: tuple[Any, ...], plain: Any) -> Any:
    """The first of the types that takes it; a number as it is rather than as another number."""
    if type(plain) in kinds:
        return plain
    for kind in kinds:
        try:
            return _typed(kind, plain)
        except (ValueError, TypeError):
            continue
    raise ValueError(f"{plain!r} is none of what it may be")


def _tuple(kinds: tuple[Any, ...], plain: Any) -> tuple[Any, ...]:
    if not isinstance(plain, list | tuple):
        raise ValueError(f"{plain!r} is no list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_typed(kinds[0], one) for one in plain)
    if len(kinds) != len(plain):
        raise ValueError(f"{len(plain)} entries in place of {len(kinds)}")
    return tuple(_typed(kind, one) for kind, one in zip(kinds, plain, strict=True))


def _dataclass(kind: type, plain: Any) -> Any:
    if not isinstance(plain, Mapping):
        raise ValueError(f"{plain!r} is no {kind.__name__}")
    hints = _hints(kind)
    given = {}
    for stored_field in _stored(kind):
        if stored_field.name in plain:
            given[stored_field.name] = _typed(hints[stored_field.name], plain[stored_field.name])
        elif stored_field.default is MISSING and stored_field.default_factory is MISSING:
            raise ValueError(f"{kind.__name__} lacks {stored_field.name}")
    return kind(**given)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _stored(kind: Any) -> list[Field[Any]]:
    return [one for one in fields(kind) if one.metadata.get("stored", True)]
