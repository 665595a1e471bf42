"""`firstread evaluate` from the shell: one JSON object, exact keys, errors that say what to do.

The bundle is a real one with real networks that know nothing but thresholds, so what must come
out can be worked out from the phantom.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from firstread.evaluate_bundle import Choice
from firstread.evaluate_classification import evaluate_classification
from firstread.evaluate_segmentation import evaluate_segmentation
from firstread.evaluate_studies import evaluate_studies
from firstread.evaluate_target import Target
from firstread.phantom import LobeLabel, Phantom
from firstread.phantom.study import write_phantom_study
from radiology.errors import BundleRejected, NoSuitableSeries, SettingsRefused
from settings.environment import ExecutionProvider, Settings
from tests.builders.bundles import drop_classifier, write_bundle
from tests.peers.programs import REPOSITORY
from worker.infer_findings import Reader

Grey = NDArray[np.uint8]

_LOBES = {
    "RUL": LobeLabel.RIGHT_UPPER,
    "RML": LobeLabel.RIGHT_MIDDLE,
    "RLL": LobeLabel.RIGHT_LOWER,
    "LUL": LobeLabel.LEFT_UPPER,
    "LLL": LobeLabel.LEFT_LOWER,
}
_CLASSIFICATION_KEYS = ["auc", "accuracy", "sensitivity", "specificity", "precision", "f1", "f2"]
_SEGMENTATION_KEYS = ["dice_mean", "dice_median", "voe", "rvd", "asd", "msd"]


def _firstread(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firstread", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)


@pytest.fixture
def settings() -> Settings:
    return Settings(execution_provider=ExecutionProvider.CPU, inference_threads=1)


@pytest.fixture(scope="module")
def labelled(
    tmp_path_factory: pytest.TempPathFactory, phantom: Phantom, grey: Grey
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


@pytest.fixture(scope="module")
def drawn(
    tmp_path_factory: pytest.TempPathFactory, phantom: Phantom, grey: Grey
) -> tuple[Path, Path]:
    """Slices and lesion masks, both stored a quarter turn clockwise."""
    root = tmp_path_factory.mktemp("segmentation")
    for name in ("images", "masks"):
        (root / name).mkdir()
    for at in range(10, 22):
        Image.fromarray(np.rot90(grey[at], -1)).save(root / f"images/{at}.png")
        Image.fromarray(np.rot90(phantom.lesions[at], -1)).save(root / f"masks/{at}.png")
    return root / "images", root / "masks"


def _assert_intervals(found: dict[str, Any], keys: list[str]) -> None:
    """Every figure lies in its interval; one that is not defined has none."""
    for key in keys:
        if found[key] is None:
            assert found[f"{key}_ci95"] is None, key
            continue
        low, high = found[f"{key}_ci95"]
        assert low <= found[key] <= high, key


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
    _assert_intervals(found, [*_CLASSIFICATION_KEYS, "ece"])
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
    _assert_intervals(found, [*_CLASSIFICATION_KEYS, "ece"])
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


def test_slices_without_any_agree_where_nothing_is_found(
    phantom: Phantom, grey: Grey, bundles: Path, settings: Settings, tmp_path: Path
) -> None:
    """Empty masks of slices above and below the lesions: Dice 1, and distances of 0."""
    at = [index for index in range(24, 30) if not phantom.lesions[index].any()]
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for index in at:
        Image.fromarray(grey[index]).save(tmp_path / f"images/{index}.png")
        Image.fromarray(np.zeros_like(grey[index])).save(tmp_path / f"masks/{index}.png")
    choice = Choice(bundles=bundles, report=tmp_path / "empty.html")
    source = (tmp_path / "images", tmp_path / "masks")
    found = evaluate_segmentation(source, Target.LESION, 0, choice, settings)
    assert found["n_both_empty"] + found["n_reference_empty"] == len(at)
    assert found["dice_mean"] == found["n_both_empty"] / len(at)


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_read(
    labelled: tuple[Path, Path], bundles: Path, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for report in (tmp_path / "file" / "page.html", tmp_path):
        choice = Choice(bundles=bundles, report=report)
        with pytest.raises(SettingsRefused, match="The report"):
            evaluate_classification(Path("absent"), labelled[1], None, choice, settings)


def test_segmentation_undoes_the_way_slices_are_stored(
    drawn: tuple[Path, Path], bundles: Path, settings: Settings
) -> None:
    """Turned upright the figures are as drawn upright; the order of slices is their number."""
    choice = Choice(bundles=bundles)
    found = evaluate_segmentation(drawn, Target.LESION, 90, choice, settings)
    assert list(found)[:12:2] == _SEGMENTATION_KEYS
    _assert_intervals(found, _SEGMENTATION_KEYS)
    assert (found["n"], found["unit"]) == (12, "pixels")
    assert 0.2 < found["dice_mean"] <= 1.0
    assert 0.0 < found["floor_dice_mean"] <= 1.0
    in_mm = evaluate_segmentation(drawn, Target.LESION, 90, choice, settings, pixel_mm=2.8)
    assert in_mm["asd"] == pytest.approx(2.8 * found["asd"])
    assert in_mm["unit"] == "mm"


def test_kinds_of_lesions_are_compared_each_with_its_own(
    drawn: tuple[Path, Path], bundles: Path, settings: Settings
) -> None:
    """Slices without consolidation, drawn or found, agree fully; those with any are counted."""
    choice = Choice(bundles=bundles)
    found = evaluate_segmentation(drawn, Target.CONSOLIDATION, 90, choice, settings)
    assert found["n"] == 12
    assert found["n_defined"]["asd"] + found["n_found_empty"] + found["n_reference_empty"] == 12


def test_a_wrong_turn_is_remarked_on(
    drawn: tuple[Path, Path], settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network that knows which way up a chest is does better upright; what was asked for counts.

    With the released bundle: the small one of the other tests does not know.
    """
    released = Choice(bundles=REPOSITORY / "models" / "bundles")
    upright = evaluate_segmentation(drawn, Target.LESION, 90, released, settings)
    assert "Remark" not in capsys.readouterr().err
    turned = evaluate_segmentation(drawn, Target.LESION, 180, released, settings)
    assert "--rotate 90 gives a mean Dice" in capsys.readouterr().err
    assert turned["rotate"] == 180
    assert turned["dice_mean"] < upright["dice_mean"]


def test_npz_lungs_are_compared_in_hu(
    phantom: Phantom, bundles: Path, settings: Settings, tmp_path: Path
) -> None:
    np.savez(
        tmp_path / "lungs.npz",
        hu=phantom.volume.hounsfield[10:22].astype(np.int16),
        lung=phantom.lungs[10:22] > 0,
        name=np.array([f"slice {at}" for at in range(12)]),
    )
    choice = Choice(bundles=bundles, report=tmp_path / "lungs.html")
    found = evaluate_segmentation(tmp_path / "lungs.npz", Target.LUNG, 0, choice, settings)
    assert found["dice_mean"] > 0.6
    assert "floor_dice_mean" not in found
    assert "slice 3" in (tmp_path / "lungs.html").read_text()


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

    monkeypatch.setattr("firstread.evaluate_studies.read_labelled_study", read)
    write_phantom_study(phantom, tmp_path / "dicom" / "C1")
    (tmp_path / "labels.json").write_text(json.dumps({"patient": "C1", "lobes": {"RUL": 1}}))
    choice = Choice(bundles=bundles, threads=1)
    found = evaluate_studies(tmp_path / "dicom", tmp_path / "labels.json", choice, settings)
    assert seen[0].classifier is not None
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


_REFUSED = {
    "absent.csv": ["classification", "--images", "absent", "--labels", "absent.csv"],
    "--images and --masks": ["segmentation", "--target", "lesion", "--images", "absent"],
    "absent.npz": ["segmentation", "--target", "lung", "--npz", "absent.npz"],
    "absent.json": ["studies", "--dicom", "absent", "--labels", "absent.json"],
}
_COMMANDS = ["classification", "segmentation", "studies"]
_RUNNER = """
import json, sys
from typer.testing import CliRunner
from firstread.__main__ import app

answers = [CliRunner().invoke(app, ["evaluate", *one]) for one in json.loads(sys.argv[1])]
sys.stdout.write(json.dumps([[one.exit_code, one.stdout, one.stderr] for one in answers]))
"""


@pytest.fixture(scope="module")
def said() -> dict[str, tuple[int, str, str]]:
    """Exit status, output and words of each refusal and each help, from one process."""
    arguments = _REFUSED | {command: [command, "--help"] for command in _COMMANDS}
    answer = subprocess.run(
        [sys.executable, "-c", _RUNNER, json.dumps(list(arguments.values()))],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )
    return dict(zip(arguments, map(tuple, json.loads(answer.stdout)), strict=True))


@pytest.mark.parametrize("message", _REFUSED)
def test_what_cannot_be_done_is_said_and_ends_with_2(
    said: dict[str, tuple[int, str, str]], message: str
) -> None:
    """Nothing on standard output, one line on standard error, no trace."""
    status, output, words = said[message]
    assert (status, output) == (2, "")
    assert message in words
    assert words.count("\n") == 1


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_has_an_example(said: dict[str, tuple[int, str, str]], command: str) -> None:
    status, output, _ = said[command]
    assert status == 0
    assert f"firstread evaluate {command}" in " ".join(output.split())
