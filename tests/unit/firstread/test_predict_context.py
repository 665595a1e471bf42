"""`firstread predict` with what is known of the patient: clinical values, an earlier answer.

Read with the bundle that is shipped: severity needs a study that is assessable.
"""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread

from firstread.predict.predictions import PredictOptions, predict_paths
from phantom import Phantom, make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from radiology.algorithm import ExecutionProvider
from radiology.errors import SettingsRefused
from settings.environment import Settings
from tests.peers.programs import REPOSITORY

ILL = {
    "age_years": 67,
    "symptoms": True,
    "respiratory_rate_per_min": 26,
    "spo2_percent": 91,
    "on_oxygen": False,
    "ventilation": "none",
    "shock": False,
    "organ_failure_in_icu": False,
    "systolic_mmhg": 110,
    "diastolic_mmhg": 70,
    "confusion": False,
    "gcs": 15,
    "urea_mmol_l": 8.2,
    "crp_mg_l": 96,
    "comorbidity_count": 1,
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(execution_provider=ExecutionProvider.CPU, inference_threads=2)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, phantom: Phantom) -> Path:
    """Of a man of 71 years, as the headers state."""
    folder = tmp_path_factory.mktemp("predict") / "study"
    for path in write_phantom_study(phantom, folder):
        header = dcmread(path)
        header.PatientSex, header.PatientAge = "M", "071Y"
        header.save_as(path)
    return folder


def _answered(settings: Settings, *paths: Path, **options: Any) -> dict[str, Any]:
    """The whole output for paths that all have an answer."""
    output, complete = predict_paths(paths, PredictOptions(**options), settings)
    assert complete, output
    return output


def _answer(settings: Settings, path: Path, **options: Any) -> dict[str, Any]:
    (only,) = _answered(settings, path, **options)["predictions"]
    return dict(only["answer"])


def _scores(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in answer["severity"]["scores"]}


def _file(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_values_make_the_scores_and_are_shown_with_them(
    settings: Settings, study: Path, tmp_path: Path
) -> None:
    """A patient worked out by hand; the age given counts, the sex is that of the headers."""
    answer = _answer(settings, study, clinical=_file(tmp_path / "values.json", ILL))
    scores = _scores(answer)
    assert scores["4C Mortality Score"]["label"] == "high (11 points)"
    assert scores["CURB-65"]["label"] == "intermediate (2 points)"
    assert scores["qCSI"]["label"] == "low (3 points)"
    guideline = scores["Guideline class"]
    assert guideline["grade"] == "severe"
    assert guideline["missing"] == ["pao2_fio2_mmhg", "prior_measurement"]
    inputs = {one["name"]: one["value"] for one in scores["4C Mortality Score"]["inputs"]}
    assert (inputs["age_years"], inputs["sex"], inputs["spo2_percent"]) == (67, "male", 91)
    assert answer["context"] == {
        "given": ILL,
        "headers": {"age_years": 71.0, "sex": "male"},
        "earlier": None,
    }


@pytest.fixture(scope="module")
def earlier(
    settings: Settings, phantom: Phantom, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The output for the same chest before most of its lesions came."""
    volume = phantom.volume
    grid = phantom_grid(shape=volume.shape, spacing_mm=volume.spacing_mm)
    before = make_phantom(seed=1, grid=grid, twigs=60, lesions=phantom.specified_lesions[::3])
    folder = tmp_path_factory.mktemp("earlier") / "study"
    write_phantom_study(before, folder)
    return _answered(settings, folder)


def _later(phantom: Phantom, after: timedelta, folder: Path) -> Path:
    identity = StudyIdentity.of(phantom, moment=StudyIdentity.moment + after)
    write_phantom_study(phantom, folder, identity=identity)
    return folder


def test_growth_by_more_than_half_within_36_hours_is_severe(
    settings: Settings, phantom: Phantom, earlier: dict[str, Any], tmp_path: Path
) -> None:
    """The earlier output is taken exactly as it was printed."""
    later = _later(phantom, timedelta(hours=36), tmp_path / "later")
    answer = _answer(settings, later, earlier=_file(tmp_path / "earlier.json", earlier))
    before = earlier["predictions"][0]["answer"]["figures"]["total"]["lesion_volume_ml"]
    now = answer["figures"]["total"]["lesion_volume_ml"]
    progress = _scores(answer)["Lesion progress"]
    assert now > 1.5 * before > 0
    assert progress["grade"] == "severe"
    assert progress["value"] == pytest.approx(100 * (now - before) / before)
    assert _scores(answer)["Guideline class"]["at_least"] == "severe"
    assert answer["acquired_at"] == "2026-01-03T00:00:00"
    assert answer["context"]["earlier"]["acquired_at"] == "2026-01-01T12:00:00"
    assert answer["context"]["earlier"]["lesion_volume_ml"] == before


def test_the_same_growth_in_ten_days_is_not(
    settings: Settings, phantom: Phantom, earlier: dict[str, Any], tmp_path: Path
) -> None:
    """What is missing besides is said of every rule."""
    later = _later(phantom, timedelta(days=10), tmp_path / "later")
    given = {"spo2_percent": 95, "on_oxygen": False, "symptoms": None}
    options = {
        "earlier": _file(tmp_path / "earlier.json", earlier),
        "clinical": _file(tmp_path / "values.json", given),
    }
    scores = _scores(_answer(settings, later, **options))
    assert not scores["Lesion progress"]["computed"]
    assert "240.0 h apart" in scores["Lesion progress"]["note"]
    guideline = scores["Guideline class"]
    assert (guideline["grade"], guideline["at_least"]) == (None, None)
    assert {"symptoms", "age_years", "pao2_fio2_mmhg"} <= set(guideline["missing"])
    assert "prior_measurement" not in guideline["missing"]
    assert scores["qCSI"]["missing"] == ["respiratory_rate_per_min"]
    assert "urea_mmol_l" in scores["CURB-65"]["missing"]


@pytest.mark.parametrize(
    ("acquired_at", "order"),
    [("2026-01-01T12:00:00", "at the same time as"), ("2026-01-01T12:00:01", "later than")],
)
def test_the_earlier_study_must_be_earlier(
    settings: Settings,
    study: Path,
    earlier: dict[str, Any],
    tmp_path: Path,
    acquired_at: str,
    order: str,
) -> None:
    """Neither the study itself nor a later one; refused before a slice is looked at."""
    output = deepcopy(earlier)
    output["predictions"][0]["answer"]["acquired_at"] = acquired_at
    options = PredictOptions(earlier=_file(tmp_path / "output.json", output))
    found, complete = predict_paths([study], options, settings)
    (only,) = found["predictions"]
    assert not complete
    assert "answer" not in only
    assert only["error"]["kind"] == "SettingsRefused"
    assert order in only["error"]["message"]


def test_a_slice_has_no_severity_and_takes_no_values(
    settings: Settings, study: Path, grey: NDArray[np.uint8], tmp_path: Path
) -> None:
    Image.fromarray(grey[16]).save(tmp_path / "slice.png")
    values = _file(tmp_path / "values.json", ILL)
    for path in (tmp_path / "slice.png", next(study.iterdir())):
        found, complete = predict_paths([path], PredictOptions(clinical=values), settings)
        assert not complete
        assert (
            "severity is not judged from one slice" in found["predictions"][0]["error"]["message"]
        )


def test_values_of_one_patient_are_not_for_several_paths(
    settings: Settings, study: Path, tmp_path: Path
) -> None:
    """Refused before the file is even opened."""
    absent = tmp_path / "absent"
    for options in (PredictOptions(clinical=absent), PredictOptions(earlier=absent)):
        with pytest.raises(SettingsRefused, match="one study of one patient, not to 2 paths"):
            predict_paths([study, study], options, settings)


def test_a_wrong_value_is_one_line_from_the_shell(
    study: Path, bundles: Path, tmp_path: Path
) -> None:
    values = _file(tmp_path / "values.json", {**ILL, "spo2_percent": 0.91})
    command = [
        sys.executable, "-m", "firstread", "predict", study, "--bundles", bundles,
        "--clinical", values,
    ]  # fmt: skip
    answer = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == (
        "ClinicalValuesRefused: Clinical values refused: "
        "spo2_percent must be a number from 30 to 100 %\n"
    )
