"""A listener of ours on a free port, and what its database holds."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hl7
from hl7.client import MLLPClient

from database.session import Engine, open_engine
from hl7_node.listener import Listener, start_listener
from settings.environment import Settings
from settings.hl7 import Hl7Listener
from tests.builders.stored.empty_database import make_tables
from tests.peers.ports import free_port

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class RunningListener:
    """The listener, its settings and its database."""

    listener: Listener
    settings: Hl7Listener
    engine: Engine

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        """A bare connection, from an address of this machine."""
        there = ("127.0.0.1", self.listener.port)
        return socket.create_connection(there, timeout=10, source_address=(address, 0))

    def send(self, *messages: bytes) -> list[hl7.Message]:
        """Send messages with the client of the package `hl7`; gives the acknowledgements."""
        with MLLPClient("127.0.0.1", self.listener.port) as client:
            answers = [client.send_message(message) for message in messages]
        return [hl7.parse(answer.strip(b"\x0b\x1c\r"), encoding="utf-8") for answer in answers]


def code(answer: hl7.Message) -> str:
    """MSA-1."""
    return str(answer.segment("MSA")(1))


def condition(answer: hl7.Message) -> str:
    """ERR-3, the code."""
    return str(answer.segment("ERR")(3)).split("^")[0]


@contextlib.contextmanager
def running_listener(folder: Path, **options: Any) -> Iterator[RunningListener]:
    """A listener with a database of its own, stopped at the end of the block."""
    settings = Hl7Listener(
        **{"host": "127.0.0.1", "port": free_port(), "senders": ("127.0.0.1",), **options}
    )
    engine = open_engine(f"sqlite:///{folder / 'test.sqlite'}")
    make_tables(engine)
    running = start_listener(Settings(data_folder=folder), settings, engine, clock=lambda: NOW)
    try:
        yield RunningListener(running, settings, engine)
    finally:
        running.stop()
        engine.dispose()
