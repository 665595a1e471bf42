"""Gates on the phantom: it passes as it is, and each spoiling is caught by its own gate.

The lungs are the phantom's own, so that only the gates are looked at.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.gate_measures import Scan
from chest.gates import Acquisition, check_gates
from chest.plausibility_gates import Outlined
from chest.values.regions import ChestRegions, LesionLabel
from models.schema_2.bundle import Bundle
from models.schema_2.preprocess import fit_of, to_patches
from phantom.grid import phantom_grid
from phantom.synthesis import Phantom, make_phantom
from radiology.image.volume import Volume
from radiology.outcome import GateSeverity, QualityGate

GRID = phantom_grid(shape=(60, 192, 192), spacing_mm=(5.0, 1.8, 1.8))


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(seed=1, grid=GRID, lesions=(), twigs=100)


def _check(
    shipped: Bundle,
    hounsfield: NDArray[np.float32],
    lungs: NDArray[np.uint8],
    affine: NDArray[np.float64],
    acquisition: Acquisition | None = None,
    *,
    lesions: NDArray[np.uint8] | None = None,
    outside_ml: float = 0.0,
) -> dict[str, QualityGate]:
    """The gates by name, of a stack that is canonical already."""
    volume = Volume(np.ascontiguousarray(hounsfield, dtype=np.float32), affine)
    found = np.zeros_like(lungs) if lesions is None else lesions
    regions = ChestRegions(np.ascontiguousarray(lungs), np.ascontiguousarray(found))
    fit = fit_of(volume, shipped.grid)
    patches = to_patches(volume, fit, shipped.grid)
    scan = Scan.of(patches, regions, volume.spacing_mm, fit, shipped.grid)
    lung_ml = int(np.count_nonzero(lungs)) * volume.voxel_ml
    outlined = Outlined(
        volume.hounsfield, regions, volume.voxel_ml, outside_ml=outside_ml, inside_ml=lung_ml
    )
    gates = check_gates(scan, outlined, lung_ml, acquisition or Acquisition())
    assert len({gate.name for gate in gates}) == len(gates)
    assert all(gate.passed or gate.reason for gate in gates)
    return {gate.name: gate for gate in gates}


def _canonical(phantom: Phantom) -> tuple[NDArray[np.float32], NDArray[np.uint8], Volume]:
    canonical, order = phantom.volume.canonical()
    return canonical.hounsfield, order.apply(phantom.lungs).astype(np.uint8), canonical


def _troubles(gates: dict[str, QualityGate]) -> dict[str, GateSeverity]:
    return {name: gate.severity for name, gate in gates.items() if not gate.passed}


def test_phantom_passes_every_gate(shipped: Bundle, phantom: Phantom) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    acquisition = Acquisition(patient_age_years=50.0, slice_thickness_mm=5.0)
    gates = _check(shipped, hounsfield, lungs, canonical.affine, acquisition)
    assert not _troubles(gates)
    assert "adult" in gates


@pytest.mark.parametrize(
    ("sigma_hu", "expected"),
    [(20.0, None), (85.0, GateSeverity.WARNS), (170.0, GateSeverity.REFUSES)],
)
def test_noise_warns_and_then_refuses(
    shipped: Bundle, phantom: Phantom, sigma_hu: float, expected: GateSeverity | None
) -> None:
    """The network's grid is finer than this phantom's, so it sees about 0.6 of the noise."""
    hounsfield, lungs, canonical = _canonical(phantom)
    noise = np.random.default_rng(1).normal(0.0, sigma_hu, hounsfield.shape)
    gates = _check(shipped, hounsfield + noise, lungs, canonical.affine)
    assert _troubles(gates).get("noise") is expected
    assert set(_troubles(gates)) <= {"noise"}


@pytest.mark.parametrize(
    ("slices", "expected"),
    [(np.s_[:30], GateSeverity.REFUSES), (np.s_[30:], GateSeverity.REFUSES)],
)
def test_series_that_ends_in_the_lungs_is_refused(
    shipped: Bundle, phantom: Phantom, slices: slice, expected: GateSeverity
) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    gates = _check(shipped, hounsfield[slices], lungs[slices], canonical.affine)
    assert _troubles(gates)["lungs covered"] is expected


def test_series_that_ends_at_the_very_apex_is_warned_of(shipped: Bundle, phantom: Phantom) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    areas = np.count_nonzero(lungs, axis=(1, 2))
    last = int(np.flatnonzero(areas > 0.25 * areas.max())[-1])
    gates = _check(shipped, hounsfield[: last + 1], lungs[: last + 1], canonical.affine)
    assert _troubles(gates) == {"lungs covered": GateSeverity.WARNS}


def test_field_of_view_that_cuts_a_lung_is_refused(shipped: Bundle, phantom: Phantom) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    columns = np.s_[:, :, 60:]
    gates = _check(shipped, hounsfield[columns], lungs[columns], canonical.affine)
    assert _troubles(gates)["lungs in the field of view"] is GateSeverity.REFUSES


def test_round_field_of_view_that_cuts_the_lungs_is_refused(
    shipped: Bundle, phantom: Phantom
) -> None:
    """What lies outside the circle is padding, as `worker.series.decode_volume` leaves it."""
    hounsfield, lungs, canonical = _canonical(phantom)
    rows, columns = np.indices(hounsfield.shape[1:]) - 95.5
    outside = np.hypot(rows, columns) > 55
    gates = _check(
        shipped,
        np.where(outside, np.float32(-1024.0), hounsfield),
        np.where(outside, 0, lungs).astype(np.uint8),
        canonical.affine,
    )
    assert _troubles(gates)["lungs in the field of view"] is GateSeverity.REFUSES


def test_patient_who_moves_is_warned_of(shipped: Bundle, phantom: Phantom) -> None:
    """Every other 20 mm of the stack lie 9 mm to the side."""
    hounsfield, lungs, canonical = _canonical(phantom)
    moved, moved_lungs = hounsfield.copy(), lungs.copy()
    for first in range(0, 60, 8):
        part = np.s_[first : first + 4]
        moved[part], moved_lungs[part] = (np.roll(one[part], 5, axis=2) for one in (moved, lungs))
    gates = _check(shipped, moved, moved_lungs, canonical.affine)
    assert _troubles(gates) == {"motion": GateSeverity.WARNS}


def test_contrast_medium_is_remarked_on_with_its_density(shipped: Bundle, phantom: Phantom) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    blood = (hounsfield > 20) & (hounsfield < 70)
    gates = _check(shipped, np.where(blood, hounsfield + 130, hounsfield), lungs, canonical.affine)
    assert _troubles(gates)["contrast phase"] is GateSeverity.WARNS
    assert "HU" in gates["contrast phase"].seen


@pytest.mark.parametrize(
    ("every", "expected"), [(1, None), (2, GateSeverity.WARNS), (3, GateSeverity.REFUSES)]
)
def test_thick_slices_warn_and_then_refuse(
    shipped: Bundle, phantom: Phantom, every: int, expected: GateSeverity | None
) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    affine = canonical.affine.copy()
    affine[:3, 0] *= every
    gates = _check(shipped, hounsfield[::every], lungs[::every], affine)
    assert _troubles(gates).get("slice thickness") is expected


def test_stated_thickness_counts_where_slices_overlap(shipped: Bundle, phantom: Phantom) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    stated = Acquisition(slice_thickness_mm=8.0)
    gates = _check(shipped, hounsfield, lungs, canonical.affine, stated)
    assert _troubles(gates) == {"slice thickness": GateSeverity.WARNS}


def test_child_is_refused(shipped: Bundle, phantom: Phantom) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    child = Acquisition(patient_age_years=9.0)
    gates = _check(shipped, hounsfield, lungs, canonical.affine, child)
    assert _troubles(gates) == {"adult": GateSeverity.REFUSES}


def test_small_lungs_are_warned_of_where_the_age_is_not_known(
    shipped: Bundle, phantom: Phantom
) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    affine = canonical.affine.copy()
    affine[:3, :3] *= 0.6
    gates = _check(shipped, hounsfield, lungs, affine)
    assert _troubles(gates) == {"lung volume": GateSeverity.WARNS}


def test_what_is_no_chest_is_refused(shipped: Bundle, phantom: Phantom) -> None:
    """A body with a little gas in it: too little for lungs, or too little for the body."""
    hounsfield, lungs, canonical = _canonical(phantom)
    gates = _check(shipped, hounsfield, np.zeros_like(lungs), canonical.affine)
    assert _troubles(gates)["lungs found"] is GateSeverity.REFUSES
    body = np.full(hounsfield.shape, 40.0, dtype=np.float32)
    gas = np.zeros_like(lungs)
    gas[10:50, 90:120, 80:110] = 1
    body[gas > 0] = -950.0
    gates = _check(shipped, body, gas, canonical.affine)
    assert _troubles(gates)["lungs in proportion"] is GateSeverity.REFUSES


def test_gates_are_measured_alike_on_any_matrix(shipped: Bundle, phantom: Phantom) -> None:
    """Half the matrix, the same patient: nothing but the size of the pixels is remarked on."""
    hounsfield, lungs, canonical = _canonical(phantom)
    affine = canonical.affine.copy()
    affine[:3, 1:3] *= 2.0
    gates = _check(shipped, hounsfield[:, ::2, ::2], lungs[:, ::2, ::2], affine)
    assert _troubles(gates) == {"pixel size": GateSeverity.WARNS}
    assert gates["pixel size"].seen == "3.6 mm"


def _with(lungs: NDArray[np.uint8], label: LesionLabel, slices: slice) -> NDArray[np.uint8]:
    """Lesions of one kind in half of the right lung in these slices."""
    lesions = np.zeros_like(lungs)
    part = lungs[slices] == 1
    part[:, ::2] = False
    lesions[slices][part] = label
    return lesions


def _ends(lungs: NDArray[np.uint8]) -> tuple[int, int]:
    with_lung = np.flatnonzero(lungs.any(axis=(1, 2)))
    return int(with_lung[0]), int(with_lung[-1])


def test_lungs_outside_the_body_are_refused(shipped: Bundle, phantom: Phantom) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    gates = _check(shipped, hounsfield, lungs, canonical.affine, outside_ml=20_000.0)
    assert _troubles(gates) == {"lungs inside the body": GateSeverity.REFUSES}
    few = _check(shipped, hounsfield, lungs, canonical.affine, outside_ml=900.0)
    assert not _troubles(few)


def test_lungs_larger_than_a_patients_are_refused(shipped: Bundle, phantom: Phantom) -> None:
    """The same pixels, larger: 9 litres are remarked on, 13 are none."""
    hounsfield, lungs, canonical = _canonical(phantom)
    for litres, expected in ((9.0, GateSeverity.WARNS), (13.0, GateSeverity.REFUSES)):
        affine = canonical.affine.copy()
        now = int(np.count_nonzero(lungs)) * canonical.voxel_ml / 1000.0
        affine[:3, 1:3] *= np.sqrt(litres / now)
        gates = _check(shipped, hounsfield, lungs, affine)
        assert _troubles(gates)["lung volume"] is expected


def test_lungs_without_a_trachea_are_refused(shipped: Bundle, phantom: Phantom) -> None:
    """The phantom's trachea is filled; nothing else is changed."""
    hounsfield, lungs, canonical = _canonical(phantom)
    filled = hounsfield.copy()
    middle = filled[:, 60:130, 80:112]
    middle[(middle < -850) & (lungs[:, 60:130, 80:112] == 0)] = 40.0
    gates = _check(shipped, filled, lungs, canonical.affine)
    assert _troubles(gates) == {"trachea": GateSeverity.REFUSES}


@pytest.mark.parametrize(
    ("label", "hu", "name"),
    [
        (LesionLabel.CONSOLIDATION, -990.0, "density of consolidation"),
        (LesionLabel.CONSOLIDATION, 3000.0, "density of consolidation"),
        (LesionLabel.GROUND_GLASS, -990.0, "density of ground glass"),
    ],
)
def test_disease_of_air_or_metal_is_refused(
    shipped: Bundle, phantom: Phantom, label: LesionLabel, hu: float, name: str
) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    lesions = _with(lungs, label, slice(20, 40))
    changed = np.where(lesions > 0, np.float32(hu), hounsfield)
    gates = _check(shipped, changed, lungs, canonical.affine, lesions=lesions)
    assert _troubles(gates)[name] is GateSeverity.REFUSES
    usual = np.where(lesions > 0, np.float32(-200.0), hounsfield)
    gates = _check(shipped, usual, lungs, canonical.affine, lesions=lesions)
    assert name not in _troubles(gates)


def test_disease_at_the_tips_of_the_lungs_alone_is_refused(
    shipped: Bundle, phantom: Phantom
) -> None:
    """Three slices of 5 mm at the apex; the same higher up in the lung is left alone."""
    hounsfield, lungs, canonical = _canonical(phantom)
    _, last = _ends(lungs)
    for slices, refused in ((slice(last - 2, last + 1), True), (slice(20, 40), False)):
        lesions = _with(lungs, LesionLabel.CONSOLIDATION, slices)
        dense = np.where(lesions > 0, np.float32(0.0), hounsfield)
        gates = _check(shipped, dense, lungs, canonical.affine, lesions=lesions)
        assert ("lesions along the lungs" in _troubles(gates)) is refused


def test_a_key_slice_with_hardly_any_lung_is_refused(shipped: Bundle, phantom: Phantom) -> None:
    hounsfield, lungs, canonical = _canonical(phantom)
    _, last = _ends(lungs)
    rows = np.flatnonzero((lungs[last] == 1).any(axis=1))
    lungs[last, rows[12] :] = 0
    lungs[last][lungs[last] == 2] = 0
    lesions = np.zeros_like(lungs)
    lesions[last][lungs[last] > 0] = LesionLabel.CONSOLIDATION
    gates = _check(shipped, hounsfield, lungs, canonical.affine, lesions=lesions)
    assert _troubles(gates)["lung in the key slice"] is GateSeverity.REFUSES
