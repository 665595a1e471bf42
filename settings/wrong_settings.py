"""What is wrong with the settings, in words: each by its name, and without its value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

_UNKNOWN = "extra_forbidden"  # pydantic's type of this error
_ALIKE = 0.6  # of `difflib`: 1 for the same word


def wrong_settings(error: ValidationError, settings: type[BaseModel]) -> str:
    """Every problem of a validation on one line. A value may be a secret, so none is repeated.

    Parameters
    ----------
    settings : the class that was to be made
    """
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        where = ".".join(str(part) for part in problem["loc"]) or "settings"
        said = problem["msg"]
        if problem["type"] == _UNKNOWN:
            *above, name = problem["loc"]
            said = f"not a setting{did_you_mean(str(name), _names_at(settings, above))}"
        lines.append(f"{where}: {said}")
    return "Settings are wrong: " + "; ".join(lines)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What to say after a name that is not known: the one like it, or where all of them stand."""
    like = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)
    return f", did you mean {like[0]}?" if like else "; see docs/settings.md"


def _names_at(settings: type[BaseModel], path: Iterable[int | str]) -> set[str]:
    """The names that are known at a place in the settings."""
    models: list[type[BaseModel]] = [settings]
    for part in path:
        if isinstance(part, int):  # which entry of a list
            continue
        entered = [one.model_fields[part] for one in models if part in one.model_fields]
        if entered:
            models = [model for field in entered for model in _models_in(field.annotation)]
        else:  # which kind of a union
            models = [one for one in models if part in _kinds_of(one)] or models
    return {name for one in models for name in one.model_fields}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model that a value of a type may be made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, Annotated, tuple, list, dict):
        for inner in get_args(annotation):
            yield from _models_in(inner)


def _kinds_of(model: type[BaseModel]) -> tuple[Any, ...]:
    kind = model.model_fields.get("kind")
    is_kind = kind is not None and get_origin(kind.annotation) is Literal
    return get_args(kind.annotation) if kind is not None and is_kind else ()
