"""Files that tell of the patient: what is taken, and each way of being refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firstread.predict.read_context import read_context
from models.catalogue import read_catalogue
from models.schema_2.bundle import Bundle
from radiology.clinical import ClinicalContext, ClinicalValues, LesionMeasurement
from radiology.errors import ClinicalValuesRefused, Refused, SettingsRefused
from radiology.sex import Sex
from worker.predict.check_order import check_order

MOMENT = datetime.fromisoformat("2026-01-01T12:00:00")


@pytest.fixture(scope="module")
def bundle(bundles: Path) -> Bundle:
    (found,) = read_catalogue(bundles).bundles.values()
    return found


def _clinical(tmp_path: Path, bundle: Bundle, content: bytes) -> ClinicalValues:
    path = tmp_path / "values.json"
    path.write_bytes(content)
    context = read_context(path, None, bundle)
    assert context is not None
    assert context.prior is None
    return context.values


def test_without_files_there_is_no_context(bundle: Bundle) -> None:
    assert read_context(None, None, bundle) is None


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_values_are_those_of_the_file(tmp_path: Path, bundle: Bundle, mark: bytes) -> None:
    content = mark + b'{"age_years": 67, "sex": "male", "shock": false, "gcs": null}'
    expected = ClinicalValues(age_years=67, sex=Sex.MALE, shock=False)
    assert _clinical(tmp_path, bundle, content) == expected
    assert _clinical(tmp_path, bundle, b"{}") == ClinicalValues()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"crp": 12}', r"key 1 is no clinical value \(did you mean crp_mg_l\?\)"),
        (b'{"gcs": "15"}', "gcs must be a whole number from 3 to 15"),
        (b'{"gcs": 14.5}', "gcs must be a whole number from 3 to 15"),
        (b'{"spo2_percent": 0.93}', "spo2_percent must be a number from 30 to 100 %"),
        (b'{"spo2_percent": NaN}', "spo2_percent must be a number from 30 to 100 %"),
        (b'{"urea_mmol_l": -Infinity}', "urea_mmol_l must be a number from 0.1 to 120 mmol/l"),
        (b'{"urea_mmol_l": 1e999}', "urea_mmol_l must be a number"),
        (b'{"urea_mmol_l": 1' + b"0" * 400 + b"}", "urea_mmol_l must be a number"),
        (b'{"urea_mmol_l": true}', "urea_mmol_l must be a number"),
        (b'{"shock": 1}', "shock must be true or false"),
        (b'{"sex": "M"}', 'sex must be "female" or "male"'),
        (b'{"ventilation": []}', 'ventilation must be "none", "non_invasive" or "invasive"'),
        (b'{"systolic_mmhg": 60, "diastolic_mmhg": 90}', "diastolic_mmhg is above systolic_mmhg"),
        (b'{"on_oxygen": false, "oxygen_flow_l_min": 2}', "oxygen_flow_l_min contradicts"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    tmp_path: Path, bundle: Bundle, content: bytes, reason: str
) -> None:
    with pytest.raises(ClinicalValuesRefused, match=reason) as refused:
        _clinical(tmp_path, bundle, content)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not JSON: line 1, column 1"),
        (b"{'gcs': 15}", "is not JSON: line 1, column 2"),
        (b'{"gcs": 15', "is not JSON"),
        (b'{"gcs": 15} {}', "is not JSON"),
        (b'{"gcs": 1' + b"0" * 5000 + b"}", "is not JSON that can be read"),
        (b"[" * 60_000, "is not JSON"),
        (b"\xff\xfe{}", "is not JSON that can be read"),
        (b'[{"gcs": 15}]', "is not one JSON object"),
        (b"15", "is not one JSON object"),
        (b'{"gcs": 15, "gcs": 3}', "has gcs twice"),
        (b'{"Doe^Jane": 1, "Doe^Jane": 2}', "has a key twice"),
        (b'{"gcs": ' + b" " * 70_000 + b"15}", "is larger than 65536 bytes"),
    ],
)
def test_a_file_that_is_no_json_object_is_refused(
    tmp_path: Path, bundle: Bundle, content: bytes, reason: str
) -> None:
    with pytest.raises(SettingsRefused, match=reason) as refused:
        _clinical(tmp_path, bundle, content)
    assert "\n" not in str(refused.value)
    assert "Doe" not in str(refused.value)


@pytest.mark.parametrize("name", ["absent.json", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, bundle: Bundle, name: str) -> None:
    with pytest.raises(SettingsRefused, match=r"clinical values .* cannot be read"):
        read_context(tmp_path / name, None, bundle)
    with pytest.raises(SettingsRefused, match=r"earlier answer .* cannot be read"):
        read_context(None, tmp_path / name, bundle)


def _output(bundle: Bundle) -> dict[str, Any]:
    """What `firstread predict` prints, as far as it is looked at."""
    total = {"lesion_volume_ml": 120.0, "lesion_share_percent": 4.0}
    answer = {
        "outcome": "findings",
        "acquired_at": MOMENT.isoformat(),
        "figures": {"total": total},
    }
    return {"predictions": [{"kind": "study", "bundle_digest": bundle.digest, "answer": answer}]}


def _earlier(tmp_path: Path, bundle: Bundle, output: Any) -> ClinicalContext | None:
    path = tmp_path / "earlier.json"
    path.write_text(json.dumps(output))
    return read_context(None, path, bundle)


def test_the_measurement_of_an_earlier_answer_is_taken(tmp_path: Path, bundle: Bundle) -> None:
    context = _earlier(tmp_path, bundle, _output(bundle))
    assert context == ClinicalContext(prior=LesionMeasurement(MOMENT, 120.0, 4.0))


def _entry(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda output: output["predictions"][0].update(changes)


def _answer(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda output: output["predictions"][0]["answer"].update(changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda output: output.clear(), "is no output of firstread predict"),
        (lambda output: output.update(predictions=["a"]), "is no output of firstread predict"),
        (lambda output: output["predictions"].clear(), "has 0 predictions"),
        (lambda output: output["predictions"].append({}), "has 2 predictions"),
        (_entry(kind="slice"), "is about a slice"),
        (lambda output: output["predictions"][0].pop("answer"), "has no answer"),
        (_entry(bundle_digest="0" * 64), "is from another bundle"),
        (_answer(outcome="not_assessable"), "was not assessable"),
        (_answer(outcome=["findings"]), "was not assessable"),
        (_answer(figures={}), "neither lesion volume nor lesion share"),
        (_answer(figures={"total": {"lesion_volume_ml": "120"}}), "neither lesion volume"),
        (_answer(figures={"total": {"lesion_volume_ml": -1}}), "that cannot be"),
        (_answer(figures={"total": {"lesion_volume_ml": 10**400}}), "that cannot be"),
        (_answer(figures={"total": {"lesion_share_percent": 101}}), "that cannot be"),
        (_answer(figures={"total": {"lesion_volume_ml": float("nan")}}), "that cannot be"),
        (_answer(acquired_at=None), "does not say when"),
        (_answer(acquired_at="Doe^Jane"), "that cannot be"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(
    tmp_path: Path, bundle: Bundle, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    output = deepcopy(_output(bundle))
    change(output)
    with pytest.raises(SettingsRefused, match=reason) as refused:
        _earlier(tmp_path, bundle, output)
    assert "Doe" not in str(refused.value)


def test_an_earlier_study_is_earlier() -> None:
    """At the same time, it is most likely the same study; without a time nothing is known."""
    earlier = LesionMeasurement(MOMENT, 120.0)
    check_order(earlier, MOMENT + timedelta(seconds=1))
    check_order(earlier, None)
    check_order(earlier, MOMENT.astimezone())
    for moment, order in ((MOMENT, "at the same time as"), (MOMENT - timedelta(1), "later than")):
        with pytest.raises(Refused, match=order):
            check_order(earlier, moment)
