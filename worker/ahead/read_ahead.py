"""Reads slices of studies that are still coming, until a job waits.

What is found is kept by the reader, in the memory of this process, by the pixels that it was found
in: a job that another process takes, or that reads another series, just finds nothing there.
docs/decisions/0055-slices-are-read-as-they-come.md
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from database.arrivals.coming import came_so_far, coming_studies
from database.jobs.requeue import waiting_jobs
from database.session import query
from database.uploads.sweep import waiting_uploads
from models.readers.study_reader import StudyReader
from radiology.image.series import SeriesHeader
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.ahead.coming_slices import coming_slices
from worker.attempt.attempt_step import attempt_step
from worker.equipment import Equipment
from worker.series.bundle_rule import refusals_of
from worker.series.candidate import SelectionLimits
from worker.series.read_series import ReadInstance, group_series
from worker.series.select_series import select_series

_log = get_logger("pipeline")
_IDLE_S: Final = 3.0  # a worker that is told to stop waits for the end of a turn
_STILL_S: Final = 60.0  # a study without a new image for so long waits for something else
_PAUSE_S: Final = 0.1
_MOST_IMAGES: Final = 2_000  # of a study; of a larger one nothing is read ahead
_MOST_STUDIES: Final = 4  # an archive that moves brings hundreds at once, and headers take memory
_SO_FAR: Final = SelectionLimits(least_coverage_mm=20.0)
"""A series that is still coming is short; whether it is one to be read shows in the rest of it."""


@dataclass
class _Coming:
    """A study that is still coming, as far as this turn has read its headers.

    Attributes
    ----------
    came : by the key of their rows, which are in the order in which they came
    came_at : when the last of them came
    is_left : nothing is to be done for it until more comes
    is_given_up : it cannot be read; its job will say why
    """

    study_id: int
    came: dict[int, ReadInstance] = field(default_factory=dict)
    came_at: datetime | None = None
    is_left: bool = False
    is_given_up: bool = False

    def give_up(self) -> None:
        """Read no more of it, and keep nothing."""
        self.is_given_up = True
        self.came.clear()


class ReadingAhead:
    """What one process has read ahead, and goes on with at its next turn.

    Parameters
    ----------
    idle_s : a turn ends when nothing came for so long
    most_s : it ends after so long, though a study be read in part; where studies still come, the
        next sweep begins another one
    seconds : a clock that never goes back
    """

    def __init__(
        self,
        equipment: Equipment,
        *,
        most_s: float,
        idle_s: float = _IDLE_S,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._equipment = equipment
        self._seconds = seconds
        self._most_s = most_s
        self._idle_s = idle_s
        self._known: dict[int, _Coming] = {}
        self._ends_at = 0.0

    def turn(self) -> int:
        """Read what is there of studies that still come; returns how many slices were read.

        Ends when a job or an upload waits, when no study is coming, and after a while.
        """
        last = self._seconds()
        self._ends_at = last + self._most_s
        read = 0
        while self._may_go_on():
            since = self._equipment.clock() - timedelta(seconds=_STILL_S)
            with query(self._equipment.engine) as session:
                coming = coming_studies(session, since)
            self._known = self._followed(coming)
            some = sum(self._attempted(one, coming[one.study_id]) for one in self._known.values())
            read, now = read + some, self._seconds()
            last = now if some else last
            if not coming or now - last >= self._idle_s:
                break
            if not some:
                time.sleep(_PAUSE_S)
        if read:
            _log.info("read_ahead", slices=read)
        return read

    def _followed(self, coming: Iterable[int]) -> dict[int, _Coming]:
        """Those of the studies that are read ahead: one that was begun is gone on with."""
        begun = [one for one in coming if one in self._known]
        left = {one for one in begun if self._known[one].is_given_up}
        begun += [one for one in coming if one not in self._known]
        read = [one for one in begun if one not in left][:_MOST_STUDIES]
        followed = left.union(read)
        return {one: self._known.get(one, _Coming(one)) for one in coming if one in followed}

    def _may_go_on(self) -> bool:
        """Whether the turn is not over and this process has nothing better to do."""
        if self._seconds() >= self._ends_at:
            return False
        with query(self._equipment.engine) as session:
            now = self._equipment.clock()
            return not (waiting_jobs(session) or waiting_uploads(session, now))

    def _attempted(self, study: _Coming, last_at: datetime) -> int:
        """Read what has come of a study; where it cannot be read, its job will say why."""
        if study.is_given_up:
            return 0
        read = attempt_step(
            lambda: self._read_some(study, last_at), "reading ahead", study_id=study.study_id
        )
        if read is None:
            study.give_up()
        return read or 0

    def _read_some(self, study: _Coming, last_at: datetime) -> int:
        if study.came_at != last_at:
            self._read_headers(study)
            study.came_at, study.is_left = last_at, False
        if study.is_left or study.is_given_up:
            return 0
        paths = {one.instance.sop_instance_uid: one.path for _, one in sorted(study.came.items())}
        found = group_series(list(study.came.values()))
        read = 0
        for name in self._equipment.settings.bundles:
            reader = self._equipment.reader_of(name)
            refusals = refusals_of(reader.bundle)
            chosen = select_series(found, limits=_SO_FAR, refusals=refusals).chosen
            if chosen is not None:
                read += self._read_slices(reader, chosen, paths)
        study.is_left = not read and self._may_go_on()
        return read

    def _read_headers(self, study: _Coming) -> None:
        """Read the headers of what has come since."""
        with query(self._equipment.engine) as session:
            rows = came_so_far(session, study.study_id)
        if len(rows) > _MOST_IMAGES:
            study.give_up()
            return
        new = [(key, path) for key, path in rows if key not in study.came]
        folder = self._equipment.settings.spool_folder
        places = kept_files(self._equipment.settings).fetch_all(folder / path for _, path in new)
        for (key, _), place in zip(new, places, strict=True):
            study.came[key] = self._equipment.kept_ahead.read_header(place)

    def _read_slices(
        self, reader: StudyReader, series: SeriesHeader, paths: Mapping[str, Path]
    ) -> int:
        uids = {one.sop_instance_uid for one in series.instances}
        first_came = next(uid for uid in paths if uid in uids)
        slices = coming_slices(series, paths, first_came, self._equipment.kept_ahead.decode_slice)
        if slices is None:
            return 0
        return reader.read_ahead(slices, self._may_go_on)
