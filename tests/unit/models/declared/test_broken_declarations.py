"""Every mistake in a declaration is refused with its line, the reason and the cure."""

from __future__ import annotations

import copy
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
OPTIONAL = {
    ("licences",),
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
    ("gates", "reason"),  # of a measurement alone it must be given
}
_WHERE = re.compile(r"^bundle\.toml line (\d+)(?:, ([^:]+))?: (.+)$", re.DOTALL)


def _paths(value: Any, path: Where = ()) -> Iterator[Where]:
    """The paths of all keys and list entries."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _paths(one, (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            if isinstance(one, dict):
                yield from _paths(one, (*path, place))


def _at(values: Any, path: Where) -> Any:
    for part in path:
        values = values[part]
    return values


def _keys_only(path: Where) -> tuple[str, ...]:
    return tuple(part for part in path if isinstance(part, str))


def _written(path: Where) -> str:
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _refusal(folder: Path, values: Values) -> tuple[str, str, str] | None:
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


def _folder(which: str, request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(which)
    return folder


def _refused(folder: Path, values: Values, about: object) -> tuple[str, str, str]:
    refusal = _refusal(folder, values)
    assert refusal is not None, f"accepted: {about}"
    return refusal


def _key_paths(which: str) -> list[Where]:
    return [path for path in _paths(GOOD[which]()) if isinstance(path[-1], str)]


@pytest.mark.parametrize("which", GOOD)
def test_key_that_is_left_out_is_missed(which: str, request: pytest.FixtureRequest) -> None:
    """The refusal names the key, or what now lacks what it declared; a few keys are optional."""
    folder = _folder(which, request)
    for path in _key_paths(which):
        values = GOOD[which]()
        del _at(values, path[:-1])[path[-1]]
        refusal = _refusal(folder, values)
        if refusal is None:
            assert _keys_only(path) in OPTIONAL, path
            continue
        said = " ".join(refusal)
        instead = {"background": "is", "window_hu": "clip_hu", "slices": "network"}
        assert str(path[-1]) in said or instead[str(path[-1])] in said, path


@pytest.mark.parametrize("which", GOOD)
def test_key_that_is_misspelt_is_refused(which: str, request: pytest.FixtureRequest) -> None:
    """The refusal stands on its line and shows how it is written."""
    folder = _folder(which, request)
    free = [("networks", "main"), ("inputs", "main"), ("networks", "slices"), ("inputs", "slices")]
    for path in _key_paths(which):
        values = GOOD[which]()
        table = _at(values, path[:-1])
        key = str(path[-1])
        wrong = key[:1] + key[2:] if len(key) > 4 else f"{key}x"
        renamed = {wrong if one == key else one: value for one, value in table.items()}
        table.clear()
        table.update(renamed)
        line, _, says = _refused(folder, values, path)
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
    folder = _folder(which, request)
    for path in _paths(GOOD[which]()):
        if path[0] == "accepts" and path[-1] == "limit":
            continue  # takes any of three types
        for wrong in _of_another_type(_at(GOOD[which](), path)):
            values = GOOD[which]()
            _at(values, path[:-1])[path[-1]] = wrong
            line, place, says = _refused(folder, values, (path, wrong))
            keys = _keys_only(path)
            assert place.split("[")[0].split(".")[0] == path[0], (path, wrong)
            assert keys[-1] in place + says, (path, wrong)
            assert any(key in line for key in keys), (path, wrong)


@pytest.mark.parametrize("which", GOOD)
def test_number_out_of_range_is_refused(which: str, request: pytest.FixtureRequest) -> None:
    folder = _folder(which, request)
    for path in _key_paths(which):
        before = _at(GOOD[which](), path)
        if isinstance(before, bool) or not isinstance(before, int | float):
            continue
        for wrong in (1e12, -1e12, 10**400, float("inf")):
            values = GOOD[which]()
            _at(values, path[:-1])[path[-1]] = wrong
            line, _, _ = _refused(folder, values, (path, wrong))
            assert str(path[-1]) in line, (path, wrong)


REFERENCES: dict[str, list[Where]] = {
    "segmenter": [
        ("networks", "main", "float32"),
        ("outputs", 0, "network"),
        ("findings", 0, "regions", 0),
        ("findings", 0, "measurements", 1),
        ("measurements", 0, "of", 0),
        ("measurements", 1, "within", 1),
        ("suspicion", 0, "finding"),
        ("suspicion", 0, "value"),
        ("urgency", 0, "finding"),
        ("urgency", 0, "value"),
        ("gates", 2, "of", 0),
        ("gates", 3, "value"),
    ],
    "scorer": [
        ("findings", 0, "score"),
        ("measurements", 0, "score"),
        ("measurements", 2, "score"),
        ("urgency", 1, "value"),
    ],
}


@pytest.mark.parametrize(
    ("which", "path"), [(which, path) for which, all_of in REFERENCES.items() for path in all_of]
)
def test_name_of_nothing_is_refused(
    which: str, path: Where, request: pytest.FixtureRequest
) -> None:
    """With a letter left out, the refusal says what was meant."""
    values = GOOD[which]()
    meant = _at(values, path)
    wrong = meant[:-2] + meant[-1]
    _at(values, path[:-1])[path[-1]] = wrong
    refusal = _refusal(_folder(which, request), values)
    assert refusal is not None
    line, place, says = refusal
    assert wrong in line
    assert f'Did you mean "{meant}"?' in says
    assert place == _written(path if isinstance(path[-1], str) else path[:-1])


WORDS: list[tuple[str, Where, str]] = [
    ("segmenter", ("accepts", 0, "comparison"), "equal"),
    ("segmenter", ("inputs", "main", "kind"), "patches3d"),
    ("segmenter", ("inputs", "main", "weighting"), "gausian"),
    ("segmenter", ("inputs", "main", "interpolation"), "liner"),
    ("segmenter", ("outputs", 0, "kind"), "masks"),
    ("segmenter", ("outputs", 0, "activation"), "soft-max"),
    ("segmenter", ("outputs", 0, "classes", 1, "is"), "anatomie"),
    ("segmenter", ("measurements", 0, "kind"), "volumes"),
    ("segmenter", ("suspicion", 0, "comparison"), "atleast"),
    ("segmenter", ("suspicion", 0, "presence"), "suspect"),
    ("segmenter", ("urgency", 0, "level"), "urgend"),
    ("segmenter", ("gates", 0, "check"), "least-slice"),
    ("segmenter", ("gates", 0, "action"), "refuses"),
    ("segmenter", ("deliver", "to"), "pac"),
    ("scorer", ("inputs", "slices", "fit"), "whole slice"),
    ("scorer", ("outputs", 0, "combine"), "maximun"),
    ("scorer", ("outputs", 0, "calibration", "kind"), "temperatur"),
]


@pytest.mark.parametrize(("which", "path", "wrong"), WORDS)
def test_word_that_is_not_known_is_refused(
    which: str, path: Where, wrong: str, request: pytest.FixtureRequest
) -> None:
    """The refusal lists the allowed words, and the likely one first."""
    values = GOOD[which]()
    meant = _at(values, path)
    _at(values, path[:-1])[path[-1]] = wrong
    refusal = _refusal(_folder(which, request), values)
    assert refusal is not None
    line, place, says = refusal
    assert wrong in line
    assert place == _written(path)
    assert f'Did you mean "{meant}"?' in says
    assert "Allowed: " in says


def _set(path: Where, value: Any) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        _at(values, path[:-1])[path[-1]] = value

    return change


def _twice(*path: str) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        _at(values, path).append(copy.deepcopy(_at(values, path)[0]))

    return change


_CODE = ("findings", 0, "code")
_CLASSES = ("outputs", 0, "classes")


@pytest.mark.parametrize(
    ("which", "change", "reason"),
    [
        ("segmenter", _set((*_CODE, "value"), "50960006"), "check digit"),
        ("segmenter", _set((*_CODE, "value"), "5096000512345678"), "check digit"),
        ("segmenter", _set((*_CODE, "value"), "bleeding"), "no code of SCT"),
        ("segmenter", _set((*_CODE, "value"), "1" * 17), "17 characters are too many"),
        ("segmenter", _set((*_CODE, "meaning"), "m" * 65), "65 characters are too many"),
        ("segmenter", _set((*_CODE, "meaning"), "one\ntwo"), "more than one line"),
        ("segmenter", _set((*_CODE, "scheme"), "SNOMED"), "begins with 99"),
        ("segmenter", _set((*_CODE, "scheme"), "98OURS"), "no coding scheme"),
        ("segmenter", _set(("report", "procedure", "value"), "24725-5"), "check digit"),
        ("segmenter", _set(("report", "title"), "t" * 65), "too many"),
        ("segmenter", _set(("inputs", "main", "orientation"), "SPP"), "no orientation"),
        ("segmenter", _set(("inputs", "main", "orientation"), "XYZ"), "no orientation"),
        ("segmenter", _set(("inputs", "main", "size"), [8, 16]), "there are 2 numbers"),
        ("segmenter", _set(("inputs", "main", "size"), [512, 1024, 1024]), "one input has"),
        ("segmenter", _set(("inputs", "main", "spacing_mm"), [3.0, 1.0]), "there are 2"),
        ("segmenter", _set(("inputs", "main", "spacing_mm"), [3.0, 1.0, "old"]), 'or "own"'),
        ("segmenter", _set(("inputs", "main", "channels", 0, "clip_hu"), [200, -200]), "is empty"),
        ("segmenter", _set(("inputs", "main", "neighbours"), 1), "not a key here"),
        ("segmenter", _set((*_CLASSES, 1, "colour"), "orange"), "no colour"),
        ("segmenter", _set((*_CLASSES, 1, "name"), "dense"), "two classes are named"),
        ("segmenter", _set((*_CLASSES, 1, "name"), "Dense"), "small letters"),
        ("segmenter", _set((*_CLASSES, 0), {"name": "a", "background": False}), '"is" is missing'),
        ("segmenter", _set(("outputs", 0, "activation"), "sigmoid"), "there is no background"),
        ("segmenter", _set(("findings", 0, "regions"), ["areas.brain"]), "is anatomy"),
        ("segmenter", _set(("findings", 0, "regions"), []), "too few"),
        ("segmenter", _set(("measurements", 0, "name"), "dense_hu"), "another measurement"),
        ("segmenter", _set(("measurements", 6, "normal"), [2.0, 1.0]), "is empty"),
        ("segmenter", _set(("urgency", 0, "name"), "bleeding seen"), "two rules are named"),
        ("segmenter", _set(("reading",), {"entry_point": "nobody"}), "is installed"),
        ("segmenter", _set(("schema",), 4), "schema 4 is not read"),
        ("segmenter", _set(("version",), "1.0.1"), "lies in a folder"),
        ("segmenter", _set(("name",), "../elsewhere"), "is no name"),
        ("segmenter", _set(("networks", "other"), {"float32": "dense.onnx"}), "[inputs.other]"),
        ("segmenter", _set(("networks", "main", "on_cpu"), "int8"), "no int8 file"),
        ("segmenter", _set(("accepts", 0, "keyword"), "modality"), "no DICOM keyword"),
        ("segmenter", _set(("accepts", 1, "keyword"), "SliceThicknes"), 'mean "SliceThickness"'),
        ("segmenter", _set(("accepts", 1, "limit"), "six"), "compares with a number"),
        ("segmenter", _set(("accepts", 0, "limit"), 3), "compares with a text"),
        ("segmenter", _twice("outputs"), "another output is named"),
        ("segmenter", _twice("findings"), "another finding is named"),
        ("segmenter", _twice("suspicion"), "two rules are named"),
        ("scorer", _set(("inputs", "slices", "spacing_mm"), ["own", 1.0, 1.0]), "whole slice"),
        ("scorer", _set(("inputs", "slices", "size"), [32, 32, 32]), "there are 3 numbers"),
        ("scorer", _set(("inputs", "slices", "overlap"), 0.5), "not a key here"),
        ("scorer", _set(("outputs", 2, "activation"), "softmax"), "no classes to share"),
        ("scorer", _set(("outputs", 2, "kind"), "mask"), '"classes" is missing'),
        ("scorer", _set(("findings", 0, "least_ml"), -1), "out of range"),
        ("scorer", _set(("measurements", 2, "name"), "fluid"), "another measurement or score"),
        (
            "scorer",
            _set(
                ("outputs", 0, "calibration"),
                {"kind": "points", "given": [0.0, 0.5, 0.5], "meant": [0.0, 0.1, 1.0]},
            ),
            "two scores are the same",
        ),
        (
            "scorer",
            _set(
                ("outputs", 0, "calibration"),
                {"kind": "points", "given": [0.0, 0.6, 0.5], "meant": [0.0, 0.1, 1.0]},
            ),
            "it falls",
        ),
        (
            "scorer",
            _set(
                ("outputs", 0, "calibration"),
                {"kind": "points", "given": [0.0, 1.0], "meant": [0.0, 0.1, 1.0]},
            ),
            "there are 3 numbers",
        ),
    ],
)
def test_contradiction_is_refused(
    which: str,
    change: Callable[[Values], None],
    reason: str,
    request: pytest.FixtureRequest,
) -> None:
    values = GOOD[which]()
    change(values)
    refusal = _refusal(_folder(which, request), values)
    assert refusal is not None
    assert reason in refusal[2]


def test_untouched_declarations_are_accepted(segmenter: Path, scorer: Path) -> None:
    assert read_declared_bundle(segmenter).name == patch_segmenter.NAME
    assert read_declared_bundle(scorer).name == slice_scorer.NAME
