"""The real server where people sign in: encrypted, and streams that end with their session."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from database.accounts.kept import disable_account, set_role
from database.accounts.reader_sessions import end_session
from database.session import Engine, open_engine, transaction
from radiology.errors import SettingsRefused
from settings.environment import Settings
from settings.page.sign_in import Role
from settings.page.worklist_network import WorklistNetwork
from tests.builders.dicom.certificates import Certificate, write_certificate
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.readers import SESSION_COOKIE, signed_in_reader
from tests.peers.ports import free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY
from worklist.server import needs_sign_in, open_socket


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Give the database of the page."""
    engine = open_engine(Settings(data_folder=tmp_path).database_address)
    make_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """Give a certificate for localhost."""
    return write_certificate(tmp_path)


@contextmanager
def _running(folder: Path, **settings: str) -> Iterator[ServerProcess]:
    port = int(settings["WORKLIST_PORT"])
    environment = {f"FIRSTREAD_{name}": value for name, value in settings.items()}
    environment |= {"FIRSTREAD_DATA_FOLDER": str(folder), "PYTHONPATH": str(REPOSITORY)}

    def answers() -> bool:
        scheme = "https" if "WORKLIST_NETWORK" in settings else "http"
        try:
            address = f"{scheme}://127.0.0.1:{port}/health/page"
            return httpx.get(address, verify=_trusting_all()).status_code == 200
        except httpx.TransportError:
            return False

    command = [sys.executable, "-m", "worklist"]
    with ServerProcess("worklist", command, folder=folder, environment=environment) as process:
        process.wait_until_ready(answers)
        yield process


def _trusting_all() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _connect(port: int, trust: ssl.SSLContext) -> None:
    """A new connection, whose certificate must be one that is trusted."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        trust.wrap_socket(plain, server_hostname="127.0.0.1").close()


def test_the_page_speaks_tls_itself(
    tmp_path: Path, engine: Engine, certificate: Certificate
) -> None:
    """On every interface, under its name, encrypted, and only after signing in."""
    token = signed_in_reader(engine, "reader", Role.READER)
    port = free_port()
    network = WorklistNetwork(
        names=("worklist.hospital",), certificate=certificate.certificate, key=certificate.key
    )
    running = _running(
        tmp_path,
        WORKLIST_HOST="0.0.0.0",
        WORKLIST_PORT=str(port),
        WORKLIST_NETWORK=network.model_dump_json(),
    )
    trust = ssl.create_default_context(cafile=certificate.certificate)
    with running, httpx.Client(verify=trust, base_url=f"https://127.0.0.1:{port}") as client:
        named = {"Host": "worklist.hospital", "Accept": "text/html"}
        assert client.get("/", headers=named).headers["location"] == "/sign-in"
        cookie = {"Cookie": f"__Host-{SESSION_COOKIE}={token}"}
        assert client.get("/", headers=named | cookie).status_code == 200
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/")
        renewed = write_certificate(_empty(tmp_path / "renewed"))
        certificate.key.write_bytes(renewed.key.read_bytes())  # half of it: the old one stays
        with pytest.raises(ssl.SSLCertVerificationError):
            _connect(port, ssl.create_default_context(cafile=renewed.certificate))
        _connect(port, trust)
        certificate.certificate.write_bytes(renewed.certificate.read_bytes())
        _connect(port, ssl.create_default_context(cafile=renewed.certificate))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, str]]:
    """Give the database of a page with an account, and the page's live list."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    engine = open_engine(Settings(data_folder=folder).database_address)
    make_tables(engine)
    signed_in_reader(engine, "administrator", Role.ADMINISTRATOR)
    with _running(folder, WORKLIST_PORT=str(port)):
        yield engine, f"http://127.0.0.1:{port}/live/worklist"
    engine.dispose()


@pytest.mark.parametrize("end", ["signed out", "disabled", "another role"])
def test_a_live_stream_ends_with_its_session(served: tuple[Engine, str], end: str) -> None:
    """A page that is open elsewhere shows nothing more once its session has ended."""
    engine, live = served
    reader = f"reader.{end.replace(' ', '.')}"
    token = signed_in_reader(engine, reader, Role.READER)
    with (
        httpx.Client(cookies={SESSION_COOKIE: token}, timeout=30) as client,
        client.stream("GET", live) as answer,
    ):
        lines = answer.iter_lines()
        while not next(lines).startswith("event: parts"):
            pass
        now = datetime.now(UTC)
        with transaction(engine) as session:
            if end == "signed out":
                end_session(session, token, now)
            elif end == "disabled":
                disable_account(session, reader, now)
            else:
                set_role(session, reader, Role.ADMINISTRATOR)
        rest = [line for line in lines if line.startswith("event: ")]
    assert rest[-1] == "event: signed-out"


def test_a_live_stream_ends_with_the_first_account(tmp_path: Path, engine: Engine) -> None:
    """Where nobody had to sign in, a page that is open has to from the first account on."""
    port = free_port()
    with (
        _running(tmp_path, WORKLIST_PORT=str(port)),
        httpx.Client(timeout=30) as client,
        client.stream("GET", f"http://127.0.0.1:{port}/live/worklist") as answer,
    ):
        lines = answer.iter_lines()
        while not next(lines).startswith("event: parts"):
            pass
        signed_in_reader(engine, "reader", Role.READER)
        rest = [line for line in lines if line.startswith("event: ")]
    assert rest[-1] == "event: signed-out"


def test_a_live_stream_without_a_session(served: tuple[Engine, str]) -> None:
    """A browser that asks for a stream without being signed in is told so, and nothing else."""
    answer = httpx.get(served[1])
    assert answer.text == "event: signed-out\ndata: {}\n\n"


def _network(**entries: Any) -> Settings:
    host = entries.pop("host", "0.0.0.0")
    network = WorklistNetwork.model_validate(entries)
    return Settings(worklist_host=host, worklist_port=free_port(), worklist_network=network)


def test_no_answer_waits_for_an_acknowledgement() -> None:
    """RFC 896 would hold the second segment of an answer back, and RFC 1122 its acknowledgement."""
    settings = _network(host="127.0.0.1")
    with (
        open_socket(settings, anybody_has_an_account=False) as listener,
        socket.create_connection(("127.0.0.1", settings.worklist_port)),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("entries", "anybody", "said"),
    [
        ({}, True, "unencrypted"),
        ({"names": ["w"]}, True, "unencrypted"),
        ({"names": ["w"], "behind_proxy": ["10.0.0.1"]}, False, "firstread users add"),
        ({"host": "127.0.0.1", "names": ["w"], "behind_proxy": ["::1"]}, False, "users add"),
        ({"host": "127.0.0.1", "names": ["w"]}, False, "users add"),
        ({"names": ["w"], "certificate": "a", "key": "b"}, True, "cannot be used together"),
    ],
)
def test_what_must_be_set_before_others_can_see_it(
    entries: dict[str, Any], anybody: bool, said: str
) -> None:
    """The page does not start on a network unencrypted, or with nobody who could sign in."""
    with pytest.raises(SettingsRefused, match=said):
        open_socket(_network(**entries), anybody_has_an_account=anybody)


def test_a_certificate_without_a_name(certificate: Certificate) -> None:
    """Without a name the page would answer to nobody."""
    files = {"certificate": certificate.certificate, "key": certificate.key}
    with pytest.raises(SettingsRefused, match="set names of worklist_network"):
        open_socket(_network(**files), anybody_has_an_account=True)


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    """Nobody is there to type it."""
    files = write_certificate(tmp_path, passphrase="word")
    settings = _network(names=["w"], certificate=files.certificate, key=files.key)
    with pytest.raises(SettingsRefused, match="without a passphrase"):
        open_socket(settings, anybody_has_an_account=True)


@pytest.mark.parametrize(
    ("settings", "published", "needed"),
    [
        (Settings(), False, False),
        (Settings(worklist_host="0.0.0.0"), False, True),
        (Settings(worklist_host="0.0.0.0"), True, False),
        (Settings(worklist_network=WorklistNetwork(names=("w",))), False, True),
    ],
)
def test_where_sign_in_is_needed_without_accounts(
    settings: Settings, published: bool, needed: bool
) -> None:
    """Only a page that this machine alone can reach may be seen without signing in."""
    assert needs_sign_in(settings, published_on_loopback=published) is needed


def test_the_refusal_is_one_line(tmp_path: Path, engine: Engine) -> None:
    """Started on a network as it stands, the program says what to set and ends."""
    ended = subprocess.run(
        [sys.executable, "-m", "worklist"],
        env={
            **os.environ,
            "FIRSTREAD_DATA_FOLDER": str(tmp_path),
            "FIRSTREAD_WORKLIST_HOST": "0.0.0.0",
            "FIRSTREAD_WORKLIST_PORT": str(free_port()),
            "PYTHONPATH": str(REPOSITORY),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    event = json.loads(ended.stderr)  # one line of the log
    assert event["error_kind"] == "SettingsRefused"
    assert event["message"].startswith("The worklist page would be shown")
