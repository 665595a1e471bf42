"""The embedded size: `firstread serve`, one program that starts and watches all parts."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.hospital import native_command
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess


@dataclass(frozen=True)
class Embedded:
    """Firstread at embedded size, running on this machine."""

    ae_title: str
    dicom_port: int
    worklist_url: str
    data_folder: Path
    environment: Mapping[str, str]
    process: ServerProcess

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of its SQLite database."""
        return f"sqlite:///{self.data_folder / 'firstread.sqlite'}"

    def processes_of(self, part: str) -> list[int]:
        """Process ids of a part and of what it forked, found by their names."""
        return _processes_of(part, self.process.pid)


@contextmanager
def running_embedded(
    folder: Path,
    *,
    pacs: OrthancPeer,
    settings: Mapping[str, str] | None = None,
    ae_title: str = "FIRSTREAD",
    limit_s: float = 60.0,
) -> Iterator[Embedded]:
    """Start `firstread serve`, wait until node and page answer, and kill it at the end.

    Parameters
    ----------
    folder : an empty folder; data and logs lie here
    pacs : gets the results, and is told of us
    settings : more variables, without prefix
    """
    dicom_port, worklist_port = free_port(), free_port()
    peers = [
        {
            "name": "pacs",
            "ae_title": pacs.ae_title,
            "host": pacs.host,
            "port": pacs.dicom_port,
            "roles": ["source", "destination"],
        },
        {"name": "scanner", "ae_title": "SCANNER"},
    ]
    variables = {
        "DATA_FOLDER": str(folder / "data"),
        "AE_TITLE": ae_title,
        "DICOM_HOST": "127.0.0.1",
        "DICOM_PORT": str(dicom_port),
        "WORKLIST_PORT": str(worklist_port),
        "PEERS": json.dumps(peers),
        "INFERENCE_THREADS": "1",  # tests run two at a time on two cores
        **(settings or {}),
    }
    pacs.know_peer(ae_title, port=dicom_port, name="firstread")
    environment = {f"FIRSTREAD_{name}": value for name, value in variables.items()}
    process = ServerProcess(
        "firstread",
        native_command(("firstread", "serve")),
        folder=folder,
        environment=environment,
    )
    try:
        for port in (dicom_port, worklist_port):
            process.wait_until_ready(functools.partial(answers, port), limit_s=limit_s)
        yield Embedded(
            ae_title=ae_title,
            dicom_port=dicom_port,
            worklist_url=f"http://127.0.0.1:{worklist_port}",
            data_folder=folder / "data",
            environment=environment,
            process=process,
        )
    finally:
        process.kill()


def _processes_of(part: str, group: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.getpgid(int(entry.name)) != group:
                continue
            name = (entry / "comm").read_text()
        except (ProcessLookupError, FileNotFoundError):
            continue
        if name.strip() == part:
            found.append(int(entry.name))
    return found
