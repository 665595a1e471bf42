"""How many cases a yes-or-no classifier got right and wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many cases fell into each cell."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @classmethod
    def of(cls, truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> Confusion:
        """Count cases, shape (cases,)."""
        return cls(
            true_positives=int(np.count_nonzero(truth & called)),
            false_positives=int(np.count_nonzero(~truth & called)),
            false_negatives=int(np.count_nonzero(truth & ~called)),
            true_negatives=int(np.count_nonzero(~truth & ~called)),
        )

    @property
    def positives(self) -> int:
        """Cases that have it."""
        return self.true_positives + self.false_negatives

    @property
    def negatives(self) -> int:
        """Cases that do not have it."""
        return self.true_negatives + self.false_positives

    @property
    def count(self) -> int:
        """All cases."""
        return self.positives + self.negatives
