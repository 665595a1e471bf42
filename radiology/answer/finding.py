"""A finding: present, suspected, absent or undetermined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from radiology.codes import Code
from radiology.site import Site


class Presence(StrEnum):
    """Whether a finding is there. "Undetermined" is never a kind of "absent"."""

    PRESENT = "present"
    SUSPECTED = "suspected"
    ABSENT = "absent"
    UNDETERMINED = "undetermined"

    @property
    def claimed(self) -> bool:
        """Whether the finding is said to be there, surely or perhaps."""
        return self in (Presence.PRESENT, Presence.SUSPECTED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a reading.

    Attributes
    ----------
    key : names it within its bundle; what rules refer to
    words : what a reader sees, without whether it is there; empty for the meaning of `concept`
    probability, threshold : 0 to 1; at or above the threshold it is said to be there; None where
        the finding is measured and not estimated
    label : a finer class of it, by which studies can be filtered; empty where there is none
    regions, groups : names, as in the reading
    key_slices : index into the slices of the volume, the one to show first of all first
    tracking_identifier, tracking_uid : the same for the same finding in every study of the
        patient; empty where it is not followed
    """

    key: str
    concept: Code
    presence: Presence
    site: Site | None = None
    words: str = ""
    probability: float | None = None
    threshold: float | None = None
    label: str = ""
    regions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    key_slices: tuple[int, ...] = ()
    tracking_identifier: str = ""
    tracking_uid: str = ""

    @property
    def title(self) -> str:
        """What a reader sees."""
        return self.words or self.concept.meaning
