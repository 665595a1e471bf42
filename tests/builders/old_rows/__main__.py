"""`python -m tests.builders.old_rows`: the file of the present version, from a day at a site."""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from database.schema import check_schema
from tests.builders.old_rows.day import Day
from tests.builders.old_rows.machine import without_machine
from tests.builders.old_rows.rows_file import rows_of, write_file
from tests.builders.old_rows.site import running_site
from tests.peers.programs import REPOSITORY


def main() -> int:
    """Make the file; gives the exit code."""
    with tempfile.TemporaryDirectory(prefix="old-rows-") as name:
        folder = Path(name)
        with running_site(folder / "site") as site:
            Day(site, folder / "scanner", _say).run()
            check_schema(site.engine)
            found = rows_of(site.engine, version("firstread"))
    path = write_file(without_machine(found, folder))
    _say(f"{path.relative_to(REPOSITORY)}: {path.stat().st_size} bytes")
    return 0


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)  # noqa: T201 a command


if __name__ == "__main__":
    sys.exit(main())
