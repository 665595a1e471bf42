"""`firstread predict`: studies and slices as JSON, each path for itself, pictures where asked for.

The networks are real and know nothing but thresholds, so what must come out follows from the
phantom.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread

from firstread.predict.predictions import PredictOptions, predict_paths
from phantom import Phantom
from phantom.study import write_phantom_study
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected, SettingsRefused
from settings.environment import Settings
from tests.builders.bundles import drop_classifier, write_bundle
from tests.builders.declared import slab_chest, slice_scorer
from tests.builders.declared.slab_chest import write_slab_chest
from tests.builders.declared.slice_scorer import write_slice_scorer
from tests.peers.programs import REPOSITORY
from worker.encode.picture.key_picture import WIDTH_PX

Grey = NDArray[np.uint8]

_WITH_LESIONS = 16  # a slice of the phantom


@pytest.fixture(scope="module")
def settings(bundles: Path) -> Settings:
    return Settings(
        execution_provider=ExecutionProvider.CPU, inference_threads=1, bundles_folder=bundles
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, phantom: Phantom) -> Path:
    folder = tmp_path_factory.mktemp("predict") / "study"
    write_phantom_study(phantom, folder)
    return folder


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory, grey: Grey) -> Path:
    path = tmp_path_factory.mktemp("predict") / "slice.png"
    Image.fromarray(grey[_WITH_LESIONS]).save(path)
    return path


def _predict(settings: Settings, *paths: Path, **options: Any) -> list[dict[str, Any]]:
    found, complete = predict_paths(paths, PredictOptions(**options), settings)
    predictions = found["predictions"]
    assert complete == all("error" not in one for one in predictions)
    assert [one["path"] for one in predictions] == [str(path) for path in paths]
    assert all(("answer" in one) != ("error" in one) for one in predictions)
    return list(predictions)


def test_from_the_shell_one_object_comes_out_and_the_failed_do_not_stop_the_others(
    study: Path, picture: Path, bundles: Path, tmp_path: Path
) -> None:
    command = [
        sys.executable, "-m", "firstread", "predict", study, tmp_path / "absent", picture,
        "--bundles", bundles, "--bundle", "chest-ct-pneumonia@2.0.0",
        "--picture", tmp_path / "read.png",
    ]  # fmt: skip
    answer = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert answer.returncode == 2
    assert answer.stdout.count("\n") == 1
    first, second, third = json.loads(answer.stdout)["predictions"]
    assert (first["kind"], second["kind"], third["kind"]) == ("study", None, "slice")
    assert first["bundle"] == "chest-ct-pneumonia/2.0.0"
    assert first["answer"]["outcome"] in ("findings", "no_findings", "not_assessable")
    assert second["error"]["kind"] == "SettingsRefused"
    assert "absent: SettingsRefused" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert [one.get("picture") for one in (first, second, third)] == [
        str(tmp_path / "read-1.png"), None, str(tmp_path / "read-3.png"),
    ]  # fmt: skip
    for written in (first, third):
        with Image.open(written["picture"]) as drawn:
            assert (drawn.mode, drawn.width) == ("RGB", WIDTH_PX)


def test_a_study_gives_the_facts_of_its_reading(settings: Settings, study: Path) -> None:
    """With triage, the series that was chosen, and where the key slice is found."""
    (found,) = _predict(settings, study)
    answer = found["answer"]
    assert answer["figures"]["total"]["lesion_share_percent"] > 0
    assert (answer["urgency"] is None) == (answer["outcome"] == "not_assessable")
    assert (answer["slices"], answer["spacing_mm"]) == (36, pytest.approx([8.0, 2.8, 2.8]))
    assert [one["chosen"] for one in answer["series"]] == [True]
    instances = {str(dcmread(path).SOPInstanceUID) for path in study.iterdir()}
    assert answer["key_instance"]["sop_instance_uid"] in instances
    assert answer["suspicion_threshold"] == 0.5


def test_nothing_of_the_patient_comes_out(
    settings: Settings, phantom: Phantom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither name, identifier nor birth date: not in the JSON, not among the words."""
    for path in write_phantom_study(phantom, tmp_path / "study"):
        header = dcmread(path)
        header.PatientName, header.PatientID = "Secret^Name", "SECRET-7"
        header.PatientBirthDate, header.SeriesDescription = "19510203", "SECRET-7 CHEST"
        header.save_as(path)
    one = next((tmp_path / "study").iterdir())
    said = json.dumps(_predict(settings, tmp_path / "study", one)) + capsys.readouterr().err
    assert "ecret" not in said
    assert "SECRET" not in said
    assert "19510203" not in said


def test_one_multi_frame_instance_is_a_study(
    settings: Settings, phantom: Phantom, study: Path, tmp_path: Path
) -> None:
    (written,) = write_phantom_study(phantom, tmp_path, multi_frame=True)
    alone, parts = _predict(settings, written, study)
    assert alone["kind"] == "study"
    assert alone["answer"]["figures"] == parts["answer"]["figures"]
    assert alone["answer"]["key_instance"]["frame_number"] is not None


def test_a_slice_gives_probabilities_shares_and_signs(settings: Settings, picture: Path) -> None:
    (found,) = _predict(settings, picture)
    answer = found["answer"]
    assert (found["kind"], answer["assessable"], answer["reason"]) == ("slice", True, None)
    areas = answer["area_pixels"]
    assert areas["lesion"] == areas["ground_glass"] + areas["consolidation"] > 0
    expected = 100 * areas["lesion"] / areas["lung"]
    assert answer["lesion_share_percent"] == pytest.approx(expected)
    assert answer["area_mm2"] is None
    viral = answer["viral"]
    assert 0.0 <= viral["probability"] <= 1.0
    assert viral["suspected"] == (viral["probability"] >= viral["threshold"])
    assert len(answer["signs"]) == 5
    assert all(
        one["present"] == (one["probability"] >= one["threshold"]) for one in answer["signs"]
    )


def test_a_bundle_without_a_classifier_measures_and_claims_no_type(
    settings: Settings, picture: Path, tmp_path: Path
) -> None:
    drop_classifier(write_bundle(tmp_path / "bundles"))
    options = {"bundles": tmp_path / "bundles", "picture": tmp_path / "read.png"}
    (found,) = _predict(settings, picture, **options)
    answer = found["answer"]
    assert (answer["assessable"], answer["viral"], answer["signs"]) == (True, None, [])
    assert answer["lesion_share_percent"] > 0
    assert Path(found["picture"]).is_file()


def test_png_jpeg_and_dicom_of_one_slice_agree(
    settings: Settings, grey: Grey, study: Path, picture: Path, tmp_path: Path
) -> None:
    """However it comes: colour JPEG, grey PNG, or in HU with a known size of pixels."""
    jpeg = tmp_path / "slice.jpg"
    Image.fromarray(grey[_WITH_LESIONS]).convert("RGB").save(jpeg, quality=95)
    instance = sorted(study.iterdir())[_WITH_LESIONS]
    png, jpg, dicom = (one["answer"] for one in _predict(settings, picture, jpeg, instance))
    assert jpg["area_pixels"]["lung"] == pytest.approx(png["area_pixels"]["lung"], rel=0.05)
    assert dicom["area_pixels"]["lung"] == pytest.approx(png["area_pixels"]["lung"], rel=0.1)
    lung = dicom["area_pixels"]["lung"]
    assert dicom["area_mm2"]["lung"] == pytest.approx(2.8 * 2.8 * lung, rel=1e-3)


def test_an_instance_is_turned_upright(settings: Settings, study: Path, tmp_path: Path) -> None:
    """Rows that run to the front and columns to the right: the same slice, the same answer."""
    source = sorted(study.iterdir())[_WITH_LESIONS]
    header = dcmread(source)
    header.PixelData = np.ascontiguousarray(header.pixel_array[::-1, ::-1]).tobytes()
    header.ImageOrientationPatient = [-value for value in header.ImageOrientationPatient]
    header.save_as(tmp_path / "turned.dcm")
    straight, turned = _predict(settings, source, tmp_path / "turned.dcm")
    assert turned["answer"] == straight["answer"]


def _changed(source: Path, target: Path, change: Any) -> Path:
    header: Dataset = dcmread(source)
    change(header)
    header.save_as(target)
    return target


def _without_pixels(header: Dataset) -> None:
    del header.PixelData


def _coronal(header: Dataset) -> None:
    header.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        (_without_pixels, "PixelDataUndecodable", "no pixel data"),
        (_coronal, "NoSuitableSeries", "not an axial slice"),
        (lambda header: setattr(header, "Modality", "MR"), "NoSuitableSeries", "not CT"),
        (lambda header: delattr(header, "RescaleSlope"), "NoSuitableSeries", "Hounsfield"),
        (lambda header: delattr(header, "PixelSpacing"), "NoSuitableSeries", "place of the image"),
        (lambda header: delattr(header, "SOPInstanceUID"), "DataSetUnreadable", "which instance"),
    ],
    ids=["no pixels", "coronal", "MR", "no rescale", "no spacing", "no UID"],
)
def test_an_instance_that_is_no_slice_is_refused(
    settings: Settings, study: Path, tmp_path: Path, change: Any, kind: str, reason: str
) -> None:
    source = sorted(study.iterdir())[_WITH_LESIONS]
    (found,) = _predict(settings, _changed(source, tmp_path / "changed.dcm", change))
    assert found["error"]["kind"] == kind
    assert reason in found["error"]["message"]


def test_what_is_no_input_is_refused_path_by_path(
    settings: Settings, study: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "note.txt").write_text("no image")
    Image.new("L", (8, 8)).save(tmp_path / "tiny.png")
    (tmp_path / "lone").mkdir()
    (tmp_path / "lone" / "1.dcm").write_bytes(next(study.iterdir()).read_bytes())
    named = ["empty", "words", "words/note.txt", "tiny.png", "lone"]
    found = _predict(settings, *(tmp_path / name for name in named))
    assert {name: one["error"]["kind"] for name, one in zip(named, found, strict=True)} == {
        "empty": "SettingsRefused",
        "words": "SettingsRefused",
        "words/note.txt": "PictureRefused",
        "tiny.png": "PictureRefused",
        "lone": "NoSuitableSeries",
    }
    assert found[-1]["error"]["reasons"] == ["There are too few slices (1 slice)"]


def test_a_picture_without_lungs_is_not_assessable(settings: Settings, tmp_path: Path) -> None:
    """No probability is given of what is no lung."""
    Image.new("RGB", (90, 60), (255, 255, 255)).save(tmp_path / "white.png")
    (found,) = _predict(settings, tmp_path / "white.png", picture=tmp_path / "read.jpg")
    answer = found["answer"]
    assert (answer["assessable"], answer["viral"], answer["signs"]) == (False, None, [])
    assert answer["reason"] == "no lungs were found in the slice"
    assert Path(found["picture"]).is_file()


def test_the_picture_of_a_slice_shows_it_twice_and_outlines_on_the_left(
    settings: Settings, picture: Path, tmp_path: Path
) -> None:
    """The right one has heat on lesions; both have the given grey levels elsewhere."""
    _predict(settings, picture, picture=tmp_path / "deep" / "read.png")
    with Image.open(tmp_path / "deep" / "read.png") as drawn:
        panels = np.asarray(drawn, dtype=int)[84 : 84 + 500]
    left, right = panels[:, 8:508], panels[:, 516:1016]
    assert np.count_nonzero(np.ptp(left, axis=-1) > 60) > 300
    assert np.count_nonzero(np.ptp(right, axis=-1) > 5) > 300  # the small network is lukewarm
    plain = ~(np.ptp(left, axis=-1) > 3) & ~(np.ptp(right, axis=-1) > 3)
    assert np.abs(left - right)[plain].max() <= 16


def test_what_spoils_everything_is_said_before_anything_is_read(
    settings: Settings, picture: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleRejected, match="No usable bundle chest-ct-pneumonia/9"):
        predict_paths([picture], PredictOptions(bundle="chest-ct-pneumonia@9"), settings)
    with pytest.raises(SettingsRefused, match=r"ends in \.png or \.jpg"):
        predict_paths([picture], PredictOptions(picture=tmp_path / "read.dcm"), settings)
    blocked = PredictOptions(picture=picture / "below" / "read.png")
    with pytest.raises(SettingsRefused, match="cannot be written"):
        predict_paths([picture], blocked, settings)


def test_studies_and_slices_are_read_by_a_bundle_of_schema_3(
    settings: Settings, study: Path, picture: Path, tmp_path: Path
) -> None:
    """A chest's reader reads both; a bundle of another finding says that it reads no slices."""
    write_slab_chest(tmp_path)
    write_slice_scorer(tmp_path)
    of_any = settings.model_copy(update={"bundles_folder": tmp_path})
    whole, single = _predict(of_any, study, picture, bundle=slab_chest.NAME)
    assert whole["answer"]["figures"]["total"]["lesion_volume_ml"] > 0
    assert single["answer"]["assessable"] is True
    whole, single = _predict(of_any, study, picture, bundle=slice_scorer.NAME)
    assert whole["answer"]["algorithm"]["name"] == f"Test {slice_scorer.NAME}"
    assert "not for slices" in single["error"]["message"]
