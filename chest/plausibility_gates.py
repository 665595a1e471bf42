"""The gates that stop an answer which no patient can have: a network that is lost sounds sure.

Each refuses. An urgent flag beside a reservation is read as an urgent flag, so what the networks
outlined must first be possible: lungs in the body, of a patient's size, with a trachea between
them; disease that is neither air nor metal and does not lie at the lungs' ends alone.

The limits are ours. docs/case-level.md says what they saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chest.gate_measures import Scan
from chest.lungs.trachea import trachea_mm
from chest.values.regions import ChestRegions, LesionLabel
from radiology.outcome import GateSeverity, QualityGate
from radiology.region import pixels_by_slice

MOST_OUTSIDE_PERCENT = 75.0  # of what is taken for lung; what lies outside is dropped anyway
LEAST_TRACHEA_MM = 20.0
CONSOLIDATION_HU = (-500.0, 200.0)  # median; with contrast medium lung without air reaches 150
GROUND_GLASS_HU = (-900.0, 0.0)  # median; inflated lung has −860
END_MM = 15.0  # five slices of 3 mm
MOST_AT_ENDS_PERCENT = 80.0  # of the lesions' volume
LITTLE_LUNG = 0.1  # of the largest cross-section
_LEAST_LESION_ML = 1.0  # less has no distribution


@dataclass(frozen=True, slots=True)
class Outlined:
    """What was outlined in a canonical volume.

    Attributes
    ----------
    hounsfield : shape (slices, rows, columns), HU
    outside_ml, inside_ml : what the network took for lung outside the body, and inside it
    """

    hounsfield: NDArray[np.float32]
    regions: ChestRegions
    voxel_ml: float
    outside_ml: float
    inside_ml: float


def _gate(name: str, passed: bool, seen: str, limit: str, reason: str) -> QualityGate:
    passed = bool(passed)  # of numpy it could not be stored
    return QualityGate(name, passed, seen, limit, "" if passed else reason, GateSeverity.REFUSES)


def check_lungs(scan: Scan, outlined: Outlined) -> list[QualityGate]:
    """Whether the lungs can be lungs."""
    taken_ml = outlined.outside_ml + outlined.inside_ml
    outside = 100.0 * outlined.outside_ml / taken_ml if taken_ml > 0 else 0.0
    pipe_mm = trachea_mm(scan.all_hounsfield, scan.lungs, (scan.slice_mm, scan.pixel_mm))
    return [
        _gate(
            "lungs inside the body",
            outside <= MOST_OUTSIDE_PERCENT,
            f"{outside:.0f} % outside",
            f"at most {MOST_OUTSIDE_PERCENT:g} % outside",
            "The model took for lung what lies outside the body.",
        ),
        _gate(
            "trachea",
            pipe_mm >= LEAST_TRACHEA_MM,
            f"{pipe_mm:.0f} mm between the lungs",
            f"at least {LEAST_TRACHEA_MM:g} mm",
            "No trachea was found between what was taken for lungs.",
        ),
    ]


def check_lesions(scan: Scan, outlined: Outlined) -> list[QualityGate]:
    """Whether what was outlined in the lungs can be disease; without lesions there is no gate."""
    lesions = outlined.regions.lesions
    found = pixels_by_slice(lesions)
    if found.sum() * outlined.voxel_ml < _LEAST_LESION_ML:
        return []
    return [
        *_density_gates(outlined),
        _ends_gate(found, scan.areas, scan.slice_mm),
        _key_slice_gate(found, scan.areas),
    ]


def _density_gates(outlined: Outlined) -> list[QualityGate]:
    gates, box = [], outlined.regions.box
    hounsfield, lesions = outlined.hounsfield[box], outlined.regions.lesions[box]
    for name, label, limits in (
        ("density of consolidation", LesionLabel.CONSOLIDATION, CONSOLIDATION_HU),
        ("density of ground glass", LesionLabel.GROUND_GLASS, GROUND_GLASS_HU),
    ):
        values = hounsfield[lesions == label]
        if values.size * outlined.voxel_ml < _LEAST_LESION_ML:
            continue
        median = float(np.median(values))
        gates.append(
            _gate(
                name,
                limits[0] <= median <= limits[1],
                f"{median:.0f} HU",
                f"{limits[0]:g} to {limits[1]:g} HU",
                "What was outlined as disease has the density of air or of metal.",
            )
        )
    return gates


def _ends_gate(
    found: NDArray[np.int64], lung_areas: NDArray[np.int64], slice_mm: float
) -> QualityGate:
    with_lung = np.flatnonzero(lung_areas)
    count = max(round(END_MM / slice_mm), 1)
    inner = slice(int(with_lung[0]) + count, int(with_lung[-1]) + 1 - count)
    percent = 100.0 * (1.0 - float(found[inner].sum()) / float(found.sum()))
    return _gate(
        "lesions along the lungs",
        percent <= MOST_AT_ENDS_PERCENT,
        f"{percent:.0f} % at the ends",
        f"at most {MOST_AT_ENDS_PERCENT:g} % at the ends",
        "Nearly all that was outlined as disease lies at the very tips of the lungs.",
    )


def _key_slice_gate(found: NDArray[np.int64], lung_areas: NDArray[np.int64]) -> QualityGate:
    share = 100.0 * float(lung_areas[int(found.argmax())]) / float(max(lung_areas.max(), 1))
    limit = 100.0 * LITTLE_LUNG
    return _gate(
        "lung in the key slice",
        share >= limit,
        f"{share:.0f} % of the largest cross-section",
        f"at least {limit:g} %",
        "The slice with most disease shows hardly any lung.",
    )
