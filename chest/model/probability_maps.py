"""Probabilities of lungs and lesions by slice, on the network's square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ByteMaps = NDArray[np.uint8]


@dataclass(frozen=True)
class ProbabilityMaps:
    """Probabilities as bytes (255 = certain), each (slices, size, size).

    Attributes
    ----------
    right, left : of that lung
    lesion : of either kind
    dense : share of consolidation in the lesion probability
    """

    right: ByteMaps
    left: ByteMaps
    lesion: ByteMaps
    dense: ByteMaps

    @property
    def either(self) -> ByteMaps:
        """Of lung. Right and left may share what is surely lung, so that their sum counts."""
        shared: ByteMaps = (self.right // 2 + self.left // 2) * 2
        larger: ByteMaps = np.maximum(self.right, self.left)
        either: ByteMaps = np.maximum(larger, shared)
        return either

    @classmethod
    def empty(cls, slices: int, size: int) -> ProbabilityMaps:
        """Room for a volume's maps."""
        return cls(*(np.zeros((slices, size, size), dtype=np.uint8) for _ in range(4)))

    def store(
        self,
        first: int | NDArray[np.intp],
        lung: NDArray[np.float32],
        lesion: NDArray[np.float32],
    ) -> None:
        """Keep the network's answer for a few slices; it is reduced to bytes.

        Parameters
        ----------
        first : the first of them, or the place of each
        """
        at = slice(first, first + lung.shape[0]) if isinstance(first, int) else first
        some = lesion[:, 1] + lesion[:, 2]
        self.right[at] = np.rint(lung[:, 1] * 255.0)
        self.left[at] = np.rint(lung[:, 2] * 255.0)
        self.lesion[at] = np.rint(np.clip(some, 0.0, 1.0) * 255.0)
        self.dense[at] = np.rint(lesion[:, 2] / np.maximum(some, 1e-6) * 255.0)

    def averaged(self, other: ProbabilityMaps) -> ProbabilityMaps:
        """The mean of two answers for the same slices."""
        return ProbabilityMaps(
            *(
                ((mine.astype(np.uint16) + theirs + 1) >> 1).astype(np.uint8)
                for mine, theirs in (
                    (self.right, other.right),
                    (self.left, other.left),
                    (self.lesion, other.lesion),
                    (self.dense, other.dense),
                )
            )
        )

    def mirrored(self) -> ProbabilityMaps:
        """The answer for the slices' mirror images: right is left."""
        return ProbabilityMaps(
            right=self.left[..., ::-1],
            left=self.right[..., ::-1],
            lesion=self.lesion[..., ::-1],
            dense=self.dense[..., ::-1],
        )
