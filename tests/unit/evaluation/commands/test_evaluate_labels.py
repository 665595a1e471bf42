"""Labels are read as they stand, rows that do not count are left out, and errors name the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstread.evaluate.labels import read_labels
from radiology.errors import SettingsRefused

_HEAD = "file,official_split,covid,exclude_contradictory_duplicate\n"


def _set(folder: Path, rows: str, *, head: str = _HEAD, images: str = "a b c") -> Path:
    (folder / "train").mkdir()
    for name in images.split():
        (folder / "train" / f"{name}.png").touch()
    labels = folder / "labels.csv"
    labels.write_text(head + rows, encoding="utf-8")
    return labels


def test_rows_become_images_with_their_truth(tmp_path: Path) -> None:
    labels = _set(tmp_path, "train/a.png,train,1,0\ntrain/b.png,val,0,0\n")
    found = read_labels(labels, tmp_path)
    assert [(one.path, one.positive) for one in found.images] == [
        (tmp_path / "train/a.png", True),
        (tmp_path / "train/b.png", False),
    ]
    assert found.attributes == {}


def test_contradictory_duplicates_are_left_out_and_counted(tmp_path: Path) -> None:
    labels = _set(tmp_path, "train/a.png,train,1,0\ntrain/b.png,train,0,1\n")
    found = read_labels(labels, tmp_path)
    assert len(found.images) == found.excluded == 1


def test_a_split_takes_its_rows_and_no_others(tmp_path: Path) -> None:
    labels = _set(tmp_path, "train/a.png,train,1,0\ntrain/b.png,val,0,0\n")
    assert [one.name for one in read_labels(labels, tmp_path, "val").images] == ["train/b.png"]
    with pytest.raises(SettingsRefused, match=r"official_split is test; there are: train, val"):
        read_labels(labels, tmp_path, "test")


def test_an_image_that_lies_elsewhere_is_found_by_its_name(tmp_path: Path) -> None:
    labels = _set(tmp_path, "a.png,train,1,0\n")
    assert read_labels(labels, tmp_path).images[0].path == tmp_path / "train/a.png"


def test_two_images_of_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    labels = _set(tmp_path, "a.png,train,1,0\n")
    (tmp_path / "val").mkdir()
    (tmp_path / "val/a.png").touch()
    with pytest.raises(SettingsRefused, match="2 images"):
        read_labels(labels, tmp_path)


def test_groups_of_patients_come_from_further_columns(tmp_path: Path) -> None:
    labels = _set(
        tmp_path,
        "train/a.png,1,F,71,Siemens\ntrain/b.png,0,,,\n",
        head="file,covid,sex,age,manufacturer\n",
    )
    assert read_labels(labels, tmp_path).attributes == {
        "sex": ["F", ""],
        "age group": ["65 and over", "unknown"],
        "manufacturer": ["SIEMENS", ""],
    }


@pytest.mark.parametrize(
    ("rows", "head", "message"),
    [
        ("train/x.png,train,1,0\n", _HEAD, "name train/x.png, which is not in"),
        ("train/a.png,train,,0\n", _HEAD, "row of train/a.png has no label"),
        ("train/a.png,train\n", _HEAD, "row of train/a.png has no label"),
        ("train/a.png,1\n", "name,covid\n", "has no column file"),
        ("train/a.png,train,1,1\n", _HEAD, "no row that counts"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, rows: str, head: str, message: str) -> None:
    with pytest.raises(SettingsRefused, match=message):
        read_labels(_set(tmp_path, rows, head=head), tmp_path)


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"absent\.csv cannot be read"):
        read_labels(tmp_path / "absent.csv", tmp_path)
    (tmp_path / "bytes.csv").write_bytes(b"file,covid\n\xff\xfe")
    with pytest.raises(SettingsRefused, match=r"bytes\.csv is not a CSV file in UTF-8"):
        read_labels(tmp_path / "bytes.csv", tmp_path)
    labels = _set(tmp_path, "train/a.png,train,1,0\n")
    with pytest.raises(SettingsRefused, match="There is no folder"):
        read_labels(labels, tmp_path / "elsewhere")
