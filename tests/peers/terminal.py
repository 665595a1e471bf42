"""A terminal that a command is called at."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence


def said_at_a_terminal(words: Sequence[str], **variables: str) -> str:
    """What a command prints, when both its outputs are a terminal, whatever its exit code.

    The command must not say more than a terminal keeps unread, some kilobytes.
    """
    ours, theirs = os.openpty()
    try:
        subprocess.run(words, stdout=theirs, stderr=theirs, env=os.environ | variables, timeout=120)
    finally:
        os.close(theirs)
    said = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            while part := terminal.read(4096):
                said += part
        except OSError:  # EIO: nobody has the other end any more
            pass
    return said.decode().replace("\r\n", "\n")
