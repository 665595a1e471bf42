"""A whole small hospital on one machine: PACS, node, workers and page, for demo and benchmark."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from database.events import EventRow, events_after
from database.session import Engine, open_engine, query
from dicom_node.request.verification import verify_peer
from firstread.demo.pacs import Pacs, free_port, running_pacs
from firstread.serve.supervisor import Supervisor, running
from radiology.errors import FirstreadError, Refused, SettingsRefused, Unavailable
from settings.environment import PREFIX, Settings, read_settings
from settings.peers import Peer, PeerRole
from settings.served_process import ServedProcess

_MARK = ".firstread-demo"  # only a folder that carries it is ever emptied
_START_LIMIT_S = 90.0
_POLL_S = 0.05
SCANNER_AE_TITLE = "SCANNER"


class DemoFailed(Refused):
    """The demo did not reach its end."""


@dataclass(frozen=True)
class Ports:
    """Where the stage listens; 0 takes any free port."""

    dicom: int = 0
    worklist: int = 0


@dataclass(frozen=True)
class Stage:
    """What is running."""

    settings: Settings
    engine: Engine
    pacs: Pacs
    supervisor: Supervisor
    log: Path

    @property
    def page(self) -> str:
        """The worklist page's address."""
        return f"http://{self.settings.worklist_host}:{self.settings.worklist_port}/"

    def follow(self, done: Callable[[], bool], limit_s: float) -> Iterator[EventRow]:
        """Yield events as they happen until `done`.

        Raises
        ------
        DemoFailed
            It took longer than the limit.
        """
        last = 0
        for _ in self._looks(done, limit_s, _POLL_S):
            with query(self.engine) as session:
                found = events_after(session, last)
            for event in found:
                last = event.event_id
                yield event

    def wait(self, done: Callable[[], bool], limit_s: float, *, poll_s: float = _POLL_S) -> None:
        """Wait until `done`, which is asked every `poll_s` seconds.

        Raises
        ------
        DemoFailed
            It took longer than the limit.
        """
        for _ in self._looks(done, limit_s, poll_s):
            pass

    def _looks(self, done: Callable[[], bool], limit_s: float, poll_s: float) -> Iterator[None]:
        """The moments to look at something; the last one is after `done`, so that none is missed.

        A part that died meanwhile is started again.
        """
        deadline = time.monotonic() + limit_s
        while True:
            finished = done()
            self.supervisor.restart_dead()
            yield
            if finished:
                return
            if time.monotonic() > deadline:
                raise DemoFailed(f"Nothing more happened; see {self.log}", limit_s=limit_s)
            time.sleep(poll_s)  # neither the database nor a page can wake us


@contextlib.contextmanager
def set_up_stage(
    folder: Path,
    ports: Ports,
    *,
    say: Callable[[str], None],
    more_settings: dict[str, str] | None = None,
    more_peers: Sequence[Peer] = (),
) -> Iterator[Stage]:
    """Start everything in a folder that is emptied first; stop it at the end of the block.

    Parameters
    ----------
    more_settings : environment variables, for instance of the hospital size
    more_peers : besides the scanner and the PACS
    say : told each step

    Raises
    ------
    SettingsRefused
        The folder is not ours or cannot be written, or a port is taken.
    DemoFailed
        A part did not come up.
    """
    _empty(folder)
    dicom_port = _port(ports.dicom, "--dicom-port")
    worklist_port = _port(ports.worklist, "--worklist-port")
    with running_pacs(folder / "pacs", our_ae_title="FIRSTREAD", our_port=dicom_port) as pacs:
        say(f"PACS: {pacs.name}, AE title {pacs.peer.ae_title}, port {pacs.peer.port}")
        given = _variables(folder, dicom_port, worklist_port, (pacs.peer, *more_peers)) | (
            more_settings or {}
        )
        clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        settings = _settings_of(given)
        log = folder / "firstread.log"
        with running(settings, clean | given, log=log, say=say) as supervisor:
            engine = open_engine(settings.database_address)
            stage = Stage(settings, engine, pacs, supervisor, log)
            _wait_until_up(stage)
            say(f"Firstread: AE title {settings.ae_title}, port {dicom_port}; page {stage.page}")
            yield stage
            engine.dispose()


def _empty(folder: Path) -> None:
    try:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).exists():
            raise SettingsRefused(
                f"The folder {folder} is not empty and was not made by the demo; "
                "choose another with --data-folder"
            )
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise SettingsRefused(
            f"The folder {folder} cannot be written ({error.strerror}); "
            "choose another with --data-folder"
        ) from error


def _port(wanted: int, option: str) -> int:
    if wanted == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise SettingsRefused(
                f"Port {wanted} is taken; choose another with {option}, or 0 for any free one"
            ) from error
    return wanted


def _variables(
    folder: Path, dicom_port: int, worklist_port: int, others: Sequence[Peer]
) -> dict[str, str]:
    scanner = Peer.model_validate({"name": "scanner", "ae_title": SCANNER_AE_TITLE})
    peers = [json.loads(peer.model_dump_json(exclude_unset=True)) for peer in (scanner, *others)]
    return {
        PREFIX + "DATA_FOLDER": str(folder / "data"),
        PREFIX + "DICOM_HOST": "127.0.0.1",
        PREFIX + "DICOM_PORT": str(dicom_port),
        PREFIX + "WORKLIST_PORT": str(worklist_port),
        PREFIX + "MIN_FREE_BYTES": "500000000",
        PREFIX + "PEERS": json.dumps(peers),
    }


def _settings_of(variables: dict[str, str]) -> Settings:
    """The settings as the children will read them, so that the two cannot differ."""
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(PREFIX)}
    os.environ.update(variables)
    try:
        return read_settings()
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def _wait_until_up(stage: Stage) -> None:
    settings = stage.settings
    node = Peer.model_validate(
        {
            "name": "node",
            "ae_title": settings.ae_title,
            "host": "127.0.0.1",
            "port": settings.dicom_port,
            "roles": [PeerRole.DESTINATION],
        }
    )
    _wait(stage, "DICOM node", lambda: _answers(node))
    _wait(stage, "PACS", lambda: _answers(stage.pacs.peer))
    _wait(stage, "worklist page", lambda: _page_answers(stage.page))


def _answers(peer: Peer) -> bool:
    try:
        verify_peer(peer, calling_ae_title=SCANNER_AE_TITLE, timeout_s=2.0)
    except Unavailable:
        return False
    return True


def _page_answers(page: str) -> bool:
    try:
        return httpx.get(f"{page}health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _wait(stage: Stage, what: str, up: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    deaths: dict[ServedProcess, int] = {}
    while True:
        try:
            if up():
                return
        except FirstreadError as error:
            raise DemoFailed(f"The {what} refuses us: {error}") from error
        for part in stage.supervisor.restart_dead():
            deaths[part] = deaths.get(part, 0) + 1
            if deaths[part] > 2:
                raise DemoFailed(f"{part.value} does not start; see {stage.log}")
        if time.monotonic() > deadline:
            raise DemoFailed(f"The {what} does not answer; see {stage.log}")
        time.sleep(_POLL_S)  # nobody tells us that a server is up
