"""The form of an archive: a tar file whose last two members prove that it is whole.

    firstread.json        what it is and who made it
    files/…               spool, results, quarantine as they lie in the data folder; keys in data/
    rows/TABLE.jsonl.gz   the rows of a table, one a line; a table after those that it refers to
    manifest.jsonl        a line for each member before it: name, size, SHA-256; then the facts
    manifest.sha256       the SHA-256 of the manifest

A program that dies leaves none of the last two, so nothing broken off passes for an archive. A
member that came twice counts as it came last; those that the facts call dropped were named by no
row any more when the rows were read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from database.backup.rows import RowsSeen
from database.retention.removals import QUARANTINE, RESULTS, SPOOL
from radiology.errors import ArchiveRefused
from settings.environment import Settings

FORMAT = 1
HEAD, MANIFEST, DIGEST = "firstread.json", "manifest.jsonl", "manifest.sha256"
FILES, ROWS, ROWS_END = "files/", "rows/", ".jsonl.gz"
DATA = "data"  # the data folder itself, for the few files that lie in it
_TABLE = re.compile(r"rows/([a-z_]{1,64})\.jsonl\.gz")


@dataclass(frozen=True, slots=True)
class Member:
    """One line of the manifest."""

    name: str
    size: int
    sha256: str

    def line(self) -> bytes:
        """As it stands in the manifest."""
        facts = {"name": self.name, "size": self.size, "sha256": self.sha256}
        return json.dumps(facts, ensure_ascii=False).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """What an archive says of itself: the last line of its manifest.

    Attributes
    ----------
    version : of the Firstread that made it
    revision : of the schema that its rows belong to
    taken_at : the moment that its rows are of, ISO 8601
    rows : by table, how many and the number that is made from all of them (`RowsSeen`)
    files, size_bytes : of the files of the data folder that its rows name
    missing : files that rows named and that were not there
    dropped : members that no row names
    """

    version: str
    revision: str
    taken_at: str
    rows: Mapping[str, tuple[int, str]]
    files: int
    size_bytes: int
    missing: tuple[str, ...]
    dropped: tuple[str, ...]
    studies_without_originals: int
    slices: bool

    def line(self) -> bytes:
        """As it stands in the manifest."""
        return json.dumps({"facts": asdict(self)}, ensure_ascii=False).encode() + b"\n"

    def seen(self, table: str) -> RowsSeen:
        """What the rows of a table are to give."""
        count, total = self.rows[table]
        return RowsSeen(count, int(total, 16))


def facts_of(line: bytes) -> ArchiveFacts:
    """Read the last line of a manifest, whose digest is known to be right.

    Raises
    ------
    ArchiveRefused
        It is of another form.
    """
    try:
        facts: dict[str, Any] = json.loads(line)["facts"]
        facts["rows"] = {name: (int(one[0]), str(one[1])) for name, one in facts["rows"].items()}
        facts["missing"], facts["dropped"] = tuple(facts["missing"]), tuple(facts["dropped"])
        return ArchiveFacts(**facts)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ArchiveRefused("The manifest has another form") from error


def head_line(version: str, revision: str) -> bytes:
    """What the first member says."""
    facts = {"format": FORMAT, "version": version, "revision": revision}
    return json.dumps({"firstread backup": facts}).encode() + b"\n"


def check_head(content: bytes) -> None:
    """Make sure that this is an archive of a form that is known here.

    Raises
    ------
    ArchiveRefused
        It is something else, or of a newer version.
    """
    try:
        form = json.loads(content)["firstread backup"]["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveRefused from error
    if form != FORMAT:
        raise ArchiveRefused("A newer version of Firstread made this archive: restore it with that")


def file_member(folder: str, path: str) -> str:
    """What a file of the data folder is called in an archive."""
    return f"{FILES}{folder}/{path}"


def rows_member(table: str) -> str:
    """What the rows of a table are called in an archive."""
    return f"{ROWS}{table}{ROWS_END}"


def table_of(name: str) -> str | None:
    """Whose rows a member holds; None of a file."""
    found = _TABLE.fullmatch(name)
    return found.group(1) if found else None


def folders(settings: Settings) -> dict[str, Path]:
    """Where the files of an archive lie."""
    return {
        SPOOL: settings.spool_folder,
        RESULTS: settings.results_folder,
        QUARANTINE: settings.quarantine_folder,
        DATA: settings.data_folder,
    }


def place_of(name: str, keys: tuple[str, ...]) -> tuple[str, str]:
    """Folder and path of a file, by the name of its member.

    Parameters
    ----------
    keys : files that may lie in the data folder itself

    Raises
    ------
    ArchiveRefused
        The name leads out of the folders, or into none of them.
    """
    folder, _, path = name.removeprefix(FILES).partition("/")
    parts = path.split("/")
    within = (
        name.startswith(FILES)
        and folder in (SPOOL, RESULTS, QUARANTINE, DATA)
        and all(part and not part.startswith(".") for part in parts)
        and not PurePosixPath(path).is_absolute()
        and "\0" not in path
        and (folder != DATA or path in keys)
    )
    if not within:
        raise ArchiveRefused("A member has a name that leads out of the data folder")
    return folder, path
