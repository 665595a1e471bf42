"""rsyslog, as an audit repository: syslog over TLS with both sides' certificates (RFC 5425).

What it has taken it writes out by its own parser, a JSON object a line.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders.dicom.issuer import Issued
from tests.peers.process import ServerProcess
from tests.peers.programs import absent, require_program

_FIELDS = ("pri", "timestamp", "hostname", "app-name", "procid", "msgid", "structured-data", "msg")


@dataclass(frozen=True)
class Repository:
    """A running rsyslog."""

    host: str
    port: int
    file: Path
    process: ServerProcess

    def messages(self) -> list[dict[str, Any]]:
        """What it has taken, in the order in which it came."""
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]


@contextmanager
def running_rsyslog(
    folder: Path, *, port: int, ours: Issued, issuer: Path, permitted: str
) -> Iterator[Repository]:
    """Start one, and stop it at the end; what it wrote stays.

    Parameters
    ----------
    ours : certificate and key of the repository
    permitted : the name in the certificates of those who may send
    """
    program = require_program("rsyslogd", package="rsyslog")
    if not list(Path("/usr/lib").glob("*/rsyslog/lmnsd_ossl.so")):
        absent("rsyslog speaks no TLS (Debian package rsyslog-openssl)")
    folder.mkdir(exist_ok=True)
    file = folder / "messages.jsonl"
    date = ' dateFormat="rfc3339"'
    fields = "\n".join(
        f'constant(value="{"," if number else "{"}")\n'
        f'property(name="{one}" format="jsonf"{date if one == "timestamp" else ""})'
        for number, one in enumerate(_FIELDS)
    )
    configuration = folder / "rsyslog.conf"
    configuration.write_text(
        f"""
global(
  workDirectory="{folder}" maxMessageSize="64k"
  defaultNetstreamDriver="ossl"
  defaultNetstreamDriverCAFile="{issuer}"
  defaultNetstreamDriverCertFile="{ours.certificate}"
  defaultNetstreamDriverKeyFile="{ours.key}"
)
module(
  load="imtcp" streamDriver.name="ossl" streamDriver.mode="1"
  streamDriver.authMode="x509/name" permittedPeer=["{permitted}"]
)
input(type="imtcp" port="{port}" address="127.0.0.1")
template(name="fields" type="list") {{
{fields}
constant(value="}}\\n")
}}
action(type="omfile" file="{file}" template="fields" asyncWriting="off" flushOnTXEnd="on")
"""
    )
    command = [program, "-n", "-f", configuration, "-i", folder / "rsyslog.pid"]
    process = ServerProcess("rsyslog", [str(one) for one in command], folder=folder)
    with process:
        process.wait_until_ready(lambda: _listens(port))
        yield Repository("127.0.0.1", port, file, process)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
