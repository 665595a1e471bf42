"""Turns a row into a frozen value without a session, for the page and the command line."""

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
