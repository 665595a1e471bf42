"""What goes between a worker and the process that looks through an upload for it: JSON lines."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from database.uploads.file_refusal import FileRefusal
from settings.uploads import UploadLimits

RECEIVED, UNPACKED = "received", "unpacked"
"""Folders of an upload: files as they came, called by their numbers; and out of archives."""


class UploadKind(StrEnum):
    """What an upload is read as."""

    STUDY = "study"
    SLICE = "slice"  # one CT instance with one frame
    PICTURE = "picture"


@dataclass(frozen=True)
class InspectionOrder:
    """What is to be looked through.

    Attributes
    ----------
    folder : of the upload
    bundle : folder of the bundle that is to read it; it chooses the series
    skip : numbers of files that have stopped the process before
    """

    folder: Path
    bundle: Path
    limits: UploadLimits
    skip: tuple[str, ...] = ()

    def text(self) -> str:
        """As one argument of a command."""
        return json.dumps(
            {
                "folder": str(self.folder),
                "bundle": str(self.bundle),
                "limits": self.limits.model_dump(),
                "skip": self.skip,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `text` gave."""
        given = json.loads(text)
        return cls(
            folder=Path(given["folder"]),
            bundle=Path(given["bundle"]),
            limits=UploadLimits.model_validate(given["limits"]),
            skip=tuple(given["skip"]),
        )


@dataclass(frozen=True)
class InspectionResult:
    """What came out.

    Attributes
    ----------
    kind : None when nothing is left to read; `error_kind` and `error_message` then say why
    paths : what is to be read, within the folder
    refusals : of files that are not read
    """

    kind: UploadKind | None
    paths: tuple[str, ...]
    refusals: tuple[FileRefusal, ...]
    error_kind: str = ""
    error_message: str = ""

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Self:
        """What `facts` gave."""
        return cls(
            kind=UploadKind(facts["kind"]) if facts["kind"] else None,
            paths=tuple(facts["paths"]),
            refusals=tuple(FileRefusal(**one) for one in facts["refusals"]),
            error_kind=facts["error_kind"],
            error_message=facts["error_message"],
        )
