"""What rows say of the machine that they were made on, replaced: its name, its paths."""

from __future__ import annotations

import json
import re
import socket
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

from tests.builders.old_rows.rows_file import OldRows
from tests.peers.programs import REPOSITORY

_HOST = "host"
_LIBRARY = "lib"


def without_machine(rows: OldRows, folder: Path) -> OldRows:
    """Give processes a host of no name, and paths the part that is the same everywhere.

    Parameters
    ----------
    folder : where everything was kept while the rows were made

    Raises
    ------
    ValueError
        Something of the machine is left.
    """
    text = json.dumps(rows.tables, ensure_ascii=False)
    name = re.escape(socket.gethostname())
    text = re.sub(rf'"{name}:(\d+)"', rf'"{_HOST}:\1"', text)
    for place in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")):
        text = text.replace(place, _LIBRARY)
    for place in (str(folder), str(REPOSITORY)):
        text = text.replace(f"{place}/", "")
    left = [one for one in (sys.prefix, str(Path.home()), str(folder)) if one in text]
    left += re.findall(rf"\b{name}:\d+", text)
    if left:
        raise ValueError(f"the rows still name the machine: {left[0]}")
    return replace(rows, tables=json.loads(text))
