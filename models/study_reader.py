"""What the worker asks of a bundle whose networks are loaded, whatever its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from radiology.image.volume import Volume
from radiology.urgency import Urgency


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a few slices of a waiting study show; it decides the order of the queue alone.

    Attributes
    ----------
    like : a study waits like one of this urgency; None leaves it where it is
    facts : what was seen, for the page and the log
    """

    like: Urgency | None
    facts: Mapping[str, float]


class StudyReader(Protocol):
    """A loaded bundle, kept for the life of a worker process."""

    @property
    def provider(self) -> str:
        """The execution provider that really runs, as ONNX Runtime calls it."""
        ...

    def warm_up(self) -> None:
        """Run once on nothing, so that the first study does not wait for it."""
        ...

    def look(self, thinned: Callable[[], Volume]) -> FirstLook | None:
        """Look at a few slices of a study; None for a bundle that has no quick look.

        Parameters
        ----------
        thinned : decodes them
        """
        ...
