"""Hosts of Firstread with data folders of their own: PostgreSQL, Redis and a bucket join them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from database.session import Engine, open_engine, query
from database.views.demo_rows import study_answers
from tests.builders.stored.empty_database import make_tables
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.hospital import native_command
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.seaweedfs import ObjectServer
from tests.peers.waiting import wait_until

_LIMIT_S = 180.0
_NODE, _PAGE = "node", "worklist"


@dataclass(frozen=True)
class Hosts:
    """Hosts that are running.

    Attributes
    ----------
    folder : holds the data folder of each host
    dicom_ports : where the node of each host listens, if it has one
    processes : by host and part
    """

    folder: Path
    engine: Engine
    dicom_ports: dict[str, int]
    page: str
    server: ObjectServer
    bucket: str
    processes: dict[tuple[str, str], ServerProcess]
    variables: dict[str, str]

    def environment(self, host: str) -> dict[str, str]:
        """The settings of one host."""
        return {
            **self.variables,
            "FIRSTREAD_DATA_FOLDER": str(self.folder / host),
            "FIRSTREAD_DICOM_PORT": str(self.dicom_ports[host]),
        }

    def command(self, host: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `firstread` on a host."""
        return subprocess.run(
            native_command(("firstread", *words)),
            env={**os.environ, **self.environment(host)},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )

    def state_of(self, uid: str) -> str:
        """How far a study has come."""
        with query(self.engine) as session:
            found = [one for one in study_answers(session) if one.study_instance_uid == uid]
        return found[0].state if found else ""

    def wait_for(self, uid: str, state: str) -> None:
        """Wait until a study has come so far."""
        try:
            wait_until(lambda: self.state_of(uid) == state, what=state, limit_s=_LIMIT_S)
        except AssertionError as error:
            logs = "\n".join(one.log_tail(15) for one in self.processes.values())
            raise AssertionError(f"{error}: {self.state_of(uid)}\n{logs}") from error

    def names_with(self, uid: str) -> list[str]:
        """Files on any host, and objects, that a study has given its name."""
        here = (
            str(one.relative_to(self.folder))
            for host in self.dicom_ports
            for one in (self.folder / host).rglob("*")
        )
        return sorted(one for one in (*here, *self.server.names(self.bucket)) if uid in one)


@contextmanager
def running_hosts(
    parts: Mapping[str, tuple[str, ...]],
    folder: Path,
    *,
    postgres_url: str,
    redis_url: str,
    object_server: ObjectServer,
    orthanc: OrthancPeer,
) -> Iterator[Hosts]:
    """Start hosts, each with some parts of Firstread; one of them has the page."""
    storage = object_server.new_bucket(f"hosts-{uuid4().hex}")
    assert storage.secret_key is not None
    dicom_ports, page_port = {host: free_port() for host in parts}, free_port()
    node = next(host for host, here in parts.items() if _NODE in here)
    orthanc.know_peer("FIRSTREAD", port=dicom_ports[node], name="firstread")
    peers = [
        {"name": "scanner", "ae_title": "SCANNER"},
        {
            "name": "pacs",
            "ae_title": orthanc.ae_title,
            "host": orthanc.host,
            "port": orthanc.dicom_port,
            "roles": ["source", "destination"],
        },
    ]
    variables = {
        "FIRSTREAD_DATABASE_URL": postgres_url,
        "FIRSTREAD_BROKER_URL": redis_url,
        "FIRSTREAD_OBJECT_STORAGE": json.dumps(
            {
                "endpoint": storage.endpoint,
                "bucket": storage.bucket,
                "access_key": storage.access_key,
                "secret_key": storage.secret_key.get_secret_value(),
                "timeout_s": 1.0,
            }
        ),
        "FIRSTREAD_DICOM_HOST": "127.0.0.1",
        "FIRSTREAD_WORKLIST_PORT": str(page_port),
        "FIRSTREAD_MIN_FREE_BYTES": "0",
        "FIRSTREAD_INFERENCE_THREADS": "1",
        "FIRSTREAD_PEERS": json.dumps(peers),
    }
    engine = open_engine(postgres_url)
    make_tables(engine)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        processes: dict[tuple[str, str], ServerProcess] = {}
        page = f"http://127.0.0.1:{page_port}"
        running = Hosts(
            folder, engine, dicom_ports, page, object_server, storage.bucket, processes, variables
        )
        for host, here in parts.items():
            for part in here:
                processes[host, part] = ServerProcess(
                    f"{host}-{part}",
                    native_command(("firstread", "serve", "--only", part)),
                    folder=folder,
                    environment=running.environment(host),
                )
                stack.callback(processes[host, part].kill)
        for (host, part), process in processes.items():
            port = {_NODE: dicom_ports[host], _PAGE: page_port}.get(part)
            if port is not None:
                _wait_for_port(process, port)
        yield running


def _wait_for_port(process: ServerProcess, port: int) -> None:
    process.wait_until_ready(lambda: answers(port), limit_s=120.0)
