"""`firstread encode`: the objects of a study as files, as a destination would get them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from phantom import Phantom
from phantom.study import write_phantom_study
from tests.peers.programs import REPOSITORY


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, phantom: Phantom) -> Path:
    folder = tmp_path_factory.mktemp("encode") / "study"
    write_phantom_study(phantom, folder)
    return folder


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firstread", "encode", *arguments]
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=REPOSITORY, check=False
    )


def written(*arguments: object) -> dict[str, Any]:
    ended = run(*arguments)
    assert ended.returncode == 0, ended.stderr
    (line,) = ended.stdout.splitlines()
    answer: dict[str, Any] = json.loads(line)
    return answer


def test_the_objects_of_a_profile_are_written_and_listed(
    study: Path, bundles: Path, tmp_path: Path
) -> None:
    """One JSON object on standard output; each file is the instance that it says."""
    answer = written(
        study, "--bundles", bundles, "--profile", "machine", "--segmentation", "labelmap-rle",
        "--segments", "lesions", "--most-tracked-lesions", "2", "--encapsulated-pdf",
        "--to", tmp_path / "new" / "folder",
    )  # fmt: skip
    assert answer["outcome"] == "findings"
    recipes = {one["recipe"].partition(":")[0] for one in answer["objects"]}
    assert recipes == {"SR", "SC", "PDF", "SEG"}
    (source, *_) = (dcmread(path, stop_before_pixels=True) for path in study.rglob("*.dcm"))
    for one in answer["objects"]:
        path = Path(one["file"])
        stored = dcmread(path)
        assert one["size_bytes"] == path.stat().st_size
        assert one["sop_instance_uid"] == stored.SOPInstanceUID
        assert one["transfer_syntax_uid"] == stored.file_meta.TransferSyntaxUID
        assert stored.StudyInstanceUID == source.StudyInstanceUID
    assert len(list((tmp_path / "new" / "folder").iterdir())) == len(answer["objects"])
    assert str(source.PatientName) not in json.dumps(answer)


def test_written_again_the_objects_are_the_same_instances(
    study: Path, bundles: Path, tmp_path: Path
) -> None:
    """UIDs follow from the study and the bundle, wherever and whenever they are written."""
    once, again = (
        written(study, "--bundles", bundles, "--profile", "legacy", "--to", tmp_path / name)
        for name in ("once", "again")
    )
    (here,), (there,) = once["objects"], again["objects"]
    assert here["recipe"] == "SC"
    assert here["sop_instance_uid"] == there["sop_instance_uid"]


def test_options_that_contradict_each_other_are_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    """The same words as in the settings, and exit status 2."""
    ended = run(
        tmp_path / "absent", "--profile", "legacy", "--segments", "all", "--to", tmp_path / "to"
    )
    assert ended.returncode == 2
    assert "the profile legacy has none" in ended.stderr
    assert ended.stdout == ""
    assert not (tmp_path / "to").exists()


def test_a_folder_without_a_study_is_refused(bundles: Path, tmp_path: Path) -> None:
    """One line that says what is wrong, no trace."""
    ended = run(tmp_path / "absent", "--bundles", bundles, "--to", tmp_path)
    assert ended.returncode == 2
    assert "There is no folder" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_has_an_example() -> None:
    """Whoever asks for help gets a line to copy."""
    ended = run("--help")
    assert "firstread encode chest-ct/ --to results/" in ended.stdout
