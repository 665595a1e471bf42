"""From a row to a frozen value that carries no session: what the page and the command line get."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

Facts = TypeVar("Facts")


def facts_of(kind: type[Facts], row: object, **given: Any) -> Facts:
    """A value of `kind`: columns of the same name, and what is given; the rest has defaults."""
    columns = [
        field.name
        for field in fields(kind)  # type: ignore[arg-type]
        if field.name not in given and field.default is MISSING
    ]
    return kind(**{name: getattr(row, name) for name in columns}, **given)
