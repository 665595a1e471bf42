"""What is wrong with the settings, in words: each by its name, and without its value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

_UNKNOWN = "extra_forbidden"  # pydantic's type of this error
_ALIKE = 0.6  # of `difflib`: 1 for the same word
_NEARLY_THE_SAME = 0.8
_MOST_NAMED = 3
_SHORTEST_WORD = 3  # letters: what is shorter is a unit


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


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """What to say after a name that is not known: those like it, or where all of them stand.

    A name that is nearly the same comes first, then one that shares a whole word, before one that
    merely has letters in common. Where none is alike as a whole, those are named that end on the
    same word: page_port is a port.

    Parameters
    ----------
    prefix : of the name and of all known ones; it makes nothing alike
    """
    own = name.removeprefix(prefix)
    names = sorted(one.removeprefix(prefix) for one in known)
    sharing = [one for one in names if _words(own) & _words(one)]
    of_its_kind = [one for one in sharing if _last_word(one) == _last_word(own)]
    like = (
        difflib.get_close_matches(own, names, n=1, cutoff=_NEARLY_THE_SAME)
        or difflib.get_close_matches(own, sharing, n=1, cutoff=_ALIKE)
        or difflib.get_close_matches(own, of_its_kind, n=_MOST_NAMED, cutoff=0.0)
        or difflib.get_close_matches(own, names, n=1, cutoff=_ALIKE)
    )
    listed = " or ".join(prefix + one for one in like)
    return f", did you mean {listed}?" if like else "; see docs/settings.md"


def _words(name: str) -> set[str]:
    return {word for word in name.split("_") if len(word) >= _SHORTEST_WORD}


def _last_word(name: str) -> str:
    return name.rpartition("_")[2]


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
