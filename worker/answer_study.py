"""Reads a decoded series with a loaded bundle of either schema: one answer, whatever made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chest.answer.make import answer_of
from chest.judge_severity import stated_values
from chest.reader import Reader, acquisition_of
from chest.triage.urgency import rules_seen, triage_reading
from radiology.chest.chest_map import ChestMap, MappedLesion
from radiology.chest.severity import ClinicalContext
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from worker.course.find_priors import Priors
from worker.course.follow_course import follow_course
from worker.infer.declared_reader import DeclaredReader
from worker.infer.triaged_reading import TriagedReading, declared_answer
from worker.infer.warm_readers import AnyReader
from worker.registration import EarlierChest

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class StudyToRead:
    """A decoded series, and what is known beside it.

    Attributes
    ----------
    context : clinical values that were given, and what the latest earlier study showed
    priors : earlier studies that the same bundle read
    """

    series: SeriesHeader
    volume: Volume
    context: ClinicalContext = field(default_factory=ClinicalContext)
    priors: Priors = field(default_factory=Priors)


@dataclass(frozen=True)
class StudyRead:
    """The answer, and what an earlier or a later study of the patient needs.

    Attributes
    ----------
    chest_map : by which a later study will be compared with this one; None where nothing can be
    lesions : what they are called in every study of the patient
    earlier : the chest that this one was compared with place by place
    """

    answer: TriagedReading
    chest_map: ChestMap | None = None
    lesions: tuple[MappedLesion, ...] = ()
    earlier: EarlierChest | None = None


def answer_study(reader: AnyReader, study: StudyToRead, on_progress: OnProgress) -> StudyRead:
    """Run a bundle and say what it means.

    Raises
    ------
    BundleRejected
        A network answers otherwise than the bundle declares.
    VolumeRefused
        The volume is too large for the bundle.
    """
    if isinstance(reader, DeclaredReader):
        return _read_declared(reader, study, on_progress)
    return _read_chest(reader, study, on_progress)


def _read_declared(
    reader: DeclaredReader, study: StudyToRead, on_progress: OnProgress
) -> StudyRead:
    judged = reader.read(
        study.volume,
        series=study.series,
        age_years=study.context.values.age_years,
        on_progress=on_progress,
    )
    return StudyRead(declared_answer(judged, reader.provider))


def _read_chest(reader: Reader, study: StudyToRead, on_progress: OnProgress) -> StudyRead:
    reading, _ = reader.read(
        study.volume, series=study.series, context=study.context, on_progress=on_progress
    )
    followed = follow_course(
        reading,
        study.volume,
        study.priors,
        study_instance_uid=study.series.study_instance_uid,
    )
    reading = followed.reading
    triage = triage_reading(reading)  # again: how quickly lesions grew counts
    facts: dict[str, Any] = {
        **reading.facts(),
        "urgency_rules": [one.facts() for one in rules_seen(reading)],
        "context": study.context.facts(stated_values(acquisition_of(study.series))),
    }
    answer = answer_of(reading, study.volume, triage, study.context)
    return StudyRead(
        TriagedReading(answer, triage, facts, reader.provider),
        chest_map=followed.chest,
        lesions=reading.lesions,
        earlier=followed.earlier,
    )
