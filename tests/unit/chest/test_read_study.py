"""Reading gives the same answer whatever way the volume's axes run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.gates import Acquisition
from chest.model.chest_model import OnProgress
from chest.model.of_schema_2 import model_of_schema_2
from chest.read_study import read_study
from chest.values.figures import Side
from chest.values.reading import ChestReading
from models.schema_2.bundle import Bundle
from models.schema_2.network_sessions import ClassifierSession, NetworkSession
from radiology.algorithm import ExecutionProvider
from radiology.clinical import ClinicalContext, ClinicalValues
from radiology.image.heat_map import HeatMap
from radiology.image.volume import Volume
from radiology.outcome import Outcome

Patches = NDArray[np.float32]


class ThresholdNetwork:
    """Calls what has lung's density lung, the left half of the image right, haze a lesion."""

    provider = "none"

    def warm_up(self) -> None:
        """Have nothing to warm."""

    def run(
        self, patches: Patches, on_progress: OnProgress | None = None
    ) -> Iterator[tuple[int, Patches, Patches]]:
        hu = patches[:, 0] * 1500.0 - 1250.0
        lung = (hu > -950.0) & (hu < -300.0)
        haze = (hu > -700.0) & (hu < -300.0)
        at_left = np.arange(hu.shape[2]) < hu.shape[2] // 2
        right, left = lung & at_left, lung & ~at_left
        lungs = np.stack([~lung, right, left], axis=1).astype(np.float32)
        lesions = np.stack([~haze, haze, np.zeros_like(haze)], axis=1).astype(np.float32)
        for first in range(0, hu.shape[0], 4):
            yield first, lungs[first : first + 4], lesions[first : first + 4]
            if on_progress is not None:
                on_progress(min(first + 4, hu.shape[0]), hu.shape[0])


def _chest() -> Volume:
    """Canonical: right lung at low columns, haze at its back, low down. 3 × 2.5 × 2.5 mm."""
    hu = np.full((60, 140, 140), 40.0, dtype=np.float32)
    hu[8:52, 30:110, 20:60] = -850.0
    hu[8:52, 30:110, 80:120] = -850.0
    hu[12:24, 90:106, 26:50] = -550.0
    hu[20:60, 44:50, 67:73] = -1000.0  # the trachea
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = 3.0, 2.5, 2.5, 1.0
    affine[:3, 3] = (-170.0, -160.0, -900.0)
    return Volume(hu, affine)


def _turned(volume: Volume, order: tuple[int, ...], flips: tuple[int, ...]) -> Volume:
    """The same voxels at the same places with axes swapped and flipped."""
    hu = volume.hounsfield.transpose(order)
    affine = volume.affine.copy()
    affine[:, :3] = affine[:, list(order)]
    for axis in flips:
        hu = np.flip(hu, axis)
        affine[:3, 3] += affine[:3, axis] * (hu.shape[axis] - 1)
        affine[:3, axis] *= -1.0
    return Volume(np.ascontiguousarray(hu), affine)


@pytest.fixture(scope="module")
def straight(shipped: Bundle) -> ChestReading:
    return read_study(_chest(), model_of_schema_2(shipped, ThresholdNetwork()))


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", [(), (0, 2)])
def test_masks_lie_at_the_same_place_in_any_orientation(
    shipped: Bundle, straight: ChestReading, order: tuple[int, ...], flips: tuple[int, ...]
) -> None:
    volume = _turned(_chest(), order, flips)
    reading = read_study(volume, model_of_schema_2(shipped, ThresholdNetwork()))
    assert reading.regions is not None
    assert straight.regions is not None
    assert reading.regions.lesions.shape == volume.shape
    expected = straight.regions.lesions.transpose(order)
    assert np.array_equal(reading.regions.lesions, np.flip(expected, flips))
    assert reading.figures[Side.RIGHT].lesion_volume_ml == pytest.approx(
        straight.figures[Side.RIGHT].lesion_volume_ml
    )
    assert reading.figures[Side.LEFT].lesion_volume_ml == 0.0


def test_haze_is_found_measured_and_on_the_patients_right(shipped: Bundle) -> None:
    reading = read_study(_chest(), model_of_schema_2(shipped, ThresholdNetwork()))
    truth_ml = 12 * 16 * 24 * 3.0 * 2.5 * 2.5 / 1000.0
    right = reading.figures[Side.RIGHT]
    assert reading.outcome is Outcome.FINDINGS
    assert right.lesion_volume_ml == pytest.approx(truth_ml, rel=0.1)
    assert right.lesion_mean_hu == pytest.approx(-550.0, abs=10.0)
    assert reading.key_slice is not None
    assert 12 <= reading.key_slice < 24


def test_progress_reaches_the_number_of_slices(shipped: Bundle) -> None:
    seen: list[tuple[int, int]] = []
    model = model_of_schema_2(shipped, ThresholdNetwork())
    read_study(_chest(), model, lambda done, of: seen.append((done, of)))
    assert seen[-1] == (60, 60)
    assert seen == sorted(seen)


@pytest.fixture(scope="module")
def tiny_sessions(tiny: Bundle) -> tuple[NetworkSession, ClassifierSession]:
    """Real sessions of real, untrained networks."""
    cpu = ExecutionProvider.CPU
    return (
        NetworkSession(tiny, provider=cpu, threads=1),
        ClassifierSession(tiny, provider=cpu, threads=1),
    )


def _coloured(heat: HeatMap, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels of the slice lie under warm cells of its heat map."""
    rows = (np.arange(shape[0]) + 0.5 - heat.top) / heat.height * heat.levels.shape[0]
    columns = (np.arange(shape[1]) + 0.5 - heat.left) / heat.width * heat.levels.shape[1]
    within = np.ix_(
        (rows >= 0) & (rows < heat.levels.shape[0]),
        (columns >= 0) & (columns < heat.levels.shape[1]),
    )
    cells = np.ix_(*(one[within[at].ravel()].astype(int) for at, one in enumerate((rows, columns))))
    warm = np.zeros(shape, dtype=bool)
    warm[within] = heat.levels[cells] > 128
    return warm


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
@pytest.mark.parametrize("flips", [(), (0,), (1,), (2,), (0, 1, 2)])
def test_heat_lies_on_the_lesions_in_any_axial_orientation(
    tiny: Bundle,
    tiny_sessions: tuple[NetworkSession, ClassifierSession],
    order: tuple[int, ...],
    flips: tuple[int, ...],
) -> None:
    volume = _turned(_chest(), order, flips)
    session, classifier = tiny_sessions
    reading = read_study(volume, model_of_schema_2(tiny, session, classifier))
    assert reading.regions is not None
    assert reading.key_slice in reading.heat_maps
    lesions = reading.regions.lesions > 0
    for index, heat in reading.heat_maps.items():
        warm = _coloured(heat, volume.shape[1:])
        assert warm.any()
        assert (warm & lesions[index]).sum() > 0.6 * warm.sum()
        assert (warm & lesions[index]).sum() > 0.6 * lesions[index].sum()


def test_heat_of_a_coronal_acquisition_is_not_kept(
    tiny: Bundle, tiny_sessions: tuple[NetworkSession, ClassifierSession]
) -> None:
    """It would lie across all its images; type and signs are answered all the same."""
    session, classifier = tiny_sessions
    volume = _turned(_chest(), (1, 0, 2), ())
    reading = read_study(volume, model_of_schema_2(tiny, session, classifier))
    assert not reading.heat_maps
    assert reading.viral is not None
    assert reading.signs


def test_clear_chest_has_no_heat_map_no_type_and_no_signs(
    tiny: Bundle, tiny_sessions: tuple[NetworkSession, ClassifierSession]
) -> None:
    chest = _chest()
    chest.hounsfield[12:24, 90:106, 26:50] = -850.0
    session, classifier = tiny_sessions
    reading = read_study(chest, model_of_schema_2(tiny, session, classifier))
    assert reading.outcome is Outcome.NO_FINDINGS
    assert not reading.heat_maps
    assert reading.viral is None
    assert reading.signs == ()


def test_without_a_classifier_there_is_a_reading_without_type_and_signs(
    tiny: Bundle, tiny_sessions: tuple[NetworkSession, ClassifierSession]
) -> None:
    reading = read_study(_chest(), model_of_schema_2(tiny, tiny_sessions[0]))
    assert reading.outcome is Outcome.FINDINGS
    assert reading.confidence is not None
    assert (reading.viral, reading.signs, dict(reading.heat_maps)) == (None, (), {})


def test_what_the_headers_say_reaches_the_gates(tiny: Bundle) -> None:
    child = Acquisition(patient_age_years=5.0)
    reading = read_study(_chest(), model_of_schema_2(tiny, ThresholdNetwork()), acquisition=child)
    assert [(gate.name, gate.seen) for gate in reading.failed_gates] == [("adult", "5 years")]
    assert reading.outcome is Outcome.NOT_ASSESSABLE
    newborn = Acquisition(patient_age_years=0.0)
    reading = read_study(_chest(), model_of_schema_2(tiny, ThresholdNetwork()), acquisition=newborn)
    assert [gate.seen for gate in reading.failed_gates] == ["under 1 year"]


def test_an_age_that_was_given_counts_before_that_of_the_headers_for_the_gates_too(
    tiny: Bundle,
) -> None:
    """Made-up birth dates are common; a child is no adult, whoever says so."""
    child, adult = Acquisition(patient_age_years=5.0), ClinicalValues(age_years=67)
    given = ClinicalContext(adult)
    model = model_of_schema_2(tiny, ThresholdNetwork())
    reading = read_study(_chest(), model, acquisition=child, context=given)
    assert reading.failed_gates == ()
    given = ClinicalContext(ClinicalValues(age_years=5))
    reading = read_study(_chest(), model_of_schema_2(tiny, ThresholdNetwork()), context=given)
    assert [gate.name for gate in reading.failed_gates] == ["adult"]
