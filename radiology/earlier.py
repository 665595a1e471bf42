"""Earlier studies of a patient, as the reader of a later study gets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NotCompared:
    """A study under the same patient ID that was not used, and why not."""

    study_instance_uid: str
    reason: str


class EarlierImages(Protocol):
    """What was kept of an earlier study, registered with the later one."""

    @property
    def block_mm(self) -> float:
        """Finer detail is not stored."""
        ...

    def seen_from(
        self, later_mm: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What lay, in the earlier study, at places of the later one.

        Parameters
        ----------
        later_mm : shape (n, 3), LPS

        Returns
        -------
        HU, and the share of findings from 0 to 1, each of shape (n,); air where no voxel is stored.
        """
        ...
