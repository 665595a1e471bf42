"""A bundle for chests with its networks loaded: findings, and how urgent they make a chest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import median

from chest.answer.known import known_values
from chest.answer.make import answer_of
from chest.course.follow_course import follow_course, latest_measurement
from chest.course.known_lesions import lesion_places, lesions_by_name
from chest.course.map_file import chest_map_bytes
from chest.gates import Acquisition
from chest.judge_severity import stated_values
from chest.model.chest_model import ChestModel
from chest.model.load import load_model
from chest.read_study import read_study
from chest.triage.first_look import first_look
from chest.triage.urgency import rules_seen, triage_reading
from chest.values.reading import ChestReading
from models.catalogue import UsableBundle
from models.declared_bundle import DeclaredBundle
from models.readers.study_reader import (
    ComingSlices,
    FirstLook,
    OnProgress,
    ReadAlone,
    StudyRead,
    StudyReader,
    StudyToRead,
)
from models.schema_2.bundle import Bundle
from radiology.algorithm import ExecutionProvider
from radiology.clinical import ClinicalContext
from radiology.errors import SettingsRefused
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from radiology.urgency import Triage


@dataclass(frozen=True)
class Reader:
    """A bundle with its networks loaded; kept for the life of a worker process."""

    model: ChestModel

    @classmethod
    def of(
        cls,
        bundle: UsableBundle,
        *,
        provider: ExecutionProvider = ExecutionProvider.AUTO,
        threads: int = 0,
    ) -> Reader:
        """Load the networks of a bundle; parameters and errors as `chest.model.load.load_model`."""
        return cls(load_model(bundle, provider=provider, threads=threads))

    @property
    def bundle(self) -> UsableBundle:
        """What was loaded."""
        return self.model.bundle

    @property
    def provider(self) -> str:
        """The execution provider that really runs, as ONNX Runtime calls it."""
        return self.model.finder.provider

    def warm_up(self) -> None:
        """Run once on empty input, so that the first study does not wait for it."""
        self.model.finder.warm_up()
        if self.model.classifier is not None:
            self.model.classifier.warm_up()

    def look(self, thinned: Callable[[], Volume]) -> FirstLook | None:
        """Look at a few slices; raises as what decodes them."""
        return first_look(thinned(), self.model)

    def read_ahead(self, slices: ComingSlices, go_on: Callable[[], bool]) -> int:
        """Find in slices before their volume is there; see `StudyReader.read_ahead`."""
        return self.model.finder.read_ahead(slices, self.model.grid, go_on)

    def read_study(self, study: StudyToRead, on_progress: OnProgress) -> StudyRead:
        """Read a chest, compare it with the patient's earlier ones, and judge both together."""
        series, volume = study.series, study.volume
        context = replace(study.given, prior=latest_measurement(study.earlier))
        reading, _ = self.read(volume, series=series, context=context, on_progress=on_progress)
        followed = follow_course(
            reading,
            volume,
            earlier=study.earlier,
            not_compared=study.not_compared,
            study_instance_uid=series.study_instance_uid,
        )
        reading = followed.reading
        triage = triage_reading(reading)  # again: how quickly lesions grew counts
        answer = answer_of(reading, volume, triage, context)
        return StudyRead(
            reading=replace(
                answer,
                urgency_rules=rules_seen(reading),
                known=known_values(context, stated_values(acquisition_of(series))),
            ),
            triage=triage,
            kept=None if followed.chest is None else chest_map_bytes(followed.chest),
            tracking=lesions_by_name(reading, series.study_instance_uid),
            places=lesion_places(reading),
            earlier=followed.earlier,
        )

    def read(
        self,
        volume: Volume,
        *,
        series: SeriesHeader | None = None,
        context: ClinicalContext | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> tuple[ChestReading, Triage | None]:
        """Find, measure, and decide how soon a radiologist should look.

        Parameters
        ----------
        series : that the volume was decoded from; quality gates and severity rules ask for what
            its headers say
        context : what was given of the patient beside the study

        Returns
        -------
        The reading, and its triage; None for a reading that is not assessable.
        """
        reading = read_study(
            volume,
            self.model,
            on_progress,
            acquisition=None if series is None else acquisition_of(series),
            context=context,
        )
        if series is not None:
            reading = replace(reading, acquired_at=series.acquired_at)
        return reading, triage_reading(reading)

    def read_alone(self, study: StudyToRead, on_progress: OnProgress) -> ReadAlone:
        """Read a chest by itself; an earlier measurement that was given counts."""
        series, given = study.series, study.given
        reading, triage = self.read(
            study.volume, series=series, context=given, on_progress=on_progress
        )
        facts = {
            "context": given.facts(stated_values(acquisition_of(series))),
            **reading.facts(),
        }
        return ReadAlone(answer_of(reading, study.volume, triage, given), triage, facts)


def open_chest_reader(bundle: Bundle, *, provider: ExecutionProvider, threads: int) -> StudyReader:
    """Load a bundle of schema 2 for the worker; see `models.readers.open_reader`."""
    return Reader.of(bundle, provider=provider, threads=threads)


def open_declared_chest(
    bundle: DeclaredBundle,
    *,
    provider: ExecutionProvider,
    threads: int,
    limits: Mapping[str, float],
) -> StudyReader:
    """Load a bundle of schema 3 whose `[reader]` is "chest-ct".

    Raises
    ------
    SettingsRefused
        A site set limits: the rules of a chest are not the rows of its declaration.
    """
    if limits:
        raise SettingsRefused(
            f"bundle_limits: the bundle {bundle.name} has a reader of its own, whose limits "
            "cannot be set"
        )
    return Reader.of(bundle, provider=provider, threads=threads)


def acquisition_of(series: SeriesHeader) -> Acquisition:
    """What the headers say that the quality gates and the severity rules ask for."""
    stated = [frame.slice_thickness for _, frame in series.frames]
    thickness = [one for one in stated if one is not None and one > 0]
    return Acquisition(
        patient_age_years=series.patient_age_years,
        patient_sex=series.patient_sex,
        acquired_at=series.acquired_at,
        slice_thickness_mm=median(thickness) if thickness else None,
        patient_position=series.patient_position,
    )
