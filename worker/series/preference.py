"""Which of several series that could be analysed is best: one row per preference, in order.

The order is the argument. A stack with a gap cannot be measured at all; secondary and non-axial
images are copies of better ones; a detail is worse than the whole; then thick slices
(lesions lost in partial volume) before sharp kernels (noise and overshoot in HU), then the finer
differences of the two. What is still equal is decided by coverage, slices and, last, by UID.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from radiology.errors import VolumeRefused
from worker.series.candidate import Candidate, SelectionLimits
from worker.series.words import Kernel

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_+./\\ -]{1,16}")  # PS3.5 Section 6.2, SH; no names in there
_KERNEL_PENALTY = {Kernel.SOFT: 0.0, Kernel.LUNG: 1.0, Kernel.UNKNOWN: 1.0, Kernel.SHARP: 2.0}


@dataclass(frozen=True, slots=True)
class Preference:
    """A row: less penalty is better.

    Attributes
    ----------
    reason : of a series that another one beats in this
    flaw : of a series that is chosen although its penalty is not 0; empty when that is no flaw
    """

    name: str
    penalty: Callable[[Candidate, SelectionLimits], float]
    seen: Callable[[Candidate], str]
    reason: str
    flaw: str = ""

    def is_flawed(self, candidate: Candidate, limits: SelectionLimits) -> bool:
        """Whether choosing this series deserves a warning."""
        return bool(self.flaw) and self.penalty(candidate, limits) > 0

    def warning(self, candidate: Candidate, limits: SelectionLimits) -> str:
        """The flaw and the value that was seen."""
        return f"{self.flaw} ({self.seen(candidate)})"


def _distance(candidate: Candidate) -> str:
    return f"{candidate.slice_distance_mm:g} mm"


def _outside_preferred(candidate: Candidate, limits: SelectionLimits) -> float:
    thinnest, thickest = limits.preferred_mm
    return max(0.0, thinnest - candidate.slice_distance_mm, candidate.slice_distance_mm - thickest)


def _stack_text(candidate: Candidate) -> str:
    stack = candidate.stack
    return stack.kind if isinstance(stack, VolumeRefused) else "even stack"


def _kernel_text(candidate: Candidate) -> str:
    name = candidate.kernel_name
    shown = name if _PLAIN_NAME.fullmatch(name) else "not shown"
    return f"{shown}: {candidate.kernel}" if name else "not stated"


def _frames_of_reference(candidate: Candidate) -> str:
    series = candidate.series
    if series.has_common_frame_of_reference:
        return "one"
    stated = len(series.frames_of_reference - {""})
    return f"{stated} in {len(series.instances)} instances"


PREFERENCES: tuple[Preference, ...] = (
    Preference(
        "even_stack",
        lambda candidate, limits: float(isinstance(candidate.stack, VolumeRefused)),
        _stack_text,
        "Slices are missing or unevenly spaced, beside a series that is whole",
        "Slices are missing or unevenly spaced",
    ),
    Preference(
        "primary",
        lambda candidate, limits: float(candidate.most_are(frozenset({"SECONDARY"})) is not None),
        lambda candidate: candidate.most_are(frozenset({"SECONDARY"})) or "PRIMARY",
        "The series was derived from other images, beside a primary one",
        "The series was derived from other images",
    ),
    Preference(
        "stated_units",
        lambda candidate, limits: float("US" in candidate.rescale_types),
        lambda candidate: "unspecified" if "US" in candidate.rescale_types else "HU",
        "The unit of the values is not stated, beside a series in HU",
        "The unit of the values is not stated; they are taken for HU",
    ),
    Preference(
        "axial",
        lambda candidate, limits: float(not candidate.is_axial),
        lambda candidate: "axial" if candidate.is_axial else "not axial",
        "The slices are not axial, beside a series of axial ones",
        "The slices are not axial",
    ),
    Preference(
        "full_coverage",
        lambda candidate, limits: float(candidate.coverage_mm < limits.detail_below_mm),
        lambda candidate: f"{candidate.coverage_mm:g} mm",
        "The series covers a part of what another one covers",
    ),
    Preference(
        "thick_slices",
        lambda candidate, limits: float(candidate.slice_distance_mm > limits.thick_mm),
        _distance,
        "The slices are thick, beside a series of thinner ones",
        "The slices are thick: small lesions may be lost",
    ),
    Preference(
        "sharp_kernel",
        lambda candidate, limits: float(candidate.kernel is Kernel.SHARP),
        _kernel_text,
        "The kernel is sharp, beside a series with a softer one",
        "The kernel is sharp: noise and edges change the attenuation",
    ),
    Preference(
        "frame_of_reference",
        lambda candidate, limits: float(not candidate.series.has_common_frame_of_reference),
        _frames_of_reference,
        "The slices have no frame of reference in common, beside a series whose slices have one",
        "The slices have no frame of reference in common; segmentations get one that is derived "
        "from the series, and a viewer may not lay them over the images by itself",
    ),
    Preference(
        "slice_distance",
        _outside_preferred,
        _distance,
        "The slice distance is further from what suits the analysis",
    ),
    Preference(
        "kernel",
        lambda candidate, limits: _KERNEL_PENALTY[candidate.kernel],
        _kernel_text,
        "The kernel is sharper than that of another series",
    ),
    Preference(
        "thinner",
        lambda candidate, limits: candidate.slice_distance_mm,
        _distance,
        "The slices are thicker than those of another series",
    ),
    Preference(
        "coverage",
        lambda candidate, limits: -candidate.coverage_mm,
        lambda candidate: f"{candidate.coverage_mm:g} mm",
        "The series covers less of the body than another",
    ),
    Preference(
        "more_slices",
        lambda candidate, limits: -float(candidate.slice_count),
        lambda candidate: f"{candidate.slice_count} slices",
        "The series has fewer slices than another",
    ),
)
