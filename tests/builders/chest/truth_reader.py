"""A reader that knows the truth about phantoms, for tests of what happens to a reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from chest.interpret import measure
from chest.judge_severity import judge_severity
from chest.lobes import measure_territories
from chest.reader import Reader, acquisition_of
from chest.triage.urgency import triage_reading
from chest.values.reading import ChestReading
from chest.values.regions import ChestRegions
from chest.values.territory import Territories
from models.readers.study_reader import OnProgress, StudyRead, StudyToRead
from models.schema_2.bundle import Bundle
from phantom import Phantom
from radiology.clinical import ClinicalContext
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from radiology.outcome import Outcome
from radiology.urgency import Triage
from settings.environment import Settings
from tests.builders.chest.chest_pairs import LOBES
from worker.infer.warm_readers import WarmReaders


class TruthReaders(WarmReaders):
    """In place of `worker.infer.warm_readers.WarmReaders`: readers that know the truth.

    The first one stands in for a bundle that none of them is of.
    """

    def __init__(self, settings: Settings, *readers: TruthReader) -> None:
        super().__init__(settings)
        self._first = readers[0]
        self._truth = {one.bundle.name: one for one in readers}

    def reader_of(self, name: str) -> Reader:
        """Give the reader that knows."""
        return cast("Reader", self._truth.get(name, self._first))


@dataclass
class TruthReader:
    """In place of `chest.reader.Reader`: segments by what the phantom is made of."""

    bundle: Bundle
    phantoms: dict[str, Phantom] = field(default_factory=dict)  # by Study Instance UID
    provider: str = "truth"

    def read_study(self, study: StudyToRead, on_progress: OnProgress) -> StudyRead:
        """Go on as the real one does from what is true."""
        return Reader.read_study(cast("Reader", self), study, on_progress)

    def look(self, thinned: Callable[[], Volume]) -> None:
        """Have no quick look."""

    def read(
        self,
        volume: Volume,
        *,
        series: SeriesHeader,
        context: ClinicalContext | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> tuple[ChestReading, Triage | None]:
        """Say what is true."""
        phantom = self.phantoms[series.study_instance_uid]
        _, order = volume.canonical()
        _, made = phantom.volume.canonical()
        lungs, lesions, lobes = (
            order.undo(made.apply(one)) for one in (phantom.lungs, phantom.lesions, phantom.lobes)
        )
        regions = ChestRegions(lungs, lesions)
        territories = Territories(lobes, LOBES, ())
        figures = measure(volume, regions)
        measured = measure_territories(volume, regions, territories)
        suspected = bool(lesions.any())
        reading = ChestReading(
            outcome=Outcome.FINDINGS if suspected else Outcome.NO_FINDINGS,
            algorithm=self.bundle.algorithm,
            suspicion=float(suspected),
            suspicion_threshold=0.5,
            figures=figures,
            gates=(),
            key_slice=volume.shape[0] // 2,
            regions=regions,
            territories=measured,
            severity=judge_severity(
                figures,
                measured,
                acquisition_of(series),
                suspected=suspected,
                context=context,
            ),
            acquired_at=series.acquired_at,
            divided=territories,
        )
        return reading, triage_reading(reading)
