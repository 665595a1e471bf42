"""`firstread evaluate classification`: figures for slices with labels, and what it refuses."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from firstread.evaluate.bundle import Choice
from firstread.evaluate.classification import evaluate_classification
from phantom import Phantom
from radiology.errors import BundleRejected, SettingsRefused
from settings.environment import Settings
from tests.builders.bundles import drop_classifier, write_bundle
from tests.peers.programs import REPOSITORY
from tests.unit.evaluation.intervals import assert_intervals

_CLASSIFICATION_KEYS = ["auc", "accuracy", "sensitivity", "specificity", "precision", "f1", "f2"]


def _firstread(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firstread", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)


@pytest.fixture(scope="module")
def labelled(
    tmp_path_factory: pytest.TempPathFactory, phantom: Phantom, grey: NDArray[np.uint8]
) -> tuple[Path, Path]:
    """A folder of slices and their labels: whether the phantom has lesions there."""
    folder = tmp_path_factory.mktemp("classification")
    labels = folder / "labels.csv"
    with labels.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["file", "official_split", "covid", "exclude_contradictory_duplicate", "sex"]
        )
        for at in range(6, 32):
            Image.fromarray(grey[at, ::-1]).save(folder / f"{at}.png")
            truth = int(phantom.lesions[at].any())
            writer.writerow([f"{at}.png", "val", truth, int(at == 20), "FM"[at % 2]])
    return folder, labels


def test_classification_prints_one_object_with_the_keys(
    labelled: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    """From the shell: figures on standard output, words and progress on standard error."""
    report = tmp_path / "report" / "page.html"
    answer = _firstread(
        "evaluate", "classification", "--images", labelled[0], "--labels", labelled[1],
        "--split", "val", "--bundles", bundles, "--threads", 1, "--report", report,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert list(found)[:16:2] == [*_CLASSIFICATION_KEYS, "ece"]
    assert_intervals(found, [*_CLASSIFICATION_KEYS, "ece"])
    assert (found["n"], found["threshold"], found["n_excluded"]) == (25, 0.5, 1)
    assert "1 rows are left out" in answer.stderr
    assert found["bundle"] == "chest-ct-pneumonia/2.0.0"
    assert {one["attribute"] for one in found["subgroups"]} == {"sex"}
    assert "<h1>Classification of slices</h1>" in report.read_text()


def test_the_classifier_is_better_than_chance_on_the_phantom(
    labelled: tuple[Path, Path], bundles: Path, settings: Settings
) -> None:
    """It counts what is denser than lung; slices with lesions have more of it."""
    found = evaluate_classification(*labelled, None, Choice(bundles=bundles), settings)
    assert found["auc"] > 0.8


def test_labels_of_one_class_give_figures_but_no_area(
    labelled: tuple[Path, Path], bundles: Path, settings: Settings, tmp_path: Path
) -> None:
    """Without a case of the other class neither area nor specificity can be said; no crash."""
    folder, labels = labelled
    rows = [row for row in labels.read_text().splitlines() if row.split(",")[2] != "0"]
    (tmp_path / "ill.csv").write_text("\n".join(rows))
    choice = Choice(bundles=bundles, report=tmp_path / "ill.html")
    found = evaluate_classification(folder, tmp_path / "ill.csv", None, choice, settings)
    assert (found["auc"], found["auc_ci95"], found["specificity"]) == (None, None, None)
    assert found["n"] == found["n_positive"] > 0
    assert_intervals(found, [*_CLASSIFICATION_KEYS, "ece"])
    assert "nan" not in (tmp_path / "ill.html").read_text().split("<section>")[0]


def test_a_labelled_image_that_is_missing_is_named(
    labelled: tuple[Path, Path], bundles: Path, settings: Settings, tmp_path: Path
) -> None:
    folder, labels = labelled
    (tmp_path / "more.csv").write_text(labels.read_text() + "absent-7.png,val,1,0,F\n")
    with pytest.raises(SettingsRefused, match=r"labels name absent-7\.png, which is not in"):
        evaluate_classification(
            folder, tmp_path / "more.csv", None, Choice(bundles=bundles), settings
        )


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_read(
    labelled: tuple[Path, Path], bundles: Path, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for report in (tmp_path / "file" / "page.html", tmp_path):
        choice = Choice(bundles=bundles, report=report)
        with pytest.raises(SettingsRefused, match="The report"):
            evaluate_classification(Path("absent"), labelled[1], None, choice, settings)


def test_a_version_can_be_named_and_one_that_is_not_there_is_refused(
    labelled: tuple[Path, Path], bundles: Path, settings: Settings
) -> None:
    for name in ("chest-ct-pneumonia/9.9.9", "chest-ct-pneumonia@9.9.9"):
        with pytest.raises(BundleRejected, match=r"there are: chest-ct-pneumonia/2\.0\.0"):
            evaluate_classification(*labelled, None, Choice(name, bundles), settings)
    with pytest.raises(SettingsRefused, match="--bundles is the one with the bundles"):
        evaluate_classification(*labelled, None, Choice(bundles=bundles / "no"), settings)


def test_a_bundle_without_a_classifier_cannot_be_scored_as_one(
    labelled: tuple[Path, Path], settings: Settings, tmp_path: Path
) -> None:
    drop_classifier(write_bundle(tmp_path))
    with pytest.raises(BundleRejected, match=r"chest-ct-pneumonia/2\.0\.0 cannot classify"):
        evaluate_classification(*labelled, None, Choice(bundles=tmp_path), settings)
