"""A node in this process, with a database of its own, for tests that speak DICOM to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from database.session import Engine, open_engine, query
from database.tables.base import Base
from database.tables.study.analysis import Association, Instance
from database.tables.study.quarantine import QuarantinedObject
from dicom_node.association_audit import Clock
from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.node import Node, start_node
from dicom_node.request.c_store import StoreAnswer, send_instances
from dicom_node.request.verification import verify_peer
from settings.environment import Settings
from settings.peers import Peer, PeerRole
from tests.builders.dicom.upper_layer import associate_request
from tests.builders.stored.empty_database import make_tables
from tests.peers.ports import free_port
from tests.peers.waiting import wait_until

T = TypeVar("T", bound=Base)

SCANNER = Peer(name="scanner", ae_title="SCANNER")  # type: ignore[arg-type]


@dataclass(frozen=True)
class RunningNode:
    """A node, and what it has put into its database and folders."""

    node: Node
    settings: Settings
    engine: Engine

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.node.port

    @property
    def as_peer(self) -> Peer:
        """The node as a peer to send to."""
        return Peer(
            name="node",
            ae_title=self.settings.ae_title,
            host="127.0.0.1",
            port=self.port,
            roles=frozenset({PeerRole.DESTINATION}),
        )

    def send(self, paths: Sequence[Path], calling: str = "SCANNER") -> tuple[StoreAnswer, ...]:
        """Send files in one association, byte for byte."""
        return send_instances(paths, self.as_peer, calling_ae_title=calling, timeout_s=20)

    def statuses(self, *paths: Path) -> list[int | None]:
        """Send files and give what the node answered."""
        return [answer.status for answer in self.send(paths)]

    def verify(self, calling: str = "SCANNER") -> None:
        """C-ECHO."""
        verify_peer(self.as_peer, calling_ae_title=calling, timeout_s=20)

    def instances(self) -> list[Instance]:
        """The rows of instances, the oldest first."""
        return self._rows(Instance)

    def quarantine(self) -> list[QuarantinedObject]:
        """The rows of quarantined objects, the oldest first."""
        return self._rows(QuarantinedObject)

    def associations(self) -> list[Association]:
        """The rows of associations, the oldest first."""
        return self._rows(Association)

    def ended_associations(self, count: int) -> list[Association]:
        """Wait until so many associations have come and all have ended."""

        def all_ended() -> list[Association]:
            rows = self.associations()
            ended = len(rows) >= count and all(row.ended_at is not None for row in rows)
            return rows if ended else []

        return wait_until(all_ended, what=f"{count} ended associations")

    def open_associations(self) -> list[str]:
        """The threads of this node's associations that have not ended.

        Other servers of the test run live in this process too; their threads are theirs.
        """
        return [
            thread.name
            for thread in threading.enumerate()
            if isinstance(thread, AcceptedAssociation) and thread.user is self.node
        ]

    def spooled(self) -> list[Path]:
        """The files that are in their places."""
        folder = self.settings.spool_folder
        return sorted(path for path in folder.rglob("*.dcm") if ".incoming" not in path.parts)

    def begun(self) -> list[Path]:
        """The files that are not in their places."""
        return sorted((self.settings.spool_folder / ".incoming").rglob("*.dcm"))

    def _rows(self, table: type[T]) -> list[T]:
        with query(self.engine) as session:
            return list(session.scalars(select(table).order_by(table.id)))  # type: ignore[attr-defined]


def node_settings(folder: Path, **changes: Any) -> Settings:
    """Settings of a node that knows one scanner, on a free port."""
    values: dict[str, Any] = {
        "data_folder": folder / "data",
        "dicom_host": "127.0.0.1",
        "dicom_port": free_port(),
        "min_free_bytes": 0,
        "peers": (SCANNER,),
        **changes,
    }
    return Settings(**values)


@contextmanager
def running_node(
    folder: Path, *, clock: Clock | None = None, **changes: Any
) -> Iterator[RunningNode]:
    """Start a node, and stop it at the end.

    Parameters
    ----------
    folder : for its data
    clock : the system's when left out
    changes : settings that differ from `node_settings`
    """
    settings = node_settings(folder, **changes)
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database_address)
    make_tables(engine)
    node = start_node(settings, engine, clock)
    try:
        yield RunningNode(node, settings, engine)
    finally:
        node.stop(limit_s=0.5)
        engine.dispose()


def open_association_and_hold(node: RunningNode) -> socket.socket:
    """An association that is established and then says nothing more."""
    connection = socket.create_connection(("127.0.0.1", node.port))
    connection.sendall(associate_request())
    assert connection.recv(1) == b"\x02"  # A-ASSOCIATE-AC
    return connection
