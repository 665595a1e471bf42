"""A series as the rules see it: the header, and the facts that several rules ask for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from radiology.errors import VolumeRefused
from radiology.image.frame_stack import FrameStack, stack_frames
from radiology.image.series import Cosines, SeriesHeader
from worker.series.words import NO_SLICES, Kernel, kernel_of

AXIAL_COSINE = 0.8
"""A slice whose normal is within 37° of the body axis is axial: gantries tilt up to 30°."""


class SeriesVerdict(NamedTuple):
    """Why a series is refused: the rule, what it saw, what it asks for, one sentence."""

    rule: str
    seen: str
    limit: str
    reason: str


@dataclass(frozen=True)
class SelectionLimits:
    """Figures that the rules compare with.

    Attributes
    ----------
    fewest_slices : fewer are a localizer, a bolus test or a fragment; 10 mm slices of a chest
        are 25 or more
    least_coverage_mm : along the body; lungs are 200 mm high and more, half of that is a fragment
    full_coverage_mm, full_coverage_share : a series that covers less than this share of the
        longest one is a detail of it; nothing needs to be longer than an adult's lungs, so a
        whole-body series does not beat a chest
    thick_mm : slice distance above which small lesions are lost in partial volume
    preferred_mm : slice distances that are best: thinner is noise and time, thicker is blur
    """

    fewest_slices: int = 10
    least_coverage_mm: float = 100.0
    full_coverage_mm: float = 300.0
    full_coverage_share: float = 0.8
    thick_mm: float = 5.0
    preferred_mm: tuple[float, float] = (0.9, 3.0)

    def beside(self, longest_mm: float) -> SelectionLimits:
        """The same limits for a study whose longest series covers `longest_mm`."""
        return replace(self, full_coverage_mm=min(self.full_coverage_mm, longest_mm))

    @property
    def detail_below_mm(self) -> float:
        """Coverage below which a series is a detail of the longest."""
        return self.full_coverage_share * self.full_coverage_mm


@dataclass(frozen=True)
class Candidate:
    """A series and what can be derived from its header."""

    series: SeriesHeader  # without localizers among slices

    @classmethod
    def of(cls, series: SeriesHeader) -> Candidate:
        """The series less its planning images, unless it has nothing else."""
        slices = series
        for word in NO_SLICES:
            slices = slices.without_image_type(word)
        return cls(slices if slices.frame_count else series)

    @cached_property
    def image_types(self) -> Counter[str]:
        """How many frames have each value of Image Type."""
        return Counter(value for _, frame in self.series.frames for value in set(frame.image_type))

    def most_are(self, words: frozenset[str]) -> str | None:
        """The word that at least half of the frames have among their image type, if any."""
        for word in sorted(words):
            if self.image_types[word] * 2 >= max(self.series.frame_count, 1):
                return word
        return None

    @cached_property
    def stack(self) -> FrameStack | VolumeRefused:
        """The stack that the frames form, or why they form none."""
        try:
            return stack_frames(self.series)
        except VolumeRefused as error:
            return error

    @cached_property
    def orientation(self) -> Cosines | None:
        """The orientation that most frames have."""
        found = Counter(frame.image_orientation_patient for _, frame in self.series.frames)
        return found.most_common(1)[0][0] if found else None

    @cached_property
    def is_axial(self) -> bool:
        """Whether the slices lie across the body axis."""
        if self.orientation is None:
            return False
        normal = np.cross(self.orientation[:3], self.orientation[3:])
        return bool(abs(normal[2]) >= AXIAL_COSINE)

    @cached_property
    def slice_count(self) -> int:
        """How many different positions the frames have."""
        return len({frame.image_position_patient for _, frame in self.series.frames})

    @cached_property
    def slice_distance_mm(self) -> float:
        """Slice thickness or distance of slices, whichever is more; 0 when neither is known.

        Thin slices far apart (interspaced high-resolution CT) see as little as thick ones.
        """
        thickest = max((frame.slice_thickness or 0.0 for _, frame in self.series.frames), default=0)
        apart = self.stack.slice_spacing_mm if isinstance(self.stack, FrameStack) else 0.0
        return round(max(thickest, apart), 2)

    @cached_property
    def coverage_mm(self) -> float:
        """How far the slices reach along the body, from the lowest to the highest voxel."""
        heights = []
        for instance, frame in self.series.frames:
            position, cosines = frame.image_position_patient, frame.image_orientation_patient
            if position is None or cosines is None or frame.pixel_spacing is None:
                continue
            down = cosines[5] * frame.pixel_spacing[0] * (instance.rows - 1)
            across = cosines[2] * frame.pixel_spacing[1] * (instance.columns - 1)
            heights += [position[2] + a + b for a in (0.0, down) for b in (0.0, across)]
        return round(max(heights) - min(heights), 1) if heights else 0.0

    @cached_property
    def kernel_name(self) -> str:
        """The convolution kernel that most frames have."""
        names = Counter(frame.convolution_kernel for _, frame in self.series.frames)
        return names.most_common(1)[0][0] if names else ""

    @property
    def rescale_types(self) -> set[str]:
        """All values of Rescale Type; empty text where it is absent."""
        return {frame.rescale_type for _, frame in self.series.frames}

    @property
    def kernel(self) -> Kernel:
        """How sharp the reconstruction is."""
        return kernel_of(self.kernel_name)
