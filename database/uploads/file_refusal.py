"""Why one file of an upload was not read.

A module of its own, without the database: the process that looks through uploads starts quickly.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileRefusal:
    """Why one file was not read.

    Attributes
    ----------
    number : as the files came, from 1; "3.14" is the 14th in the archive that came third
    """

    number: str
    size_bytes: int
    error_kind: str
    reason: str
