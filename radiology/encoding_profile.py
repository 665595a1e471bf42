"""The objects of a result that a destination wants, and their form.

PACS and viewers differ in what they store and show; `docs/settings.md` tells a reader which
profile is for whom.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum


class EncodingProfile(StrEnum):
    """Which objects a destination gets."""

    VIEWER = "viewer"  # SEG, the SR that viewers draw, SC
    MACHINE = "machine"  # and the SR whose groups refer to segments
    LEGACY = "legacy"  # SC alone, for a PACS that knows neither SR nor SEG


class SegmentationForm(StrEnum):
    """How the pixels of a segmentation are written (PS3.3 C.8.20.2, Segmentation Type)."""

    BINARY = "binary"  # one bit per pixel and segment: every viewer that shows SEG
    LABELMAP_RLE = "labelmap-rle"  # a number per pixel, RLE Lossless
    LABELMAP_JPEG_LS = "labelmap-jpegls"  # a number per pixel, JPEG-LS Lossless

    @property
    def is_labelmap(self) -> bool:
        """Whether it is a Label Map Segmentation, a SOP class of its own."""
        return self is not SegmentationForm.BINARY


class SegmentScope(StrEnum):
    """Which regions become segments."""

    LESIONS = "lesions"  # no segment overlaps another one: what every viewer shows right
    ANATOMY = "anatomy"  # whole organs and lesions
    ALL = "all"  # parts of organs too, where they were told apart


@dataclass(frozen=True, slots=True)
class EncodingChoice:
    """What one destination gets.

    Attributes
    ----------
    omit_empty_frames : leave out frames of the segmentation without a pixel of their segment
    segments : None for what suits the profile, which is `scope`
    capture_when_negative : send the key picture of a study without findings too; that of one that
        is not assessable is always sent
    encapsulated_pdf : also a page for a PACS or a person without a viewer
    mark_urgent : name the key picture of an urgent study so that it sorts to the top
    """

    profile: EncodingProfile = EncodingProfile.VIEWER
    segmentation: SegmentationForm = SegmentationForm.BINARY
    omit_empty_frames: bool = True
    segments: SegmentScope | None = None
    capture_when_negative: bool = True
    encapsulated_pdf: bool = False
    mark_urgent: bool = False

    @property
    def scope(self) -> SegmentScope:
        """Which regions become segments: programs get the organs too, viewers the lesions alone."""
        if self.segments is not None:
            return self.segments
        is_for_programs = self.profile is EncodingProfile.MACHINE
        return SegmentScope.ANATOMY if is_for_programs else SegmentScope.LESIONS

    def contradiction(self, given: Set[str]) -> str | None:
        """Why these choices make no sense together; None when they do.

        Parameters
        ----------
        given : names of the attributes that somebody chose; a default contradicts nothing
        """
        if self.profile is not EncodingProfile.LEGACY:
            return None
        useless = sorted(_OF_THE_SEGMENTATION & given)
        if useless:
            return (
                f"{' and '.join(useless)} say how a segmentation is written, and the profile "
                "legacy has none: leave them out, or choose the profile viewer"
            )
        if not (self.capture_when_negative or self.encapsulated_pdf):
            return (
                "with the profile legacy and without the key picture a negative study would send "
                "nothing, and nothing is no answer: leave capture_when_negative on, or set "
                "encapsulated_pdf"
            )
        return None


_OF_THE_SEGMENTATION = frozenset({"segmentation", "omit_empty_frames", "segments"})
