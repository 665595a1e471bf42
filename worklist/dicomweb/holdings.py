"""The files behind an address: of a study, of one of its series, of one instance.

Rows say where a file lies; that it lies there, and within the folder, is checked each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database.session import query
from database.views.held_instances import Folder, HeldInstance, held_instances
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worklist.dicomweb.refusal import not_held, uid_of
from worklist.page.screens import PageContext

_log = get_logger("worklist")
DAMAGED = "The file of this instance cannot be read; the administrator finds it in the log."


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address names (PS3.18 Section 10.3): a study, a series of it, an instance of that.

    Attributes
    ----------
    series, instance : "" for all
    """

    study: str
    series: str = ""
    instance: str = ""

    def checked(self) -> Asked:
        """Itself.

        Raises
        ------
        RequestRefused
            A UID is none.
        """
        uid_of(self.study, "StudyInstanceUID")
        if self.series:
            uid_of(self.series, "SeriesInstanceUID")
        if self.instance:
            uid_of(self.instance, "SOPInstanceUID")
        return self

    def names(self, held: HeldInstance) -> bool:
        """Whether an instance of the study is meant."""
        return self.series in ("", held.series_instance_uid) and self.instance in (
            "",
            held.sop_instance_uid,
        )


@dataclass(frozen=True, slots=True)
class HeldFile:
    """An instance whose file is there."""

    held: HeldInstance
    path: Path

    @property
    def address(self) -> str:
        """Its address below the root of the services."""
        held = self.held
        return (
            f"studies/{held.study_instance_uid}/series/{held.series_instance_uid}"
            f"/instances/{held.sop_instance_uid}"
        )


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """The files that an address names. `missing` is how many instances have none any more."""

    files: tuple[HeldFile, ...]
    missing: int = 0

    @property
    def status(self) -> int:
        """200, or 206 where a part cannot be had any more (PS3.18 Table 10.4.3-1)."""
        return 206 if self.missing else 200


def find_files(context: PageContext, asked: Asked) -> HeldFiles:
    """The files that an address names.

    Raises
    ------
    RequestRefused
        A UID is none, or nothing of it is held.
    """
    asked.checked()
    with query(context.engine) as session:
        of_study = held_instances(session, [asked.study])[asked.study]
    wanted = [held for held in of_study if asked.names(held)]
    places = (_folder_of(context, held) / held.path for held in wanted if not held.removed)
    kept_files(context.settings).fetch_all(places)
    files = tuple(file for held in wanted if (file := file_of(context, held)) is not None)
    if not files:
        raise not_held()
    return HeldFiles(files, len(wanted) - len(files))


def file_of(context: PageContext, held: HeldInstance) -> HeldFile | None:
    """The file of an instance; None when it has gone, or is not there, which the log says."""
    if held.removed:
        return None
    folder = _folder_of(context, held).resolve()
    path = kept_files(context.settings).fetch(folder / held.path).resolve()
    if path.is_relative_to(folder) and path.is_file():
        return HeldFile(held, path)
    _log.error("instance_file_missing", sop_instance_uid=held.sop_instance_uid)
    return None


def _folder_of(context: PageContext, held: HeldInstance) -> Path:
    settings = context.settings
    return {Folder.SPOOL: settings.spool_folder, Folder.RESULTS: settings.results_folder}[
        held.folder
    ]
