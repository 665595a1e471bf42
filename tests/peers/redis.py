"""Redis as Celery's broker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import redis

from tests.peers.ports import answers, free_port
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


def start_redis_with_tls(
    folder: Path, *, certificate: Path, key: Path, ca_file: Path
) -> RedisServer:
    """Start a server that speaks nothing but TLS, and asks who calls."""
    program = require_program("redis-server", package="redis-server")
    port = free_port()
    process = ServerProcess(
        "redis",
        [
            *(program, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1"),
            *("--tls-cert-file", certificate, "--tls-key-file", key),
            *("--tls-ca-cert-file", ca_file, "--tls-auth-clients", "yes"),
            *("--save", "", "--appendonly", "no", "--dir", folder),
        ],
        folder=folder,
    )
    process.wait_until_ready(lambda: answers(port))
    return RedisServer(host="127.0.0.1", port=port, process=process)


def _answers(server: RedisServer) -> bool:
    try:
        with redis.Redis(host=server.host, port=server.port, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False
