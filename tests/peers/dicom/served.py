"""A stand-in PACS on a free port, for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pynetdicom.ae import ApplicationEntity


@contextmanager
def served(entity: ApplicationEntity, handlers: Sequence[tuple[Any, Any]]) -> Iterator[int]:
    """Start it, give its port, and stop it at the end."""
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=list(handlers))
    assert server is not None
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
