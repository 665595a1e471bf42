"""What refers to nothing, is no known word or contradicts something is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.declared_bundle import read_declared_bundle
from radiology.language import Language
from tests.builders.declared import patch_segmenter, slice_scorer
from tests.unit.models.declared.broken import (
    GOOD,
    Values,
    Where,
    at,
    folder_of,
    refusal_of,
    written,
)

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
    meant = at(values, path)
    wrong = meant[:-2] + meant[-1]
    at(values, path[:-1])[path[-1]] = wrong
    refusal = refusal_of(folder_of(which, request), values)
    assert refusal is not None
    line, place, says = refusal
    assert wrong in line
    assert f'Did you mean "{meant}"?' in says
    assert place == written(path if isinstance(path[-1], str) else path[:-1])


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
    meant = at(values, path)
    at(values, path[:-1])[path[-1]] = wrong
    refusal = refusal_of(folder_of(which, request), values)
    assert refusal is not None
    line, place, says = refusal
    assert wrong in line
    assert place == written(path)
    assert f'Did you mean "{meant}"?' in says
    assert "Allowed: " in says


def _set(path: Where, value: Any) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        at(values, path[:-1])[path[-1]] = value

    return change


def _twice(*path: str) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        at(values, path).append(copy.deepcopy(at(values, path)[0]))

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
        ("segmenter", _set(("report", "window_hu"), [40.0]), "there are 1 numbers"),
        ("segmenter", _set(("report", "window_hu"), [40.0, -80.0]), "too little"),
        ("segmenter", _set(("report", "window_hu"), [4e4, 80.0]), "out of range"),
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
        ("segmenter", _set(("words", "zh", "head MR"), "头部 MR"), "no title of the bundle is"),
        ("segmenter", _set(("words", "zh", "dense_ml"), "体积"), "as it stands in"),
        ("segmenter", _set(("words", "zh", "Hemorrhage"), "血" * 201), "too many"),
        ("segmenter", _set(("words", "en"), {"Hemorrhage": "Haemorrhage"}), "not a key here"),
        ("segmenter", _set(("schema",), 4), "schema 4 is not read"),
        ("segmenter", _set(("version",), "1.0.1"), "lies in a folder"),
        ("segmenter", _set(("name",), "../elsewhere"), "is no name"),
        ("segmenter", _set(("networks", "other"), {"float32": "dense.onnx"}), "[inputs.other]"),
        ("segmenter", _set(("networks", "main", "on_cpu"), "int8"), "no int8 file"),
        ("segmenter", _set(("accepts", 0, "keyword"), "modality"), "no DICOM keyword"),
        ("segmenter", _set(("accepts", 0, "keyword"), "KVP"), "not read of a series"),
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
    refusal = refusal_of(folder_of(which, request), values)
    assert refusal is not None
    assert reason in refusal[2]


def test_untouched_declarations_are_accepted(segmenter: Path, scorer: Path) -> None:
    assert read_declared_bundle(segmenter).name == patch_segmenter.NAME
    assert read_declared_bundle(scorer).name == slice_scorer.NAME


def test_what_titles_are_called_is_read(segmenter: Path) -> None:
    """A title that the declaration has no word for has none; nor has any in another language."""
    report = read_declared_bundle(segmenter).report
    assert report.in_language("head CT", Language.CHINESE) == "头部 CT"
    assert report.in_language("Brain", Language.CHINESE) == ""
    assert report.in_language("head CT", Language.ENGLISH) == ""
