"""The quality gates: checks that refuse a study that the networks were not made for, or warn of it.

The limits are ours. They were measured on four CT series and on the phantom with noise, motion
and cuts added; docs/case-level.md has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chest.gate_measures import (
    Scan,
    cut_in_plane,
    heart_hu,
    lung_share_of_body,
    noise_hu,
    outline_jumps,
)
from chest.plausibility_gates import Outlined, check_lesions, check_lungs
from radiology.outcome import GateSeverity, QualityGate
from radiology.sex import Sex
from radiology.words.age import age_words

LEAST_LUNG_ML = 500.0  # both lungs; an adult's breathed out hold 2 l, and a child is no adult
SMALL_LUNG_ML = 1500.0
LARGE_LUNG_ML = (8000.0, 10_000.0)  # a tall man breathes in 8 l; emphysema makes them larger
LEAST_LUNG_SLICES = 8
LEAST_BODY_PERCENT = 10.0  # of the cross-section; in a chest 20 to 50 are lung
CUT_PERCENT = (15.0, 50.0)  # of the largest lung cross-section, on the first or the last slice
CUT_IN_PLANE_PERCENT = (5.0, 50.0)  # of slices
SLICE_MM = (5.0, 10.0)
LARGEST_PIXEL_MM = 2.0  # the network's own is 1.4 mm in a field of view of 360 mm
NOISE_HU = (40.0, 80.0)  # on the network's grid
MOST_JUMPS = 3
THINNEST_FOR_JUMPS_MM = 5.05  # in thicker slices anatomy itself jumps
ENHANCED_FROM_HU = 90.0
ADULT_FROM_YEARS = 18.0
NOISE = "noise"
"""Name of the gate that tells whether single voxels can be trusted."""

_ROUNDING_MM = 0.05


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What headers say of a scan and its patient; None where they do not.

    Attributes
    ----------
    patient_age_years : at the time of the study
    patient_sex, acquired_at : of no gate; the severity rules ask for them
    patient_position : of no gate; says which side lies down. Empty where no header does
    slice_thickness_mm : as the scanner states it; the distance between slices is known anyway
    """

    patient_age_years: float | None = None
    slice_thickness_mm: float | None = None
    patient_sex: Sex | None = None
    acquired_at: datetime | None = None
    patient_position: str = ""


def _gate(
    name: str,
    passed: bool,
    seen: str,
    limit: str,
    reason: str,
    severity: GateSeverity = GateSeverity.REFUSES,
) -> QualityGate:
    return QualityGate(name, passed, seen, limit, "" if passed else reason, severity)


def _graded(
    name: str, value: float, limits: tuple[float, float], unit: str, reason: str
) -> QualityGate:
    """Warn above the first limit, refuse above the second."""
    refused = value > limits[1]
    limit = limits[1] if refused else limits[0]
    return _gate(
        name,
        value <= limits[0],
        f"{value:.3g} {unit}",
        f"at most {limit:g} {unit}",
        reason,
        GateSeverity.REFUSES if refused else GateSeverity.WARNS,
    )


def _warning(name: str, passed: bool, seen: str, limit: str, reason: str) -> QualityGate:
    return _gate(name, passed, seen, limit, reason, GateSeverity.WARNS)


def _lung_gates(scan: Scan, lung_ml: float) -> list[QualityGate]:
    """Is this a chest at all, and all of it?"""
    areas = scan.areas
    slices, largest = int((areas > 0).sum()), max(int(areas.max(initial=0)), 1)
    cut = 100.0 * max(int(areas[0]), int(areas[-1])) / largest if areas.size else 0.0
    return [
        _gate(
            "lungs found",
            lung_ml >= LEAST_LUNG_ML,
            f"{lung_ml:.0f} ml",
            f"at least {LEAST_LUNG_ML:.0f} ml",
            "No lungs were found, or too little of them.",
        ),
        _gate(
            "slices with lung",
            slices >= LEAST_LUNG_SLICES,
            f"{slices}",
            f"at least {LEAST_LUNG_SLICES}",
            "Too few slices show lung.",
        ),
        _graded(
            "lungs covered", cut, CUT_PERCENT, "%", "The series ends in the middle of the lungs."
        ),
    ]


def _body_gate(scan: Scan) -> QualityGate:
    share = lung_share_of_body(scan)
    percent = 0.0 if share is None else 100.0 * share
    return _gate(
        "lungs in proportion",
        percent >= LEAST_BODY_PERCENT,
        f"{percent:.0f} % of the body",
        f"at least {LEAST_BODY_PERCENT:.0f} %",
        "What was taken for lungs is too small for the body: perhaps no chest.",
    )


def _noise_gate(scan: Scan) -> QualityGate:
    noise, name = noise_hu(scan), NOISE
    if noise is None:
        limit = f"at most {NOISE_HU[0]:g} HU"
        return _warning(
            name, False, "no soft tissue", limit, "Noise could not be measured: no soft tissue."
        )
    return _graded(name, noise, NOISE_HU, "HU", "The images are noisy: lesions may be missed.")


def _motion_gate(scan: Scan) -> QualityGate:
    name, limit = "motion", f"at most {MOST_JUMPS} jumps of the lungs' outline"
    if scan.slice_mm > THINNEST_FOR_JUMPS_MM:
        return _warning(name, True, "not measured: thick slices", limit, "")
    jumps = outline_jumps(scan)
    return _warning(
        name,
        jumps <= MOST_JUMPS,
        f"{jumps}",
        limit,
        "The patient moved or breathed: volumes and places may be wrong.",
    )


def _contrast_gate(scan: Scan) -> QualityGate:
    heart = heart_hu(scan)
    return _warning(
        "contrast phase",
        heart is None or heart < ENHANCED_FROM_HU,
        "not measured" if heart is None else f"{heart:.0f} HU between the lungs",
        f"under {ENHANCED_FROM_HU:.0f} HU",
        "Contrast medium: densities of lesions are higher than without it.",
    )


def _resolution_gates(scan: Scan, acquisition: Acquisition) -> list[QualityGate]:
    thick = max(scan.slice_mm, acquisition.slice_thickness_mm or 0.0)
    limits = (SLICE_MM[0] + _ROUNDING_MM, SLICE_MM[1] + _ROUNDING_MM)
    pixel_mm = scan.pixel_mm / scan.fit.pixel_scale[0]
    return [
        _gate(
            "slice thickness",
            thick <= limits[0],
            f"{thick:.3g} mm",
            f"at most {SLICE_MM[1] if thick > limits[1] else SLICE_MM[0]:g} mm",
            "Thick slices limit what can be seen: small and faint lesions are averaged away.",
            GateSeverity.REFUSES if thick > limits[1] else GateSeverity.WARNS,
        ),
        _warning(
            "pixel size",
            pixel_mm <= LARGEST_PIXEL_MM,
            f"{pixel_mm:.3g} mm",
            f"at most {LARGEST_PIXEL_MM:g} mm",
            "Coarse pixels limit what can be seen.",
        ),
    ]


def _volume_gate(lung_ml: float) -> QualityGate:
    name, seen = "lung volume", f"{lung_ml:.0f} ml"
    if lung_ml < SMALL_LUNG_ML:
        limit = f"at least {SMALL_LUNG_ML:.0f} ml"
        return _warning(name, False, seen, limit, "Small lungs: a child, or breathed out.")
    large, too_large = LARGE_LUNG_ML
    refused = lung_ml > too_large
    return _gate(
        name,
        lung_ml <= large,
        seen,
        f"at most {too_large if refused else large:.0f} ml",
        "Larger lungs than patients have: perhaps they were outlined wrongly.",
        GateSeverity.REFUSES if refused else GateSeverity.WARNS,
    )


def _adult_gates(lung_ml: float, acquisition: Acquisition) -> list[QualityGate]:
    age = acquisition.patient_age_years
    gates = [_volume_gate(lung_ml)]
    if age is not None:
        gates.append(
            _gate(
                "adult",
                age >= ADULT_FROM_YEARS,
                age_words(age),
                f"at least {ADULT_FROM_YEARS:.0f} years",
                "The model was made for adults.",
            )
        )
    return gates


def check_gates(
    scan: Scan, outlined: Outlined, lung_ml: float, acquisition: Acquisition
) -> tuple[QualityGate, ...]:
    """Apply every gate that can be applied.

    Without lungs only the first ones are: the others measure in and around them.

    Parameters
    ----------
    outlined : in the canonical volume that `scan` shows
    lung_ml : volume of both lungs
    """
    gates = _lung_gates(scan, lung_ml)
    if not gates[0].passed:
        return tuple(gates)
    percent = 100.0 * cut_in_plane(scan)
    return (
        *gates,
        _graded(
            "lungs in the field of view",
            percent,
            CUT_IN_PLANE_PERCENT,
            "% of slices cut",
            "The field of view cuts the lungs off.",
        ),
        _body_gate(scan),
        _noise_gate(scan),
        _motion_gate(scan),
        _contrast_gate(scan),
        *_resolution_gates(scan, acquisition),
        *_adult_gates(lung_ml, acquisition),
        *check_lungs(scan, outlined),
        *check_lesions(scan, outlined),
    )
