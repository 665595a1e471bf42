"""A bundle of schema 3 with its networks loaded: what the worker reads a study with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from models.declared_bundle import DeclaredBundle
from models.judge.limits import limits_in_force
from models.read_volume import JudgedReading, read_volume
from models.run.declared_network import DeclaredNetwork, load_networks
from models.study_reader import FirstLook
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from settings.environment import Settings


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
    def of(cls, bundle: DeclaredBundle, settings: Settings) -> DeclaredReader:
        """Load the networks of a bundle.

        Raises
        ------
        BundleRejected
            A network is not the declared one.
        SettingsRefused
            CUDA is demanded and not there, or a limit is set for a rule that the bundle does not
            have: it might have been renamed, and the study would be judged by another limit.
        """
        limits = settings.bundle_limits.get(bundle.name, {})
        limits_in_force(bundle.rules, limits, bundle.name)
        networks = load_networks(
            bundle, provider=settings.execution_provider, threads=settings.inference_threads
        )
        return cls(bundle, networks, limits)

    @property
    def provider(self) -> str:
        """The execution provider that really runs, as ONNX Runtime calls it."""
        return next(iter(self.networks.values())).provider

    def warm_up(self) -> None:
        """Run each network once on nothing, so that the first study does not wait for it."""
        for network in self.networks.values():
            network.warm_up()

    def look(self, thinned: Callable[[], Volume]) -> FirstLook | None:
        """Such a bundle declares no quick look: its study keeps its place."""
        return None

    def read(
        self,
        volume: Volume,
        *,
        series: SeriesHeader,
        age_years: float | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> JudgedReading:
        """Run, measure, check and judge; raises as `models.read_volume.read_volume`.

        Parameters
        ----------
        series : that the volume was decoded from
        age_years : as it was given beside the study; None for what the headers say
        """
        judged = read_volume(
            volume,
            self.bundle,
            self.networks,
            limits=self.limits,
            age_years=series.patient_age_years if age_years is None else age_years,
            on_progress=on_progress,
        )
        return replace(judged, reading=replace(judged.reading, acquired_at=series.acquired_at))
