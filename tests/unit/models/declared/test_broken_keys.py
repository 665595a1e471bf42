"""A key that is missing, misspelt or of another type is refused with line, reason and cure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.models.declared.broken import (
    GOOD,
    Where,
    at,
    folder_of,
    keys_only,
    paths,
    refusal_of,
    refused,
)

OPTIONAL = {
    ("licences",),
    ("report", "window_hu"),
    ("networks", "main", "on_cpu"),
    ("inputs", "main", "weighting"),
    ("inputs", "main", "interpolation"),
    ("outputs", "network"),
    ("outputs", "column"),
    ("outputs", "calibration"),
    ("outputs", "classes", "site"),
    ("outputs", "classes", "threshold"),
    ("measurements", "code"),
    ("measurements", "normal"),
    ("findings", "site"),
    ("findings", "score"),
    ("findings", "measurements"),
    ("findings", "least_ml"),
    ("suspicion", "presence"),
    ("urgency",),
    ("urgency", "finding"),
    ("gates",),
    ("words",),
    ("words", "zh"),
    ("words", "zh", "head CT"),
    ("words", "zh", "bleeding"),
    ("words", "zh", "Hemorrhage"),
    ("gates", "reason"),  # of a measurement alone it must be given
}


def _key_paths(which: str) -> list[Where]:
    return [path for path in paths(GOOD[which]()) if isinstance(path[-1], str)]


@pytest.mark.parametrize("which", GOOD)
def test_key_that_is_left_out_is_missed(which: str, request: pytest.FixtureRequest) -> None:
    """The refusal names the key, or what now lacks what it declared; a few keys are optional."""
    folder = folder_of(which, request)
    for path in _key_paths(which):
        values = GOOD[which]()
        del at(values, path[:-1])[path[-1]]
        refusal = refusal_of(folder, values)
        if refusal is None:
            assert keys_only(path) in OPTIONAL, path
            continue
        said = " ".join(refusal)
        instead = {"background": "is", "window_hu": "clip_hu", "slices": "network"}
        assert str(path[-1]) in said or instead[str(path[-1])] in said, path


@pytest.mark.parametrize("which", GOOD)
def test_key_that_is_misspelt_is_refused(which: str, request: pytest.FixtureRequest) -> None:
    """The refusal stands on its line and shows how it is written."""
    folder = folder_of(which, request)
    free = [("networks", "main"), ("inputs", "main"), ("networks", "slices"), ("inputs", "slices")]
    for path in _key_paths(which):
        values = GOOD[which]()
        table = at(values, path[:-1])
        key = str(path[-1])
        wrong = key[:1] + key[2:] if len(key) > 4 else f"{key}x"
        renamed = {wrong if one == key else one: value for one, value in table.items()}
        table.clear()
        table.update(renamed)
        line, _, says = refused(folder, values, path)
        if path not in free:
            assert wrong in line, path
            assert wrong in says, path
            assert f'Did you mean "{key}"?' in says, path


def _of_another_type(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return ["yes", []]
    if isinstance(value, str):
        return [7.5, "  ", {"value": 1}]
    if isinstance(value, int | float):
        return ["seven", True, {}, float("nan")]
    return ["nothing", 3]


@pytest.mark.parametrize("which", GOOD)
def test_value_of_another_type_is_refused(which: str, request: pytest.FixtureRequest) -> None:
    """The refusal names the path of the value and the line of the value or its table."""
    folder = folder_of(which, request)
    for path in paths(GOOD[which]()):
        if path[0] == "accepts" and path[-1] == "limit":
            continue  # takes any of three types
        for wrong in _of_another_type(at(GOOD[which](), path)):
            values = GOOD[which]()
            at(values, path[:-1])[path[-1]] = wrong
            line, place, says = refused(folder, values, (path, wrong))
            keys = keys_only(path)
            assert place.split("[")[0].split(".")[0] == path[0], (path, wrong)
            assert keys[-1] in place + says, (path, wrong)
            assert any(key in line for key in keys), (path, wrong)


@pytest.mark.parametrize("which", GOOD)
def test_number_out_of_range_is_refused(which: str, request: pytest.FixtureRequest) -> None:
    folder = folder_of(which, request)
    for path in _key_paths(which):
        before = at(GOOD[which](), path)
        if isinstance(before, bool) or not isinstance(before, int | float):
            continue
        for wrong in (1e12, -1e12, 10**400, float("inf")):
            values = GOOD[which]()
            at(values, path[:-1])[path[-1]] = wrong
            line, _, _ = refused(folder, values, (path, wrong))
            assert str(path[-1]) in line, (path, wrong)
