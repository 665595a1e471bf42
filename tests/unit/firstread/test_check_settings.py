"""`firstread check-settings`: it finds what would stop the first study."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from database.process_signs import process_name, record_sign
from database.session import open_engine, transaction
from firstread.__main__ import app
from firstread.data_folder import served_alone
from tests.builders.dicom.issuer import Issuer
from tests.builders.stored.empty_database import make_tables
from tests.peers.ports import free_port
from tests.peers.seaweedfs import ObjectServer
from tests.peers.terminal import said_at_a_terminal


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose settings are right: a scanner, a PACS, room on the disk, free ports."""
    monkeypatch.chdir(tmp_path)
    pacs = {"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": free_port()}
    for name, value in {
        "DATA_FOLDER": str(tmp_path / "data"),
        "MIN_FREE_BYTES": "0",
        "DICOM_HOST": "127.0.0.1",
        "DICOM_PORT": str(free_port()),
        "WORKLIST_PORT": str(free_port()),
        "PEERS": json.dumps([{**pacs, "roles": ["source", "destination"]}]),
    }.items():
        monkeypatch.setenv(f"FIRSTREAD_{name}", value)
    return tmp_path


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def check(*words: str) -> tuple[int, str]:
    """Exit code, and what is said, on one line."""
    done = CliRunner().invoke(app, ["check-settings", *words], env={"COLUMNS": "300"})
    return done.exit_code, " ".join(done.output.split())


def test_what_was_not_tried_is_said() -> None:
    """Every check has passed, and nobody was asked."""
    code, said = check()
    assert code == 0, said
    assert "Every check passed. No peer and no flag receiver was asked: that is --echo." in said


def test_too_little_room_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every C-STORE would be refused."""
    monkeypatch.setenv("FIRSTREAD_MIN_FREE_BYTES", str(10**18))
    code, said = check()
    assert code == 1
    assert "studies are refused below 1000000000.0 GB (min_free_bytes)" in said


def test_certificates_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ends in three weeks, and a key that belongs to another one."""
    issuer = Issuer.new(tmp_path / "issuer")
    ours = issuer.issue("firstread.hospital", ends=timedelta(days=21))
    tls = {
        "certificate_file": str(ours.certificate),
        "key_file": str(ours.key),
        "ca_file": str(issuer.file),
        "plain_port": free_port(),
    }
    monkeypatch.setenv("FIRSTREAD_DICOM_TLS", json.dumps(tls))
    code, said = check()
    assert code == 0  # nothing is broken yet
    assert "! Certificates and keys" in said
    assert "CN=firstread.hospital expires on" in said
    assert "in 20 days: renew it" in said
    ours.key.write_bytes(issuer.issue("other").key.read_bytes())
    assert "do certificate and key belong together?" in check()[1]


@pytest.mark.parametrize("setting", ["dicom_port", "worklist_port"])
def test_a_port_of_another_program_is_found(
    setting: str, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number and its setting are named."""
    monkeypatch.setenv(f"FIRSTREAD_{setting.upper()}", str(taken))
    code, said = check()
    assert code == 1
    assert f"{setting}: port {taken} is taken by another program" in said


def test_ports_of_a_running_firstread_are_its_own(
    site: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this data folder is served, its ports are not called taken."""
    monkeypatch.setenv("FIRSTREAD_DICOM_PORT", str(taken))
    (site / "data").mkdir()
    with served_alone(site / "data"):
        assert check()[0] == 0
    assert check()[0] == 1


@pytest.mark.parametrize(
    ("process", "silent_s", "code"),
    # Each process of a test run has another name, and the tests that all collect must have one.
    [(process_name, 0, 0), (process_name, 60, 1), (lambda: "another-machine:7", 0, 1)],
    ids=["alive", "silent", "another-machine"],
)
def test_ports_of_parts_that_run_alone_are_their_own(
    site: Path,
    taken: int,
    monkeypatch: pytest.MonkeyPatch,
    process: Callable[[], str],
    silent_s: int,
    code: int,
) -> None:
    """At hospital size nobody serves the folder as a whole: signs of life say whose a port is."""
    monkeypatch.setenv("FIRSTREAD_DICOM_PORT", str(taken))
    (site / "data").mkdir()
    engine = open_engine(f"sqlite:///{site / 'data' / 'firstread.sqlite'}")
    make_tables(engine)
    seen = datetime.now(UTC) - timedelta(seconds=silent_s)
    with transaction(engine) as session:
        record_sign(session, process(), "node", started_at=seen, now=seen)
    engine.dispose()
    assert check()[0] == code


def test_a_flag_receiver_that_is_not_there_is_found(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --echo every receiver is called, of whichever kind, and told nothing."""
    nobody = free_port()
    channels = [
        {"kind": "webhook", "name": "pager", "url": f"http://127.0.0.1:{taken}/hook"},
        {"kind": "webhook", "name": "lost", "url": f"http://127.0.0.1:{nobody}/hook"},
        {"kind": "hl7", "name": "his", "host": "127.0.0.1", "port": nobody},
        {
            "kind": "mail",
            "name": "mail",
            "host": "127.0.0.1",
            "port": nobody,
            "sender": "a@b.example",
            "recipients": ["c@d.example"],
        },
        {"kind": "work-item", "name": "manager", "peer": "pacs"},
    ]
    monkeypatch.setenv("FIRSTREAD_FLAGS", json.dumps(channels))
    assert check()[0] == 0
    code, said = check("--echo")
    assert code == 1
    assert "Peer pacs:" in said
    for name in ("lost", "his", "mail", "manager"):
        assert f"Flag channel {name}: nothing answers at 127.0.0.1" in said
    assert "Flag channel pager" not in said


CHECKS = (
    "Peers and destinations",
    "Data folder, and room on its disk",
    "Object storage",
    "Our ports",
    "Secrets of peers and flag channels",
    "Certificates and keys",
    "Database, and its schema",
    "Worklist page on the network",
    "Links to the worklist page",
    "Bundles, and limits of their rules",
)


def test_the_answer_comes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check by its name, with what it found below it; the settings only where asked for."""
    code, said = check()
    assert code == 0
    assert said.startswith(" ".join(f"✓ {title}" for title in CHECKS) + " Every check passed.")
    monkeypatch.setenv("FIRSTREAD_MIN_FREE_BYTES", str(10**18))
    said = check("--show")[1]
    assert "✗ Data folder, and room on its disk ✗ " in said
    assert "✓ Our ports" in said
    assert "Of 10 checks 1 found something broken, 0 warn." in said
    answer, settings = said.split("Settings in force")
    assert "min_free_bytes │ 1000000000000000000" in settings
    assert "│" not in answer


def test_an_object_storage_is_tried(
    object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Written, read, listed and removed; a bucket that is not there is broken, and no secret is
    shown.
    """
    made = object_server.new_bucket("check-settings")

    def checked(bucket: str) -> str:
        given = made.model_dump(mode="json", exclude={"secret_key"}) | {
            "secret_key": "a-secret-for-tests",
            "bucket": bucket,
        }
        monkeypatch.setenv("FIRSTREAD_OBJECT_STORAGE", json.dumps(given))
        monkeypatch.setenv("FIRSTREAD_DATABASE_URL", f"sqlite:///{tmp_path / 'none.sqlite'}")
        said = check("--show")[1]
        assert "a-secret-for-tests" not in said
        return said

    assert "✓ Object storage" in checked("check-settings")
    assert object_server.names("check-settings") == set()
    said = checked("no-such-bucket")
    assert "✗ Object storage" in said
    assert "look at endpoint, bucket, keys and rights of object_storage" in said


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a web address only where it leads; of a secret only that there is one."""
    channel = {"kind": "webhook", "name": "pager", "url": "https://pager.example/hook?t=hush"}
    monkeypatch.setenv("FIRSTREAD_FLAGS", json.dumps([channel]))
    said = check("--show")[1]
    assert "flags.pager.url │ https://pager.example/…" in said
    assert "hush" not in said


def test_the_answer_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a script: one object, with a level for each check and for all."""
    monkeypatch.setenv("FIRSTREAD_PEERS", "[]")
    done = CliRunner().invoke(app, ["check-settings", "--json"])
    said = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (said["status"], said["asked"]) == ("broken", False)
    levels = {one["name"]: one["level"] for one in said["checks"]}
    assert levels["peers"] == "broken"
    assert levels["ports"] == "fine"
    assert said["checks"][0]["found"][0]["message"].startswith("No peer is configured")
    assert "settings" not in said
    done = CliRunner().invoke(app, ["check-settings", "--json", "--show"])
    assert json.loads(done.stdout)["settings"]["ae_title"] == "FIRSTREAD"


PAGER = {"kind": "webhook", "name": "pager", "url": "https://pager.example/hook"}
RIS = {"kind": "hl7", "name": "ris", "host": "ris.example", "port": 2575}


@pytest.mark.parametrize(
    ("channels", "flagging", "warned"),
    [
        ([RIS, PAGER], {}, "ris, pager"),
        ([RIS], {"page_url": "http://localhost:8470"}, "ris"),
        ([RIS], {"page_url": "https://ct.example"}, ""),
        ([RIS | {"link_type": "none"}], {}, ""),
        ([{"kind": "work-item", "name": "manager", "peer": "pacs"}], {}, ""),
    ],
)
def test_links_that_nobody_else_can_open_are_found(
    channels: list[dict[str, object]],
    flagging: dict[str, str],
    warned: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A link to loopback works on no reader's machine; the setting is named."""
    monkeypatch.setenv("FIRSTREAD_FLAGS", json.dumps(channels))
    monkeypatch.setenv("FIRSTREAD_FLAGGING", json.dumps(flagging))
    code, said = check()
    assert code == 0  # a warning stops nothing
    assert ("! Links to the worklist page" in said) is bool(warned)
    assert (f"({warned})" in said and "set flagging.page_url" in said) is bool(warned)


def test_brackets_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be written into the settings file stands there as it is to be written."""
    monkeypatch.setenv("FIRSTREAD_PEERS", "[]")
    code, said = check()
    assert code == 1
    assert "under [[peers]] in firstread.toml" in said
    assert 'roles = ["source", "destination"]' in said


def test_a_terminal_shows_no_log_event() -> None:
    """What a library logs of a destination that is away does not stand among the sentences."""
    said = said_at_a_terminal([sys.executable, "-m", "firstread", "check-settings", "--echo"])
    assert "Destinations and flag receivers answer" in said
    assert "pacs" in said
    assert '{"' not in said
