"""A small site around the embedded Firstread, whose day leaves rows of every table behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import httpx
from hl7.client import MLLPClient
from pydicom.uid import SegmentationStorage

from database.session import Engine, open_engine
from dicom_node.request.c_store import send_instances
from settings.peers import Peer
from tests.builders.stored.readers import PASSWORD
from tests.peers.dicom.committing_pacs import Answers, running_committing_pacs
from tests.peers.dicom.orthanc import OrthancPeer, start_orthanc
from tests.peers.dicom.work_item_manager import running_manager
from tests.peers.firstreads.embedded import Embedded, running_embedded
from tests.peers.firstreads.hospital import native_command
from tests.peers.flag_receivers import answers_with, running_mail_receiver, running_web_receiver
from tests.peers.hl7_listener import Behaviour, hl7_listener
from tests.peers.ports import free_port

READER_AE_TITLE = "READER"
UNREACHABLE = "backup"
"""The destination at which nobody answers."""

_SCANNER = "SCANNER"
_START_LIMIT_S = 300.0
_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Site:
    """Firstread as one command starts it, and what a person or a system can do to it."""

    firstread: Embedded
    engine: Engine
    pacs: OrthancPeer
    hl7_port: int
    environment: Mapping[str, str]

    def send(self, files: Sequence[Path]) -> None:
        """Send images by C-STORE, as the scanner does; refusals are answers too."""
        node = Peer.model_validate(
            {
                "name": "node",
                "ae_title": self.firstread.ae_title,
                "host": "127.0.0.1",
                "port": self.firstread.dicom_port,
            }
        )
        send_instances(files, node, calling_ae_title=_SCANNER, timeout_s=60.0)

    def say(self, *messages: bytes) -> None:
        """Send HL7 messages, as RIS and laboratory do."""
        with MLLPClient("127.0.0.1", self.hl7_port) as client:
            for message in messages:
                client.send_message(message)

    def run(self, *arguments: str) -> None:
        """Run a command of Firstread at the site."""
        subprocess.run(
            native_command(("firstread", *arguments)),
            env={**os.environ, **self.environment},
            check=True,
            capture_output=True,
        )


class Browser:
    """Somebody with a browser at the worklist page."""

    def __init__(self, site: Site) -> None:
        self._client = httpx.Client(
            base_url=site.firstread.worklist_url, headers=_ORIGIN, timeout=60.0, trust_env=False
        )

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def sign_in(self, name: str) -> None:
        """Fill in the sign-in page and send it."""
        self.press("/sign-in", "/sign-in", name=name, password=PASSWORD)

    def fail_to_sign_in(self, name: str) -> None:
        """The same with another password."""
        fields = {"name": name, "password": "a password that nobody has"}
        self._post("/sign-in", "/sign-in", fields)

    def open(self, address: str) -> str:
        """Open an address; gives the page."""
        return self._client.get(address).raise_for_status().text

    def follow(self, address: str) -> None:
        """Follow the changes of a screen until the first one came."""
        with self._client.stream("GET", address) as stream:
            next(line for line in stream.iter_lines() if line.startswith("data:"))

    def press(self, page: str, action: str, **fields: str | list[str]) -> None:
        """Fill in a form on a page and send it.

        Raises
        ------
        LookupError
            The page leads nowhere: it has refused the form.
        """
        answer = self._post(page, action, fields)
        if not answer.has_redirect_location:
            raise LookupError(f"{action} was answered {answer.status_code}: {answer.text}")

    def upload(self, *contents: bytes) -> None:
        """Give the page files to look at."""
        files = [("files", ("file", content)) for content in contents]
        hidden = self._hidden("/upload", "/uploads")
        self._client.post("/uploads", data=hidden, files=files)

    def _post(
        self, page: str, action: str, fields: Mapping[str, str | list[str]]
    ) -> httpx.Response:
        return self._client.post(action, data={**self._hidden(page, action), **fields})

    def _hidden(self, page: str, action: str) -> dict[str, str]:
        forms = re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', self.open(page), re.S)
        body = next(body for found, body in forms if unescape(found) == action)
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', body)
        return {name: unescape(value) for name, value in hidden}


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Start it in an empty folder, with a PACS, an archive and whoever is told of flags."""
    for name in ("pacs", "firstread"):
        (folder / name).mkdir(parents=True)
    with ExitStack() as stack:
        pacs = start_orthanc(folder / "pacs")
        stack.callback(pacs.process.stop)
        pager = stack.enter_context(running_web_receiver(answers_with(503), answers_with(204)))
        ward = stack.enter_context(running_mail_receiver())
        his = stack.enter_context(hl7_listener(Behaviour.REJECT))
        manager = stack.enter_context(running_manager())
        reader = stack.enter_context(running_manager(ae_title=READER_AE_TITLE))
        archive = stack.enter_context(running_committing_pacs(Answers.SAME_ASSOCIATION))
        silent = stack.enter_context(running_committing_pacs(Answers.NEVER))
        old = stack.enter_context(
            running_committing_pacs(Answers.NOT_OFFERED, refused_classes=[SegmentationStorage])
        )
        hl7_port = free_port()
        peers = [
            {"name": "scanner", "ae_title": _SCANNER},
            _peer("pacs", pacs.ae_title, pacs.dicom_port, "source", "destination", "query"),
            _peer("archive", "ARCHIVE", archive.port, "destination")
            | {"storage_commitment": True, "reject_superseded": True, "profile": "machine"},
            _peer("silent", "SILENT", silent.port, "destination") | {"storage_commitment": True},
            _peer("old", "OLD", old.port, "destination"),
            _peer(UNREACHABLE, "BACKUP", free_port(), "destination"),
            _peer("reader", READER_AE_TITLE, reader.port, "worklist-client"),
            _peer("manager", "MANAGER", manager.port),
        ]
        mail = {"sender": "firstread@hospital.example", "recipients": ["ward@hospital.example"]}
        channels = [
            {"kind": "webhook", "name": "pager", "url": pager.url},
            {"kind": "mail", "name": "ward", "escalation": 1, "start_tls": False, **mail}
            | _address(ward.port),
            {"kind": "hl7", "name": "his", "from_urgency": "suspected", **_address(his.port)},
            {"kind": "work-item", "name": "reading-room", "peer": "manager"},
        ]
        settings = {
            "PEERS": json.dumps(peers),
            "FLAGS": json.dumps(channels),
            "FLAGGING": json.dumps({"escalation_s": [5.0]}),
            "HL7_LISTENER": json.dumps({"senders": ["127.0.0.1"], **_address(hl7_port)}),
            "MIN_FREE_BYTES": "0",
        }
        firstread = stack.enter_context(
            running_embedded(
                folder / "firstread", pacs=pacs, settings=settings, limit_s=_START_LIMIT_S
            )
        )
        engine = open_engine(firstread.database_url)
        stack.callback(engine.dispose)
        environment = {f"FIRSTREAD_{name}": value for name, value in settings.items()}
        environment["FIRSTREAD_DATA_FOLDER"] = str(firstread.data_folder)
        yield Site(firstread, engine, pacs, hl7_port, environment)


def _address(port: int) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": port}


def _peer(name: str, ae_title: str, port: int, *roles: str) -> dict[str, object]:
    return {"name": name, "ae_title": ae_title, "roles": roles, **_address(port)}
