"""Good declarations to damage, and what is said of a damaged one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from models.declared.section import DECLARATION
from models.declared_bundle import read_declared_bundle
from radiology.errors import BundleRejected
from tests.builders.declared import patch_segmenter, slice_scorer
from tests.builders.declared.write import declare_files

Where = tuple[str | int, ...]
Values = dict[str, Any]

GOOD: Mapping[str, Callable[[], Values]] = {
    "segmenter": patch_segmenter.declaration,
    "scorer": slice_scorer.declaration,
}
_WHERE = re.compile(r"^bundle\.toml line (\d+)(?:, ([^:]+))?: (.+)$", re.DOTALL)


def paths(value: Any, path: Where = ()) -> Iterator[Where]:
    """The paths of all keys and list entries."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            if isinstance(one, dict):
                yield from paths(one, (*path, place))


def at(values: Any, path: Where) -> Any:
    """What stands at a path."""
    for part in path:
        values = values[part]
    return values


def keys_only(path: Where) -> tuple[str, ...]:
    """A path without places in lists."""
    return tuple(part for part in path if isinstance(part, str))


def written(path: Where) -> str:
    """A path as refusals write it."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def refusal_of(folder: Path, values: Values) -> tuple[str, str, str] | None:
    """Text of the line that a refusal names, the place, and what it says; None if accepted."""
    declare_files(folder, values)
    try:
        read_declared_bundle(folder)
    except BundleRejected as error:
        found = _WHERE.match(str(error))
    else:
        return None
    assert found, "no place is named"
    rows = (folder / DECLARATION).read_text(encoding="utf-8").splitlines()
    return rows[int(found[1]) - 1], found[2] or "", found[3]


def folder_of(which: str, request: pytest.FixtureRequest) -> Path:
    """The folder of one of the good bundles."""
    folder: Path = request.getfixturevalue(which)
    return folder


def refused(folder: Path, values: Values, about: object) -> tuple[str, str, str]:
    """As `refusal_of`, where there must be one."""
    refusal = refusal_of(folder, values)
    assert refusal is not None, f"accepted: {about}"
    return refusal
