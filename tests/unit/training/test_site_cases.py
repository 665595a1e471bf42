"""A site's folder is read whole or refused with every reason; held-out cases stay held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

pytest.importorskip("torch")

from radiology.errors import FirstreadError, SettingsRefused
from tests.builders.dicom.ct_series import Stack, single_frame, write_files
from tests.builders.stored.site_folder import chest, write_cases
from training.site.cases import SiteSlice, read_site_cases
from training.site.hold_out import hold_out
from training.site.labels import CasesRefused
from training.site.pictures import read_picture


def _refusal(folder: Path) -> str:
    with pytest.raises(CasesRefused) as refused:
        read_site_cases(folder)
    return str(refused.value)


def test_masks_lungs_and_labels_are_read(tmp_path: Path) -> None:
    cases = read_site_cases(write_cases(tmp_path, 16, lungs=True, labels=True, each=2))
    assert cases.named
    assert cases.masked
    assert len({one.case for one in cases.slices}) == 8
    one = cases.slices[0]
    picture = one.picture()
    grey, lesion, lung = chest(0)
    assert picture.shape == grey.shape
    assert ((one.lesion(picture) > 0) == (lesion > 0)).all()
    drawn = one.lung(picture)
    assert drawn is not None
    assert (drawn == (lung > 0)).all()


def test_without_a_second_kind_a_mask_says_where_but_not_what(tmp_path: Path) -> None:
    write_cases(tmp_path)
    one = read_site_cases(tmp_path).slices[0]
    assert set(np.unique(one.lesion(one.picture())).tolist()) == {0, 3}
    _, lesion, _ = chest(3)
    Image.fromarray((lesion * 2).astype(np.uint8)).save(tmp_path / "masks/slice03.png")
    one = read_site_cases(tmp_path).slices[0]
    assert set(np.unique(one.lesion(one.picture())).tolist()) == {0, 1}


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    write_cases(tmp_path, labels=True, lungs=True)
    (tmp_path / "masks/slice01.png").unlink()
    Image.fromarray(np.zeros((9, 9), dtype=np.uint8)).save(tmp_path / "masks/slice02.png")
    (tmp_path / "images/slice03.png").write_bytes(b"nothing")
    (tmp_path / "images/notes.txt").write_text("?")
    Image.fromarray(np.zeros((9, 9), dtype=np.uint8)).save(tmp_path / "lungs/other.png")
    with (tmp_path / "labels.csv").open("a") as file:
        file.write("missing.png,1,a\nslice04.png,1,a\n")
    said = _refusal(tmp_path)
    assert "masks/ has none for slice01.png" in said
    assert "masks/slice02.png has 9 × 9 pixels, its slice 96 × 96" in said
    assert "images/slice03.png: it cannot be read as a picture" in said
    assert "images/notes.txt is none of" in said
    assert "lungs/other.png belongs to no slice" in said
    assert "line 14: images/ has no file missing.png" in said
    assert "line 15: slice04.png stands there twice" in said
    assert "Secret" not in said


def test_an_unknown_label_is_refused(tmp_path: Path) -> None:
    write_cases(tmp_path, masks=False, labels=True)
    text = (tmp_path / "labels.csv").read_text().replace("slice00.png,0", "slice00.png,maybe")
    (tmp_path / "labels.csv").write_text(text)
    assert "covid of slice00.png is not 1, 0 or empty" in _refusal(tmp_path)


def test_masks_of_unknown_levels_are_refused(tmp_path: Path) -> None:
    write_cases(tmp_path)
    _, lesion, lung = chest(0)
    Image.fromarray((lesion * 7 + lung // 5).astype(np.uint8)).save(tmp_path / "masks/slice00.png")
    assert "masks/ has the levels" in _refusal(tmp_path)


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        (4, {}, "there are 4 cases"),
        (12, {"labels": True, "each": 6}, "there are 2 cases"),
        (12, {"masks": False}, "nothing to learn"),
    ],
)
def test_too_little_is_refused(
    tmp_path: Path, count: int, options: dict[str, bool], said: str
) -> None:
    assert said in _refusal(write_cases(tmp_path, count, **options))


def test_the_same_picture_twice_is_refused(tmp_path: Path) -> None:
    write_cases(tmp_path)
    for part in ("images", "masks"):
        original = (tmp_path / part / "slice00.png").read_bytes()
        (tmp_path / part / "again.png").write_bytes(original)
    assert "are the same picture" in _refusal(tmp_path)


def test_patients_are_named_for_all_slices_or_for_none(tmp_path: Path) -> None:
    write_cases(tmp_path, labels=True)
    lines = (tmp_path / "labels.csv").read_text().splitlines()
    (tmp_path / "labels.csv").write_text("\n".join(lines[:-1]) + "\n")
    said = _refusal(tmp_path)
    assert "not for slice11.png" in said
    assert "Secret" not in said


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    assert "no folder images/" in _refusal(tmp_path)


def _instance(folder: Path, steps: list[list[float]]) -> tuple[Path, NDArray[np.int16]]:
    """Write one instance whose row and column index lead where the last two columns say."""

    def name_patient(dataset: Dataset, _: int) -> None:
        dataset.Modality = "CT"
        dataset.PatientID = "Secret"

    stored = np.arange(12, dtype=np.int16).reshape(1, 3, 4) * 10
    stack = Stack(stored, steps=np.array(steps), change=name_patient)
    return write_files(single_frame(stack), folder)[0], stored[0]


def test_a_ct_instance_is_turned_upright_with_its_mask(tmp_path: Path) -> None:
    to_the_right = [[0.0, 0.0, -0.7], [0.0, 0.7, 0.0], [2.0, 0.0, 0.0]]
    path, stored = _instance(tmp_path, to_the_right)
    picture = read_picture(path)
    assert picture.true_hu
    assert picture.patient == "Secret"
    assert picture.spacing_mm == (0.7, 0.7)
    assert (picture.hu == stored[:, ::-1] - 1024).all()
    assert (picture.upright(stored) == stored[:, ::-1]).all()


def test_an_instance_that_is_not_axial_is_refused(tmp_path: Path) -> None:
    coronal = [[0.0, 0.0, 0.7], [2.0, 0.0, 0.0], [0.0, -0.7, 0.0]]
    path, _ = _instance(tmp_path, coronal)
    with pytest.raises(FirstreadError, match="not an axial slice"):
        read_picture(path)


def _slices(cases: int, each: int = 2, viral: int = -1) -> list[SiteSlice]:
    return [
        SiteSlice(Path(f"{case}-{at}"), f"{case}", f"{case}.{at}", None, None, False, viral)
        for case in range(cases)
        for at in range(each)
    ]


@pytest.mark.parametrize("cases", [2, 8, 13, 40, 200])
def test_held_out_cases_are_a_part_and_never_all(cases: int) -> None:
    slices = _slices(cases)
    held = hold_out(slices)
    assert held <= {one.case for one in slices}
    assert 2 <= len(held) <= max(2, cases // 2)
    assert cases < 40 or 0.1 * cases < len(held) < 0.4 * cases
    assert held == hold_out(list(reversed(slices)))


def test_a_held_out_case_stays_so_when_more_come() -> None:
    few, many = hold_out(_slices(60)), hold_out(_slices(90))
    assert few == {case for case in many if int(case) < 60}


def test_what_the_base_was_trained_on_is_never_held_out() -> None:
    slices = _slices(40)
    first = hold_out(slices)
    before = {one.digest for one in slices if one.case in first}
    assert not hold_out(slices, before) & first
    with pytest.raises(SettingsRefused, match="trained on by the base"):
        hold_out(slices, {one.digest for one in slices})


def test_either_class_is_held_out_where_it_can_be() -> None:
    rare = [SiteSlice(Path(f"r{n}"), f"rare{n}", f"r{n}", None, None, False, 1) for n in range(4)]
    held = hold_out([*_slices(30, viral=0), *rare])
    assert any(case.startswith("rare") for case in held)
    assert not all(f"rare{n}" in held for n in range(4))
