"""Chooses the cases of a site that are only scored, never trained on.

A case's place follows from a digest of its name and nothing else. So the old cases keep their
places when more cases arrive, and no choice of a seed can improve the figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from radiology.errors import SettingsRefused
from training.site.cases import SiteSlice

SHARE = 0.25
LEAST = 2
_SEED = "firstread new cases 1"
_LEAST_OF_A_CLASS = 4  # cases; from so many on, one of the class is held out


def _place(case: str) -> float:
    """Between 0 and 1, the same for the same case for ever."""
    digest = hashlib.sha256(f"{_SEED}\0{case}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def _classes(slices: Sequence[SiteSlice]) -> Mapping[int, list[str]]:
    """Cases by label, of slices that have one."""
    return {
        label: sorted({one.case for one in slices if one.viral == label}, key=_place)
        for label in (0, 1)
    }


def hold_out(slices: Sequence[SiteSlice], trained_before: Collection[str] = ()) -> frozenset[str]:
    """Choose the cases that are held out: about a quarter, two at least, half at most.

    Parameters
    ----------
    trained_before : digests of slices that the base was trained on; their cases are never held out

    Raises
    ------
    SettingsRefused
        Fewer than two cases are new to the base.
    """
    known = {one.case for one in slices if one.digest in trained_before}
    cases = sorted({one.case for one in slices} - known, key=_place)
    if len(cases) < LEAST:
        raise SettingsRefused(
            f"All but {len(cases)} cases were trained on by the base already; at least {LEAST} "
            "new ones are needed to score on"
        )
    most = max(LEAST, (len(cases) + len(known)) // 2)
    count = sum(_place(case) < SHARE for case in cases)
    held = cases[: min(max(count, LEAST), most)]
    for of_class in _classes(slices).values():
        free = [case for case in of_class if case not in known]
        if len(of_class) >= _LEAST_OF_A_CLASS and free and not set(free) & set(held):
            held.append(free[0])
    return frozenset(held)
