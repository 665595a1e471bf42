"""HAProxy as a balancer of TCP connections: one address in front of several nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY, require_program

_EXAMPLE = REPOSITORY / "docs" / "hospital" / "haproxy.cfg"


@contextmanager
def running_balancer(folder: Path, nodes: Mapping[str, int]) -> Iterator[int]:
    """Start one with the configuration of our documents in front of nodes of this machine.

    Parameters
    ----------
    nodes : the port of each, by its name

    Yields
    ------
    The port of the one address.
    """
    program, port = require_program("haproxy", package="haproxy"), free_port()
    example = _EXAMPLE.read_text().replace("bind :11112", f"bind 127.0.0.1:{port}")
    first, *others = re.findall(r"^    server .*\n", example, flags=re.MULTILINE)
    for line in others:
        example = example.replace(line, "")
    options = first.split(maxsplit=3)[3]
    servers = (f"    server {name} 127.0.0.1:{node} {options}" for name, node in nodes.items())
    configuration = folder / "haproxy.cfg"
    configuration.write_text(example.replace(first, "".join(servers)))
    process = ServerProcess("haproxy", [program, "-db", "-f", configuration], folder=folder)
    try:
        process.wait_until_ready(lambda: answers(port), limit_s=30.0)
        yield port
    finally:
        process.kill()
