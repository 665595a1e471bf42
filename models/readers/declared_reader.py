"""A bundle of schema 3 with its networks loaded, as a reader of studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from models.declared_bundle import DeclaredBundle
from models.read_volume import read_volume
from models.readers.study_reader import (
    ComingSlices,
    FirstLook,
    OnProgress,
    ReadAlone,
    StudyRead,
    StudyToRead,
)
from models.run.declared_network import DeclaredNetwork, load_networks
from radiology.algorithm import ExecutionProvider
from radiology.answer.stored_reading import to_facts
from radiology.image.volume import Volume


@dataclass(frozen=True)
class DeclaredReader:
    """A loaded bundle; kept for the life of a worker process.

    Attributes
    ----------
    networks : by name
    limits : of the site, by the name of the rule, in place of the bundle's
    """

    bundle: DeclaredBundle
    networks: Mapping[str, DeclaredNetwork]
    limits: Mapping[str, float]

    @classmethod
    def of(
        cls,
        bundle: DeclaredBundle,
        *,
        provider: ExecutionProvider,
        threads: int,
        limits: Mapping[str, float],
    ) -> DeclaredReader:
        """Load the networks of a bundle; parameters as `models.readers.open_reader.open_reader`.

        Raises
        ------
        BundleRejected
            A network is not the declared one.
        SettingsRefused
            CUDA is demanded and not there.
        """
        return cls(bundle, load_networks(bundle, provider=provider, threads=threads), limits)

    @property
    def provider(self) -> str:
        """The execution provider that really runs, as ONNX Runtime calls it."""
        return next(iter(self.networks.values())).provider

    def warm_up(self) -> None:
        """Run each network once on empty input, so that the first study does not wait for it."""
        for network in self.networks.values():
            network.warm_up()

    def look(self, thinned: Callable[[], Volume]) -> FirstLook | None:
        """Such a bundle declares no quick look: its study keeps its place."""
        return None

    def read_ahead(self, slices: ComingSlices, go_on: Callable[[], bool]) -> int:
        """Such a bundle is fed what is made of a whole volume."""
        return 0

    def read_study(self, study: StudyToRead, on_progress: OnProgress) -> StudyRead:
        """Run, measure, check and judge; raises as `models.read_volume.read_volume`.

        An age that was given beside the study counts before that of the headers.
        """
        series, given = study.series, study.given.values
        judged = read_volume(
            study.volume,
            self.bundle,
            self.networks,
            limits=self.limits,
            age_years=series.patient_age_years if given.age_years is None else given.age_years,
            given=given,
            on_progress=on_progress,
        )
        reading = replace(judged.reading, acquired_at=series.acquired_at)
        return StudyRead(reading, judged.triage)

    def read_alone(self, study: StudyToRead, on_progress: OnProgress) -> ReadAlone:
        """The same: such a bundle follows no course."""
        read = self.read_study(study, on_progress)
        return ReadAlone(read.reading, read.triage, to_facts(read.reading))
