"""Run the bundle on a volume: findings, and how urgent they make the study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.bundle import Bundle
from models.catalogue import read_catalogue
from models.onnx_session import NetworkSession
from models.read_study import read_study
from radiology.finding import Reading, Triage
from radiology.volume import Volume
from settings.environment import Settings
from worker.flag.urgency import triage_reading


@dataclass(frozen=True)
class Reader:
    """A bundle with its network loaded; kept for the life of a worker process."""

    bundle: Bundle
    session: NetworkSession

    @classmethod
    def from_settings(cls, settings: Settings) -> Reader:
        """Load the newest usable bundle of the configured name.

        Raises
        ------
        BundleRejected
            There is none; the message says what was refused and why.
        SettingsRefused
            CUDA is demanded and not there.
        """
        bundle = read_catalogue(settings.bundles_folder).newest(settings.bundle)
        session = NetworkSession(
            bundle, provider=settings.execution_provider, threads=settings.inference_threads
        )
        return cls(bundle, session)

    @property
    def provider(self) -> str:
        """The execution provider that really runs, as ONNX Runtime calls it."""
        return self.session.provider

    def warm_up(self) -> None:
        """Run once on nothing, so that the first study does not wait for it."""
        self.session.warm_up()

    def read(
        self, volume: Volume, *, on_progress: Callable[[int, int], None] | None = None
    ) -> tuple[Reading, Triage | None]:
        """Find, measure, and decide how soon a radiologist should look.

        Returns
        -------
        The reading, and its triage; None for a reading that is not assessable.
        """
        reading = read_study(volume, self.bundle, self.session, on_progress)
        return reading, triage_reading(reading)
