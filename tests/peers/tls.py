"""A certificate of this machine's own, for servers that tests talk to over TLS."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.peers.programs import require_program


@dataclass(frozen=True)
class Certificate:
    """A certificate for localhost that nobody trusts who does not name its file."""

    file: Path
    server_context: ssl.SSLContext

    @classmethod
    def new(cls, folder: Path) -> Self:
        """Make one, with its key beside it."""
        file, key = folder / "service.pem", folder / "service.key"
        openssl = require_program("openssl", package="openssl")
        names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
        subprocess.run(
            [
                *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", names, "-keyout", key, "-out", file),
            ],
            check=True,
            capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file, key)
        return cls(file, context)
