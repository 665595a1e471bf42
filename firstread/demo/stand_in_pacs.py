"""`python -m firstread.demo.stand_in_pacs`: the demo's PACS where Orthanc is not installed."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from dicom_node.stand_in_pacs import start_stand_in_pacs
from radiology.errors import SettingsRefused


def main(arguments: list[str] | None = None) -> int:
    """Store what comes until SIGTERM or Ctrl-C; returns the exit code."""
    parser = argparse.ArgumentParser(prog="firstread.demo.stand_in_pacs", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the files go")
    parser.add_argument("--port", type=int, required=True, help="0: any free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--ae-title", default="PACS")
    given = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    try:
        pacs = start_stand_in_pacs(
            given.folder,
            host=given.host,
            port=given.port,
            ae_title=given.ae_title,
            on_stored=lambda path: print(path, flush=True),
        )
    except (SettingsRefused, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.ae_title} listens on {given.host}:{pacs.port}", flush=True)
    stopped.wait()
    pacs.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
