"""The server: one port, clear refusals, and an end that waits for no browser."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from database.session import open_engine
from radiology.errors import SettingsRefused
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables
from tests.peers.ports import free_port
from tests.peers.process import ServerProcess
from worklist.page.templates import make_templates
from worklist.server import open_socket


def _settings(port: int, host: str = "127.0.0.1") -> Settings:
    return Settings(worklist_host=host, worklist_port=port)


def test_taken_port_is_named_with_its_setting() -> None:
    """Somebody else's port is a refusal that says which setting to change."""
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(SettingsRefused, match="FIRSTREAD_WORKLIST_PORT"),
    ):
        open_socket(_settings(other.getsockname()[1]), anybody_has_an_account=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "ct-ai.hospital"])
def test_not_shown_to_the_network(host: str) -> None:
    """What is not encrypted is not served to other machines."""
    with pytest.raises(SettingsRefused, match="unencrypted: set certificate and key"):
        open_socket(_settings(free_port(), host), anybody_has_an_account=True)


def test_container_may_vouch_for_its_port() -> None:
    """Inside a container, whose port is published on loopback, any address may be used."""
    with open_socket(
        _settings(free_port(), "0.0.0.0"), anybody_has_an_account=False, published_on_loopback=True
    ) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"


def test_address_that_is_not_here() -> None:
    """An address that this machine has not got is a refusal, not a trace."""
    with pytest.raises(SettingsRefused, match="cannot be used"):
        open_socket(
            _settings(free_port(), "203.0.113.9"),
            anybody_has_an_account=False,
            published_on_loopback=True,
        )


def _environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "FIRSTREAD_DATA_FOLDER": str(folder),
        "FIRSTREAD_WORKLIST_PORT": str(port),
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
    }


@pytest.fixture
def running_page(tmp_path: Path) -> Iterator[tuple[ServerProcess, str]]:
    """Give `python -m worklist` as a process of its own, and its address."""
    settings = Settings(data_folder=tmp_path, database_url=None)
    engine = open_engine(settings.database_address)
    make_tables(engine)
    engine.dispose()
    port = free_port()
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{address}/health/page").status_code == 200
        except httpx.TransportError:
            return False

    with ServerProcess(
        "worklist",
        [sys.executable, "-m", "worklist"],
        folder=tmp_path,
        environment=_environment(tmp_path, port),
    ) as process:
        process.wait_until_ready(answers)
        yield process, address


def test_open_streams_do_not_keep_it_from_stopping(
    running_page: tuple[ServerProcess, str],
) -> None:
    """Told to stop, the page stops at once, though browsers still listen."""
    process, address = running_page
    with httpx.Client() as client, client.stream("GET", f"{address}/live/worklist") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        while not next(lines).startswith("event: parts"):
            pass
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        for _ in lines:  # to its end, which the server brings about
            pass
        process.process.wait(timeout=5)
    assert time.monotonic() - began < 2.5
    assert "Traceback" not in process.log()


_LOOK = """
import gc
from worklist import __main__ as page, server
from worklist.page.templates import make_templates

class Look(server.StreamEndingServer):
    def run(self, sockets=None):
        print(len(gc.get_objects()), len(make_templates().cache))

server.StreamEndingServer = Look
page.main()
"""


def test_no_collection_looks_through_the_program(tmp_path: Path) -> None:
    """Code, tables and templates are 200,000 objects, in whose collection a reader would wait for
    0.1 to 0.3 s: when the first reader comes, nothing of it is left to collect. Takes 3 s."""
    engine = open_engine(Settings(data_folder=tmp_path, database_url=None).database_address)
    make_tables(engine)
    engine.dispose()
    ended = subprocess.run(
        [sys.executable, "-c", _LOOK],
        env={**os.environ, **_environment(tmp_path, free_port())},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (counted,) = [line for line in ended.stdout.splitlines() if re.fullmatch(r"\d+ \d+", line)]
    collectable, templates = map(int, counted.split())
    assert collectable < 2000
    assert templates == len(make_templates().list_templates())


def _start_in_vain(folder: Path, environment: dict[str, str], *, code: int = 2) -> str:
    """Run `python -m worklist` where it cannot start; gives what it says."""
    ended = subprocess.run(
        [sys.executable, "-m", "worklist"],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_second_page_on_the_same_port(
    running_page: tuple[ServerProcess, str], tmp_path: Path
) -> None:
    """A second page says in one line why it does not start, and ends with an exit code."""
    _, address = running_page
    said = _start_in_vain(tmp_path, _environment(tmp_path, int(address.rsplit(":", 1)[1])))
    assert "taken by another program" in said


def test_page_without_its_database(tmp_path: Path) -> None:
    """A page whose database cannot be opened says so in one line of the log."""
    # 1: not the settings' fault, so whoever supervises it may try again.
    said = _start_in_vain(tmp_path, _environment(tmp_path / "nowhere", free_port()), code=1)
    event = json.loads(said)
    assert (event["error_kind"], event["message"]) == (
        "DatabaseUnavailable",
        "The database does not answer.",
    )


def test_hangs_up_on_the_wrong_host(running_page: tuple[ServerProcess, str]) -> None:
    """The real server refuses a foreign Host header too."""
    _, address = running_page
    answer = httpx.get(f"{address}/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "server" not in answer.headers
