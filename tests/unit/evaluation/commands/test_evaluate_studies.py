"""`firstread evaluate studies`: whole studies against labels of their slices and lobes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chest.reader import Reader
from firstread.evaluate.bundle import Choice
from firstread.evaluate.studies import evaluate_studies
from phantom import LobeLabel, Phantom
from phantom.study import write_phantom_study
from radiology.errors import NoSuitableSeries, SettingsRefused
from settings.environment import Settings

_LOBES = {
    "RUL": LobeLabel.RIGHT_UPPER,
    "RML": LobeLabel.RIGHT_MIDDLE,
    "RLL": LobeLabel.RIGHT_LOWER,
    "LUL": LobeLabel.LEFT_UPPER,
    "LLL": LobeLabel.LEFT_LOWER,
}


def test_studies_are_matched_read_and_scored(
    phantom: Phantom, bundles: Path, settings: Settings, tmp_path: Path
) -> None:
    """Slices are labelled from the head down; a network that marks lesions ranks them on top."""
    write_phantom_study(phantom, tmp_path / "dicom" / "case-A7")
    from_top = phantom.lesions[::-1]
    entry = {
        "patient": "A7",
        "n_slices": len(from_top),
        "infected_slice": from_top.any(axis=(1, 2)).astype(int).tolist(),
        "lobes": {
            name: (from_top * (phantom.lobes[::-1] == lobe)).any(axis=(1, 2)).astype(int).tolist()
            for name, lobe in _LOBES.items()
        },
    }
    (tmp_path / "labels.json").write_text(json.dumps([entry]))
    choice = Choice(bundles=bundles, report=tmp_path / "studies.html")
    found = evaluate_studies(tmp_path / "dicom", tmp_path / "labels.json", choice, settings)
    assert list(found)[:4] == ["slice_auc", "slice_auc_ci95", "lobe_auc", "lobe_auc_ci95"]
    assert found["slice_auc"] > 0.8
    assert found["n_slices"] == len(from_top)
    assert found["lobe_auc"] is not None or found["lobe_auc_reason"]
    (patient,) = found["patients"]
    assert (patient["patient"], patient["infected"]) == ("A7", True)
    assert patient["outcome"] in ("findings", "no_findings", "not_assessable")
    assert patient["figures"]["total"]["lesion_share_percent"] > 0
    thickness = next(gate for gate in patient["gates"] if gate["name"] == "slice thickness")
    assert thickness["seen"] == "8 mm"  # gates hear of the headers, as in the worker
    assert set(patient["groups"]) == {"sex", "age group", "manufacturer"}
    assert "A7: lesion share by slice" in (tmp_path / "studies.html").read_text()

    entry["n_slices"] = 3
    entry["infected_slice"] = [0, 1, 0]
    (tmp_path / "labels.json").write_text(json.dumps(entry))
    with pytest.raises(SettingsRefused, match=r"A7 has labels for 3 slices, .* has 36"):
        evaluate_studies(
            tmp_path / "dicom", tmp_path / "labels.json", Choice(bundles=bundles), settings
        )


def test_studies_are_read_with_the_classifier_and_the_threads_that_were_asked_for(
    phantom: Phantom,
    bundles: Path,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Reader] = []

    def read(*arguments: Any) -> NoSuitableSeries:
        seen.append(arguments[-1])
        return NoSuitableSeries()

    monkeypatch.setattr("firstread.evaluate.studies.read_labelled_study", read)
    write_phantom_study(phantom, tmp_path / "dicom" / "C1")
    (tmp_path / "labels.json").write_text(json.dumps({"patient": "C1", "lobes": {"RUL": 1}}))
    choice = Choice(bundles=bundles, threads=1)
    found = evaluate_studies(tmp_path / "dicom", tmp_path / "labels.json", choice, settings)
    assert seen[0].model.classifier is not None
    assert (found["patients"][0]["kind"], found["patients"][0]["infected"]) == (
        "NoSuitableSeries", True,
    )  # fmt: skip


def test_a_study_that_cannot_be_read_is_an_answer_of_its_own(
    phantom: Phantom, bundles: Path, settings: Settings, tmp_path: Path
) -> None:
    """Two slices are no study; the patient is listed with the reason and not pooled."""
    written = write_phantom_study(phantom, tmp_path / "dicom" / "B1")
    for path in written[2:]:
        path.unlink()
    (tmp_path / "labels.json").write_text(json.dumps({"patient": "B1", "infected_slice": [0, 1]}))
    choice = Choice(bundles=bundles, report=tmp_path / "studies.html")
    found = evaluate_studies(tmp_path / "dicom", tmp_path / "labels.json", choice, settings)
    assert found["slice_auc"] is None
    assert found["slice_auc_reason"]
    assert found["patients"][0]["outcome"] == "refused"
    assert found["patients"][0]["reason"]
