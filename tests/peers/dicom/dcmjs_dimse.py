"""A client of a worklist on dcmjs-dimse (JavaScript): it shares no code with pynetdicom.

`make dimse-client` unpacks it into build/; the versions of it and of what it depends on, with their
digests, stand in `dcmjs/package-lock.json`.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.peers.programs import REPOSITORY, absent, require_program

_FOLDER = REPOSITORY / "build" / "dcmjs"
_CLIENT = REPOSITORY / "tests" / "peers" / "dcmjs" / "client.mjs"
_LIMIT_S = 100.0


@dataclass(frozen=True)
class Answered:
    """The responses to one operation: the last status, and the elements of each that has any."""

    status: int
    elements: tuple[dict[str, Any], ...]


def perform(port: int, operations: list[dict[str, Any]]) -> list[Answered]:
    """Perform operations, each on an association of its own, in this order.

    Parameters
    ----------
    operations : `name` (find, get, set, change, cancel, subscribe), `uid`, `elements` by keyword
    """
    node = require_program("node", package="nodejs")
    if not (_FOLDER / "node_modules" / "dcmjs-dimse").is_dir():
        absent("dcmjs-dimse is not installed (make dimse-client; it needs npm)")
    done = subprocess.run(
        [str(node), str(_CLIENT), str(_FOLDER), str(port), "READER", "FIRSTREAD"],
        input=json.dumps(operations),
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(operations), done.stdout[-2000:]
    return [
        Answered(
            status=one[-1]["status"],
            elements=tuple(each["elements"] for each in one if each["elements"]),
        )
        for one in answers
    ]
