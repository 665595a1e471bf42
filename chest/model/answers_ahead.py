"""Answers about slices that came before the rest of their series: kept until their study is read.

They are found by the digest of what the network was shown. So an answer is taken only for the very
same pixels, whatever else was thought of the series when they came; what is not found is asked.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.model.probability_maps import ProbabilityMaps

MOST: Final = 600
"""Answers that are kept: 160 MB for squares of 256 pixels, and 600 mm of lung in slices of 1 mm."""

Shown = tuple[bytes, ...]
"""Digests of the slices that the network was shown, in order."""


class AnswersAhead:
    """Answers of one network, `most` of them; the oldest ones go first."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._answers: OrderedDict[Shown, ProbabilityMaps] = OrderedDict()
        self._names: dict[tuple[str, ...], Shown] = {}

    def has(self, names: Sequence[str]) -> bool:
        """Whether slices of these names have an answer that is still kept."""
        return self._names.get(tuple(names)) in self._answers

    def keep(
        self,
        names: Sequence[str],
        shown: Sequence[NDArray[np.float32]],
        maps: ProbabilityMaps,
        place: int,
    ) -> None:
        """Keep an answer.

        Parameters
        ----------
        names : of the slices that were shown
        shown : they, as the network saw them, each of shape (size, size)
        maps, place : where the answer stands
        """
        digests = tuple(_digest(one) for one in shown)
        at = slice(place, place + 1)
        self._answers[digests] = ProbabilityMaps(
            maps.right[at].copy(),
            maps.left[at].copy(),
            maps.lesion[at].copy(),
            maps.dense[at].copy(),
        )
        self._names[tuple(names)] = digests
        while len(self._answers) > self.most:
            self._answers.popitem(last=False)
        if len(self._names) > 2 * self.most:
            self._names = {name: one for name, one in self._names.items() if one in self._answers}

    def take(
        self, patches: NDArray[np.float32], shown: NDArray[np.intp], maps: ProbabilityMaps
    ) -> NDArray[np.bool_]:
        """Put what is known into `maps`, and let go of all answers if any was.

        Parameters
        ----------
        patches : every slice of a volume as the network sees it, shape (slices, size, size)
        shown : the slices of each answer that is wanted, shape (answers, slices that are shown)
        maps : with a place for each answer

        Returns
        -------
        Shape (answers,): which were known.
        """
        known = np.zeros(len(shown), dtype=np.bool_)
        if not self._answers:
            return known
        digests = [_digest(one) for one in patches]
        for place, at in enumerate(shown.tolist()):
            found = self._answers.get(tuple(digests[one] for one in at))
            if found is None:
                continue
            known[place] = True
            maps.right[place], maps.left[place] = found.right[0], found.left[0]
            maps.lesion[place], maps.dense[place] = found.lesion[0], found.dense[0]
        if known.any():  # the others were of slices between those that are looked at
            self._answers.clear()
            self._names.clear()
        return known


def _digest(patch: NDArray[np.float32]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(patch).data).digest()
