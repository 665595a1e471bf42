"""`firstread demo`: its end, its exit code, and clear errors when it cannot begin."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from database.accounts.kept import password_of
from database.session import open_engine, query
from worklist.access.passwords import is_password

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

FIRSTREAD = Path(sys.executable).parent / "firstread"


def run_demo(
    *arguments: str | Path, path: str | None = None, limit_s: float = 30
) -> subprocess.CompletedProcess[str]:
    """Run the demo as a person would."""
    return subprocess.run(
        [FIRSTREAD, "demo", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=limit_s,
        env={**os.environ, "PATH": path or os.environ["PATH"]},
        check=False,
    )


def test_the_demo_without_orthanc(tmp_path: Path) -> None:
    """With Python alone the demo sends three phantoms, and the last comes out on top: urgent."""
    programs = tmp_path / "bin"  # a machine without Orthanc
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    done = run_demo("--data-folder", tmp_path / "demo", path=str(programs), limit_s=350)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("received", "assembled", "queued", "selected", "decoded", "inferred", "encoded"):
        assert word in done.stdout
    table = done.stdout[done.stdout.index("Worklist") :]
    assert table.index("│ urgent") < table.index("│ suspected") < table.index("│ routine")
    assert "True and measured" in table
    assert "Worklist page: http://127.0.0.1:" in table
    assert _opens_the_page(done.stdout, tmp_path / "demo" / "data")
    stored = list((tmp_path / "demo" / "pacs" / "storage").rglob("*.dcm"))
    modalities = sorted(str(dcmread(path, stop_before_pixels=True).Modality) for path in stored)
    assert modalities == ["OT", "OT", "OT", "SEG", "SEG", "SR", "SR", "SR"]


def test_sigterm_of_the_demo_ends_its_parts(tmp_path: Path) -> None:
    """As `make` passes it on: parts, and what they have in hand, do not outlive it; 20 seconds."""
    demo = subprocess.Popen(
        [FIRSTREAD, "demo", "--data-folder", str(tmp_path / "demo")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert demo.stdout is not None
        said = iter(demo.stdout.readline, "")
        assert any("received" in line for line in said), "it never began"
        assert len(_processes_of(demo.pid)) > 5
        demo.terminate()
        rest = demo.communicate(timeout=60)[0]
        assert demo.returncode == 143, rest
        assert _processes_of(demo.pid) == []
    finally:
        for one in _processes_of(demo.pid):
            os.kill(one, signal.SIGKILL)


def _processes_of(session: int) -> list[int]:
    """Those of one session that run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                facts = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(facts[3]) == session and facts[0] != "Z":  # proc(5): session, state
                found.append(int(entry.name))
    return found


def _opens_the_page(said: str, data_folder: Path) -> bool:
    """Whether the password that was printed is the one of the account that was made."""
    printed = re.search(r"Sign in as demo with the one-time password (\S+) at http://", said)
    engine = open_engine(f"sqlite:///{data_folder / 'firstread.sqlite'}")
    with query(engine) as session:
        kept = password_of(session, "demo")
    assert printed is not None
    assert kept is not None
    return is_password(printed[1], kept.password_hash)


def test_a_study_that_cannot_be_analysed_ends_with_the_reason(
    tmp_path: Path, shared_ct: Path
) -> None:
    """A folder with a fragment of a study: exit code 1, and why."""
    folder = tmp_path / "fragment"
    folder.mkdir()
    for path in sorted((shared_ct / "tiny-64x64").iterdir())[:3]:
        shutil.copy(path, folder)
    done = run_demo("--study", folder, "--data-folder", tmp_path / "demo", limit_s=200)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NoSuitableSeries" in done.stdout


@pytest.mark.parametrize("kind", ["missing", "empty", "no DICOM"])
def test_a_folder_without_dicom_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """Nothing is started for a folder that holds nothing to send."""
    folder = tmp_path / "study"
    if kind != "missing":
        folder.mkdir()
    if kind == "no DICOM":
        (folder / "letter.txt").write_text("Dear colleague")
    done = run_demo("--study", folder, "--data-folder", tmp_path / "demo")
    assert done.returncode == 2
    assert str(folder) in done.stderr
    assert not (tmp_path / "demo").exists()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """When a port was asked for and is taken, the message says which and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_demo("--dicom-port", str(port), "--data-folder", tmp_path / "demo")
    assert done.returncode == 2
    assert str(port) in done.stderr
    assert "--dicom-port" in done.stderr


def test_a_foreign_folder_is_not_emptied(tmp_path: Path) -> None:
    """The demo deletes nothing that it has not made."""
    (tmp_path / "thesis.txt").write_text("years of work")
    done = run_demo("--data-folder", tmp_path)
    assert done.returncode == 2
    assert "--data-folder" in done.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A data folder that cannot be made ends with its name and what to do."""
    (tmp_path / "file").write_text("")
    done = run_demo("--data-folder", tmp_path / "file" / "demo")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
