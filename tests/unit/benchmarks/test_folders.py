"""Two folders of answers compare equal unless a file of one of them says something else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image
from pydicom.uid import UID

from benchmarks.same_answers.__main__ import main
from tests.builders.dicom.result_objects import (
    report,
    segmentation,
)


def _answers(folder: Path) -> Path:
    (folder / "study").mkdir(parents=True)
    for name, instance in (("SR", report()), ("SEG", segmentation(label_map=False))):
        instance.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.66.4")
        instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
        instance.save_as(folder / "study" / f"{name}.dcm", enforce_file_format=True)
    (folder / "study" / "answer.json").write_text(json.dumps({"share": 0.5}))
    Image.new("RGB", (4, 3)).save(folder / "study" / "picture.png")
    return folder


def _status(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["same_answers", *map(str, arguments)])
    return main()


def test_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each file; what has no partner differs, and so does what cannot be read."""
    before, after = _answers(tmp_path / "before"), _answers(tmp_path / "after")
    assert _status(monkeypatch, before, after) == 0
    assert "4 files, 0 different; 0 UIDs have another value" in capsys.readouterr().out
    (after / "study" / "answer.json").write_text(json.dumps({"share": 0.6}))
    assert _status(monkeypatch, before, after, "--expected", "/share") == 0
    (after / "study" / "picture.png").unlink()
    (after / "study" / "SEG.dcm").write_bytes(b"no instance")
    capsys.readouterr()
    assert _status(monkeypatch, before, after) == 1
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line.startswith(("equal", "DIFFERENT"))] == [
        "DIFFERENT study/SEG.dcm",
        "equal     study/SR.dcm",
        "DIFFERENT study/answer.json",
        "DIFFERENT study/picture.png",
    ]


def test_nothing_to_compare_is_no_agreement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as ended:
        _status(monkeypatch, tmp_path, tmp_path)
    assert ended.value.code == 2
