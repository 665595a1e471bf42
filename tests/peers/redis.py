"""Redis as Celery's broker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import redis

from tests.peers.ports import free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import require_program


@dataclass(frozen=True)
class RedisServer:
    """A running server that keeps everything in memory."""

    host: str
    port: int
    process: ServerProcess

    @property
    def url(self) -> str:
        """Database 0 of the server."""
        return f"redis://{self.host}:{self.port}/0"

    def flush(self) -> None:
        """Empty every database of the server."""
        with redis.Redis(host=self.host, port=self.port) as client:
            client.flushall()

    def stop(self) -> None:
        """End the server."""
        self.process.stop()


def start_redis(folder: Path) -> RedisServer:
    """Start a server on a free port and wait until it answers."""
    program = require_program("redis-server", package="redis-server")
    port = free_port()
    process = ServerProcess(
        "redis",
        [
            *(program, "--port", str(port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", folder),
        ],
        folder=folder,
    )
    server = RedisServer(host="127.0.0.1", port=port, process=process)
    process.wait_until_ready(lambda: _answers(server))
    return server


def _answers(server: RedisServer) -> bool:
    try:
        with redis.Redis(host=server.host, port=server.port, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False
