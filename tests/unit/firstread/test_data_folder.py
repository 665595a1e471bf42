"""The data folder: found, made, closed to others, and served once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firstread.__main__ import app
from firstread.checks.start import say_start, start_warnings
from firstread.data_folder import make_data_folder, open_database, served_alone, server_of
from radiology.errors import SettingsRefused
from settings.environment import Settings, read_settings
from tests.peers.ports import free_port

PEER = """[[peers]]
name = "ct"
ae_title = "CT1"
host = "10.0.0.21"
port = 104
roles = ["source"]
"""


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """What the tests make is made as before afterwards, and at first open to everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_command_in_the_wrong_folder_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that a database does not answer: where none is, and how to name the right one."""
    monkeypatch.chdir(tmp_path)
    for words in (
        ["jobs"],
        ["flags", "list"],
        ["users", "list"],
        ["status"],
        ["audit"],
        ["scorecard"],
        ["users", "add", "chief"],
        ["db", "upgrade"],
    ):
        done = CliRunner().invoke(app, words, input="a long enough password\n")
        said = " ".join(done.output.split())
        assert done.exit_code == 2, words
        assert f"{tmp_path}/firstread-data/firstread.sqlite" in said
        assert "FIRSTREAD_DATA_FOLDER" in said
        assert "does not answer" not in said
    assert not any(tmp_path.iterdir()), "looking makes nothing"


def test_who_only_looks_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check-settings` and the doctor say that nothing is here, and leave nothing behind."""
    monkeypatch.chdir(tmp_path)
    for words in (["check-settings"], ["doctor", "--no-send-phantom", "--no-tell-flags"]):
        said = " ".join(CliRunner().invoke(app, words, env={"COLUMNS": "400"}).output.split())
        assert f"there is no data folder at {tmp_path}/firstread-data" in said, words
        assert "FIRSTREAD_SETTINGS_FILE" in said
        assert not any(tmp_path.iterdir()), words


def test_a_restore_in_the_wrong_folder_fills_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it read a long archive first; with the place named it goes on to the archive."""
    here, archive = tmp_path / "here", tmp_path / "archive.tar"
    here.mkdir()
    archive.write_bytes(b"no archive")
    monkeypatch.chdir(here)
    words = ["restore", str(archive)]
    done = CliRunner().invoke(app, words)
    said = " ".join(done.output.split())
    assert done.exit_code == 2, said
    assert "Nothing says where to restore to" in said
    assert f"{here}/firstread-data/firstread.sqlite" in said
    assert "FIRSTREAD_DATA_FOLDER" in said
    assert not any(here.iterdir())
    (here / "firstread.toml").write_text("")
    said = CliRunner().invoke(app, words).output
    assert "archive" in said
    assert "where to restore" not in said


def test_an_account_can_be_made_before_the_first_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page on the network does not start without one: it must be possible to begin with it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "firstread.toml").write_text('worklist_host = "127.0.0.1"\n')
    words = ["users", "add", "chief", "--role", "administrator"]
    done = CliRunner().invoke(app, words, input="a long enough password\n")
    assert done.exit_code == 0, done.output
    assert "chief" in CliRunner().invoke(app, ["users", "list"]).output


def test_what_is_made_is_closed_to_others(tmp_path: Path) -> None:
    """Neither the folder nor the database can be read by whoever has an account on the machine."""
    settings = Settings(data_folder=tmp_path / "data")
    open_database(settings, make=True).dispose()
    for path in (settings.data_folder, settings.sqlite_file):
        assert path.stat().st_mode & 0o007 == 0, path


def test_a_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    """That of an earlier version; what its group may do stays as the site has set it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    make_data_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o750


def test_a_second_firstread_is_refused(tmp_path: Path) -> None:
    """The lock names the process that has it, and goes with it."""
    assert server_of(tmp_path) is None
    with served_alone(tmp_path):
        assert server_of(tmp_path) == os.getpid()
        with (
            pytest.raises(SettingsRefused, match=f"stop it.*process={os.getpid()}"),
            served_alone(tmp_path),
        ):
            pass
    with served_alone(tmp_path):
        pass


def served(folder: Path, **settings: object) -> subprocess.Popen[str]:
    names = {f"FIRSTREAD_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "firstread", "serve"],
        env=os.environ | {"FIRSTREAD_DATA_FOLDER": str(folder)} | names,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_a_port_that_is_taken_ends_serve(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """It says which, and does not start the node again and again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = served(
            tmp_path, dicom_host="127.0.0.1", dicom_port=port, worklist_port=free_port()
        )
        request.addfinalizer(process.kill)
        said, _ = process.communicate(timeout=240)
    assert process.returncode == 2, said
    assert "is the port taken" in said
    assert "Part node cannot run as it is set up" in " ".join(said.split())
    assert said.count("node_not_started") == 1
    events = {one["event"]: one for one in map(_event, said.splitlines()) if one}
    starting = events["starting"]
    assert (starting["settings_file"], starting["data_folder"]) == (None, str(tmp_path))
    assert "serving" not in events, "it never answered"
    assert "[[peers]]" in events["no_peer"]["message"]


def _event(line: str) -> dict[str, Any]:
    return json.loads(line) if line.startswith("{") else {}


@pytest.mark.parametrize(
    ("written", "variables", "names"),
    [
        (None, {}, ["no_settings_file", "no_peer"]),
        (None, {"FIRSTREAD_DATA_FOLDER": "here"}, ["no_peer"]),
        ("", {}, ["no_peer"]),
        ("accept_any_peer = true", {}, []),
        (PEER, {}, []),
        (PEER.replace("source", "destination"), {}, ["no_peer"]),
    ],
)
def test_serve_warns_of_what_was_left_out(
    written: str | None,
    variables: dict[str, str],
    names: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Started in another folder than the settings file's, it would take nothing from anybody."""
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if written is not None:
        (tmp_path / "firstread.toml").write_text(written)
    assert [name for name, _ in start_warnings(read_settings())] == names


def test_serve_says_where_it_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the log is a file, sentences on standard error name both places."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "firstread.toml").write_text('log_file = "log"')
    say_start(read_settings())
    said = capsys.readouterr().err
    assert f"Settings file: {tmp_path}/firstread.toml" in said
    assert f"data folder: {tmp_path}/firstread-data" in said
    assert "! No peer may send studies" in said
