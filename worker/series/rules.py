"""The rules for series that are never analysed: one row each, the first that objects decides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from models.schema_2.body_part import other_body_part
from radiology.image.frame_stack import DIRECTION_TOLERANCE, SPACING_TOLERANCE
from worker.series.candidate import Candidate, SelectionLimits, SeriesVerdict
from worker.series.decode_volume import HOUNSFIELD_TYPES
from worker.series.pixels.frame_pixels import can_decode
from worker.series.words import NO_SLICES, REFORMATTED, SCREENS

CT_SOP_CLASSES = frozenset(
    {CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage}
)

_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}")  # PS3.5 Section 6.2, CS


@dataclass(frozen=True, slots=True)
class Objection:
    """What a rule saw, and what it asks for."""

    seen: str
    limit: str
    reason: str


Test = Callable[[Candidate, SelectionLimits], Objection | None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule with the name that decisions carry."""

    name: str
    test: Test

    def judge(self, candidate: Candidate, limits: SelectionLimits) -> SeriesVerdict | None:
        """The verdict when the rule objects, otherwise None."""
        found = self.test(candidate, limits)
        return SeriesVerdict(self.name, found.seen, found.limit, found.reason) if found else None


def _code(value: str) -> str:
    """A coded value fit to be shown: in a damaged header anything may stand here."""
    if not value:
        return "none"
    return value if _CODE_STRING.fullmatch(value) else "not a code"


def _not_ct(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    modality = candidate.series.modality
    if modality == "CT":
        return None
    return Objection(_code(modality), "CT", "The series is not CT")


def _not_ct_image(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    """Dose reports, secondary captures and presentation states have SOP classes of their own."""
    needed = "CT Image, Enhanced CT"
    others = {one.sop_class_uid for one in candidate.series.instances} - CT_SOP_CLASSES
    if "" in others:
        return Objection(
            "no SOP Class UID", needed, "The series holds objects that do not say what they are"
        )
    if not others:
        return None
    return Objection(min(others), needed, "The series holds objects that are not CT images")


def _other_frames(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    """PS3.3 C.7.6.6: a CT image has one frame; a multi-frame one describes each that it has."""
    for instance in candidate.series.instances:
        if instance.number_of_frames != instance.described_frames:
            return Objection(
                f"Number of Frames is {instance.number_of_frames}, "
                f"the place of {instance.described_frames} is described",
                "as many as are described",
                "An instance has another number of frames than it describes",
            )
    return None


def _parts_missing(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    """PS3.3 C.7.6.16.2.2.4: a concatenation is one object in several instances."""
    parts = Counter(one.concatenation_uid for one in candidate.series.instances)
    for instance in candidate.series.instances:
        here, stated = parts[instance.concatenation_uid], instance.concatenation_parts
        if instance.concatenation_uid and here < stated:
            return Objection(
                f"{here} of {stated} parts of a concatenation",
                "every part",
                "Parts of the series are missing",
            )
    return None


def _image_type(words: frozenset[str], limit: str, reason: str) -> Test:
    def test(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
        word = candidate.most_are(words)
        return Objection(word, limit, reason) if word else None

    return test


def _colour(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    for instance in candidate.series.instances:
        if instance.samples_per_pixel != 1:
            seen = f"{instance.samples_per_pixel} samples per pixel"
            return Objection(seen, "1 sample per pixel", "The images are in colour")
        if not instance.photometric_interpretation.startswith("MONOCHROME"):
            seen = _code(instance.photometric_interpretation)
            return Objection(seen, "MONOCHROME", "The images are in colour")
    return None


def _elsewhere(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    part = other_body_part(candidate.series)
    return Objection(*part) if part else None


def _no_geometry(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    lacking = [
        frame
        for _, frame in candidate.series.frames
        if None
        in (frame.image_position_patient, frame.image_orientation_patient, frame.pixel_spacing)
    ]
    if not lacking:
        return None
    needed = "position, orientation and spacing of each frame"
    for frame in lacking:
        for fault in frame.faults:
            return Objection(fault.seen, needed, fault.reason)
    return Objection(
        f"{len(lacking)} of {candidate.series.frame_count} frames without it",
        needed,
        "The place of the images in the patient is not known",
    )


def _mixed_geometry(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    reason = "The images of the series do not form one stack"
    sizes = {(one.rows, one.columns) for one in candidate.series.instances}
    if len(sizes) > 1:
        return Objection(f"{len(sizes)} sizes of image", "one", reason)
    spacings = np.array([frame.pixel_spacing for _, frame in candidate.series.frames])
    differing = int((np.abs(spacings - spacings[0]).max(axis=1) > SPACING_TOLERANCE).sum())
    if differing:
        return Objection(f"{differing} images of another pixel spacing", "none", reason)
    first = candidate.orientation or ()
    off = sum(
        max(abs(a - b) for a, b in zip(frame.image_orientation_patient or (), first, strict=True))
        > DIRECTION_TOLERANCE
        for _, frame in candidate.series.frames
    )
    return Objection(f"{off} images turned otherwise", "none", reason) if off else None


def _too_few(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    count = candidate.slice_count
    if count >= limits.fewest_slices:
        return None
    return Objection(
        f"{count} slice" if count == 1 else f"{count} slices",
        f"{limits.fewest_slices} slices or more",
        "There are too few slices",
    )


def _too_short(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    if candidate.coverage_mm >= limits.least_coverage_mm:
        return None
    return Objection(
        f"{candidate.coverage_mm:g} mm",
        f"{limits.least_coverage_mm:g} mm or more",
        "The series covers too little of the body",
    )


def _not_hounsfield(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    reason, needed = "The values cannot be turned into Hounsfield units", "slope and intercept"
    for _, frame in candidate.series.frames:
        if frame.rescale_slope is None or frame.rescale_intercept is None:
            for fault in frame.faults:
                return Objection(fault.seen, needed, fault.reason)
            return Objection("no rescale", needed, reason)
        if frame.rescale_slope == 0:
            return Objection("Rescale Slope 0", needed, reason)
        if frame.rescale_type not in HOUNSFIELD_TYPES:
            return Objection(_code(frame.rescale_type), "HU", reason)
    return None


def _undecodable(candidate: Candidate, limits: SelectionLimits) -> Objection | None:
    for uid in sorted({one.transfer_syntax_uid for one in candidate.series.instances}):
        if not can_decode(uid):
            return Objection(uid or "none", "a decoder", "The pixel data cannot be decoded")
    return None


REFUSALS: tuple[Refusal, ...] = (
    Refusal("modality", _not_ct),
    Refusal("sop_class", _not_ct_image),
    Refusal("localizer", _image_type(NO_SLICES, "slices", "The series is a localizer")),
    Refusal("screen", _image_type(SCREENS, "slices", "The series is a picture of a screen")),
    Refusal("reformatted", _image_type(REFORMATTED, "as acquired", "The series is reformatted")),
    Refusal("colour", _colour),
    Refusal("body_part", _elsewhere),
    Refusal("frames", _other_frames),
    Refusal("concatenation", _parts_missing),
    Refusal("geometry", _no_geometry),
    Refusal("too_few_slices", _too_few),
    Refusal("mixed_geometry", _mixed_geometry),
    Refusal("coverage", _too_short),
    Refusal("hounsfield", _not_hounsfield),
    Refusal("transfer_syntax", _undecodable),
)
