"""Run the bundle on a volume: findings, and how urgent they make the study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from chest.gates import Acquisition
from chest.read_study import read_study
from models.bundle import Bundle
from models.catalogue import read_catalogue
from models.network_sessions import ClassifierSession, NetworkSession
from radiology.chest.reading import ChestReading
from radiology.chest.severity import ClinicalContext
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from radiology.urgency import Triage
from settings.environment import Settings
from worker.infer.urgency import triage_reading


@dataclass(frozen=True)
class Reader:
    """A bundle with its networks loaded; kept for the life of a worker process.

    Attributes
    ----------
    classifier : None for a bundle without one
    """

    bundle: Bundle
    session: NetworkSession
    classifier: ClassifierSession | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Reader:
        """Load the newest usable version of the first bundle in use.

        Raises
        ------
        BundleRejected
            There is none; the message says what was refused and why.
        SettingsRefused
            CUDA is demanded and not there.
        """
        return cls.of(
            read_catalogue(settings.bundles_folder).newest_of_schema_2(settings.first_bundle),
            settings,
        )

    @classmethod
    def of(cls, bundle: Bundle, settings: Settings) -> Reader:
        """Load the networks of a bundle.

        Raises
        ------
        BundleRejected
            A network is not the declared one.
        SettingsRefused
            CUDA is demanded and not there.
        """
        provider, threads = settings.execution_provider, settings.inference_threads
        session = NetworkSession(bundle, provider=provider, threads=threads)
        if bundle.classification is None:
            return cls(bundle, session)
        return cls(bundle, session, ClassifierSession(bundle, provider=provider, threads=threads))

    @property
    def provider(self) -> str:
        """The execution provider that really runs, as ONNX Runtime calls it."""
        return self.session.provider

    def warm_up(self) -> None:
        """Run once on nothing, so that the first study does not wait for it."""
        self.session.warm_up()
        if self.classifier is not None:
            self.classifier.warm_up()

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
            self.bundle,
            self.session,
            on_progress,
            classifier=self.classifier,
            acquisition=None if series is None else acquisition_of(series),
            context=context,
        )
        if series is not None:
            reading = replace(reading, acquired_at=series.acquired_at)
        return reading, triage_reading(reading)


def acquisition_of(series: SeriesHeader) -> Acquisition:
    """What the headers say that the quality gates and the severity rules ask for."""
    stated = [frame.slice_thickness for _, frame in series.frames]
    thickness = [one for one in stated if one is not None and one > 0]
    return Acquisition(
        patient_age_years=series.patient_age_years,
        patient_sex=series.patient_sex,
        acquired_at=series.acquired_at,
        slice_thickness_mm=median(thickness) if thickness else None,
    )
