"""Find earlier studies of the same patient among those that the same bundle has read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from database.priors.candidates import PriorCandidate
from database.results.stored import ReportReference
from models.older_readings import reading_if_readable
from models.readers.study_reader import EarlierStudy
from radiology.earlier import NotCompared
from settings.environment import Settings
from storage.kept_files import kept_files
from worker.patient.patient_identity import contradiction, read_patient_identity


@dataclass(frozen=True, slots=True)
class Prior:
    """An earlier study of the same patient, and the SR for viewers that was made of it, if any."""

    study: EarlierStudy
    report: ReportReference | None = None


@dataclass(frozen=True, slots=True)
class Priors:
    """Earlier studies, the latest first, and what was found and is none."""

    found: tuple[Prior, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()

    @property
    def studies(self) -> tuple[EarlierStudy, ...]:
        """What a bundle is given of them."""
        return tuple(one.study for one in self.found)


def choose_priors(
    candidates: Iterable[PriorCandidate],
    *,
    instance: Path,
    acquired_at: datetime | None,
    settings: Settings,
) -> Priors:
    """Take those candidates that are of the same patient and earlier.

    Parameters
    ----------
    instance : one of this study
    acquired_at : this study; without it nothing can be called earlier
    """
    files = kept_files(settings)
    this = read_patient_identity(files.fetch(instance))
    found, refused = [], []
    for candidate in candidates:
        reading = reading_if_readable(candidate.reading)
        at = None if reading is None else reading.acquired_at
        place = settings.spool_folder / candidate.instance_path
        other = read_patient_identity(files.fetch(place))
        if this is None or other is None:
            reason = "its instances are not there to tell whose they are"
        else:
            reason = contradiction(this, other)
        reason = reason or _not_earlier(at, acquired_at)
        if reason or reading is None or at is None:
            refused.append(NotCompared(candidate.study_instance_uid, reason))
            continue
        kept = files.fetch(settings.results_folder / candidate.comparison_file)
        study = EarlierStudy(candidate.study_instance_uid, at, reading, kept)
        found.append(Prior(study, candidate.report))
    found.sort(key=lambda prior: prior.study.acquired_at, reverse=True)
    return Priors(tuple(found), tuple(refused))


def _not_earlier(then: datetime | None, now: datetime | None) -> str:
    if then is None or now is None:
        return "the headers do not say when the images were acquired"
    if (then.tzinfo is None) != (now.tzinfo is None):
        return "only one of the two studies tells its time zone"
    return "" if then < now else "it is not earlier"
