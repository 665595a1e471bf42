"""PostgreSQL: one server for a test run, a fresh database for each test."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.peers.ports import free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import absent, require_program

_USER = "firstread"


@dataclass(frozen=True)
class PostgresServer:
    """A running server that trusts every connection from this machine."""

    host: str
    port: int
    folder: Path
    process: ServerProcess

    def new_database(self) -> str:
        """Make an empty database and give its URL (``postgresql+psycopg://…``)."""
        name = f"test_{secrets.token_hex(8)}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_of(name)

    def url_of(self, name: str) -> str:
        """Give the SQLAlchemy URL of a database of this server."""
        return f"postgresql+psycopg://{_USER}@{self.host}:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Drop a database that `new_database` made, ending its connections."""
        name = url.rsplit("/", 1)[-1]
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """End the server and delete its folder."""
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=self.host, port=self.port, user=_USER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


def start_postgres(*, certificate: Path | None = None, key: Path | None = None) -> PostgresServer:
    """Start a server on a free port and wait until it answers.

    Parameters
    ----------
    certificate, key : where given, it speaks TLS to those who ask for it

    PostgreSQL refuses to run as root, so root starts it as ``postgres`` or ``nobody``; its folder
    lies directly in the folder for temporary files, which both can reach. Nothing is forced to
    disk: the server's data is worth nothing after the run.
    """
    initdb, postgres = _programs()
    user = _other_user() if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="firstread-postgres-"))
    log_folder, data = folder / "log", folder / "data"
    log_folder.mkdir()
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    _as_user(
        user,
        [initdb, "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        folder=folder,
    )
    security: list[str] = []
    if certificate is not None and key is not None:
        security = _security(folder, certificate, key, user)
    port = free_port()
    process = ServerProcess(
        "postgres",
        [
            postgres,
            *("-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1"),
            *("-c", f"unix_socket_directories={folder}", "-c", "max_connections=200"),
            *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
            *security,
        ],
        folder=log_folder,
        user=user,
        stop_signal=signal.SIGINT,  # "fast": ends the connections instead of waiting for them
    )
    server = PostgresServer(host="127.0.0.1", port=port, folder=folder, process=process)
    process.wait_until_ready(lambda: _answers(server))
    return server


def _security(folder: Path, certificate: Path, key: Path, user: str | None) -> list[str]:
    """Copies of the files that the server may read and nobody else, and the options for them."""
    options = ["-c", "ssl=on"]
    for name, file in {"ssl_cert_file": certificate, "ssl_key_file": key}.items():
        copy = folder / name
        copy.write_bytes(file.read_bytes())
        copy.chmod(0o600)
        if user is not None:
            shutil.chown(copy, user)
        options += ["-c", f"{name}={copy}"]
    return options


def _answers(server: PostgresServer) -> bool:
    try:
        with psycopg.connect(
            host=server.host, port=server.port, user=_USER, dbname="postgres", connect_timeout=5
        ):
            return True
    except psycopg.OperationalError:
        return False


def _programs() -> tuple[Path, Path]:
    # Debian keeps the server's programs out of PATH, in a folder for each version.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    where = tuple(str(folder) for folder in folders)
    return (
        require_program("initdb", package="postgresql", folders=where),
        require_program("postgres", package="postgresql", folders=where),
    )


def _other_user() -> str:
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    absent("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _as_user(user: str | None, command: list[str | Path], *, folder: Path) -> None:
    change = (
        ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"] if user else []
    )
    done = subprocess.run(
        [*change, *command], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stderr}")
