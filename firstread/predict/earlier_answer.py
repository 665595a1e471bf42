"""Reads an earlier answer of `firstread predict`, to compare two studies of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any

from chest.values.figures import Side
from firstread.read_json_object import read_json_object
from models.catalogue import UsableBundle
from radiology.clinical import LesionMeasurement
from radiology.errors import SettingsRefused
from radiology.outcome import Outcome

_WHAT = "earlier answer"
_MOST_BYTES = 16 * 1024 * 1024  # the answer for a study takes some 50 kB


def read_earlier_answer(path: Path, bundle: UsableBundle) -> LesionMeasurement:
    """Find what was measured in the one study that an output of `firstread predict` is about.

    Parameters
    ----------
    bundle : the one that reads the later study; networks that differ measure differently, and what
        lies between two of them is no growth

    Raises
    ------
    SettingsRefused
        It is no such output, or nothing in it can be compared; the message says why.
    """
    entry = _only_prediction(read_json_object(path, _WHAT, most_bytes=_MOST_BYTES), path)
    answer = entry.get("answer")
    if entry.get("kind") == "slice":
        raise _refused(path, "is about a slice, in which no volume was measured")
    if not isinstance(answer, dict):
        raise _refused(path, "has no answer: the study could not be read")
    if entry.get("bundle_digest") != bundle.digest:
        raise _refused(
            path, "is from another bundle, which measures differently; read both with the same one"
        )
    if answer.get("outcome") not in (Outcome.FINDINGS.value, Outcome.NO_FINDINGS.value):
        raise _refused(path, "has no measurement: the study was not assessable")
    return _measurement(answer, path)


def _only_prediction(output: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    predictions = output.get("predictions")
    if not isinstance(predictions, list) or not all(isinstance(one, dict) for one in predictions):
        raise _refused(path, "is no output of firstread predict")
    if len(predictions) != 1:
        raise _refused(path, f"has {len(predictions)} predictions; it must be about one study")
    only: Mapping[str, Any] = predictions[0]
    return only


def _measurement(answer: Mapping[str, Any], path: Path) -> LesionMeasurement:
    figures = answer.get("figures")
    total = figures.get(Side.TOTAL.value) if isinstance(figures, dict) else None
    measured = total if isinstance(total, dict) else {}
    volume_ml = _number(measured.get("lesion_volume_ml"))
    share = _number(measured.get("lesion_share_percent"))
    if volume_ml is None and share is None:
        raise _refused(path, "has no measurement: neither lesion volume nor lesion share")
    stated = answer.get("acquired_at")
    if not isinstance(stated, str):
        raise _refused(path, "does not say when the study was acquired")
    try:
        return LesionMeasurement(datetime.fromisoformat(stated), volume_ml, share)
    except ValueError:
        raise _refused(path, "has a time or a measurement that cannot be") from None


def _number(value: object) -> float | None:
    """A number, or None where there is none: anybody may have changed the file."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return inf  # no measurement can be that, and it is refused as one


def _refused(path: Path, reason: str) -> SettingsRefused:
    return SettingsRefused(f"The {_WHAT} {path} {reason}")
