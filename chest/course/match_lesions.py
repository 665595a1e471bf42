"""Which lesions of a later study are those of an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from chest.registration import Registration, later_blocks
from chest.values.change import LesionChange, course_of
from chest.values.chest_map import WHOLE, ChestMap, MappedLesion

LEAST_OVERLAP_SHARE = 0.1
"""Ours: of the smaller one's volume. Neighbours that touch after registration overlap by less."""

MARGIN_MM = 8.0
"""Ours: how far lesions that overlap nothing may miss each other. Registration misses by 2 to 4 mm,
a block is 3 mm wide, and a lesion of a few blocks has hardly a middle to overlap with."""

Links = set[tuple[int, int]]


def match_lesions(
    earlier: ChestMap, later: ChestMap, registration: Registration
) -> tuple[LesionChange, ...]:
    """Match lesions by where they lie, and say what became of each.

    Lesions that flowed together or came apart count as one, with their volumes added up.

    Returns
    -------
    The largest first, by the larger of its two volumes.
    """
    links = _links(earlier, later, registration)
    changes = [
        _change([earlier.lesions[one - 1] for one in then], [later.lesions[one - 1] for one in now])
        for then, now in _groups(links, len(earlier.lesions), len(later.lesions))
    ]
    return tuple(sorted(changes, key=lambda one: -max(one.then_ml, one.now_ml)))


def _links(earlier: ChestMap, later: ChestMap, registration: Registration) -> Links:
    """Pairs of numbers, earlier and later: first by overlap, then by nearness."""
    blocks = np.nonzero(earlier.lesion_numbers)
    if blocks[0].size == 0 or not later.lesion_numbers.any():
        return set()
    then = earlier.lesion_numbers[blocks]
    at = later_blocks(earlier, later, registration, blocks)
    volume_ml = earlier.lesion_share[blocks].astype(np.float64) * (earlier.block_ml / WHOLE)
    overlapping = {
        pair
        for pair, overlap_ml in _overlaps(then, later.lesion_numbers[at], volume_ml).items()
        if overlap_ml >= LEAST_OVERLAP_SHARE * _smaller_ml(earlier, later, pair)
    }
    alike = {pair for pair in overlapping if _same_side(earlier, later, pair)}
    distance, nearest = ndimage.distance_transform_edt(
        later.lesion_numbers == 0,
        sampling=np.linalg.norm(later.affine[:3, :3], axis=0),
        return_indices=True,
    )
    close = distance[at] <= MARGIN_MM
    beside = later.lesion_numbers[tuple(nearest[:, *at])]
    matched_then, matched_now = ({pair[index] for pair in alike} for index in (0, 1))
    near = set(_overlaps(then[close], beside[close], volume_ml[close]))
    return alike | {
        pair
        for pair in near
        if pair[0] not in matched_then
        and pair[1] not in matched_now
        and _same_side(earlier, later, pair)
    }


def _overlaps(
    then: NDArray[np.uint16], now: NDArray[np.uint16], volume_ml: NDArray[np.float64]
) -> dict[tuple[int, int], float]:
    """Volume by pair of numbers, where there is a later lesion."""
    both = now > 0
    pairs, which = np.unique(np.stack([then[both], now[both]]), axis=1, return_inverse=True)
    sums = np.bincount(which.ravel(), weights=volume_ml[both], minlength=pairs.shape[1])
    return {
        (int(first), int(second)): float(volume)
        for first, second, volume in zip(*pairs, sums, strict=True)
    }


def _smaller_ml(earlier: ChestMap, later: ChestMap, pair: tuple[int, int]) -> float:
    first, second = earlier.lesions[pair[0] - 1], later.lesions[pair[1] - 1]
    return min(first.volume_ml, second.volume_ml)


def _same_side(earlier: ChestMap, later: ChestMap, pair: tuple[int, int]) -> bool:
    return earlier.lesions[pair[0] - 1].side is later.lesions[pair[1] - 1].side


def _groups(
    links: Links, earlier_count: int, later_count: int
) -> Iterable[tuple[Sequence[int], Sequence[int]]]:
    """Lesions that hang together by links: numbers in the earlier and in the later study."""
    total = earlier_count + later_count
    if total == 0:
        return
    first = [pair[0] - 1 for pair in links]
    second = [earlier_count + pair[1] - 1 for pair in links]
    graph = sparse.coo_array((np.ones(len(links)), (first, second)), shape=(total, total))
    count, group = sparse.csgraph.connected_components(graph, directed=False)
    for lesion in range(count):
        members = np.flatnonzero(group == lesion)
        then = [int(index) + 1 for index in members if index < earlier_count]
        now = [int(index) - earlier_count + 1 for index in members if index >= earlier_count]
        yield then, now


def _change(then: Sequence[MappedLesion], now: Sequence[MappedLesion]) -> LesionChange:
    then_ml, now_ml = (sum(one.volume_ml for one in several) for several in (then, now))
    oldest = (then or now)[0]  # numbers rise as volumes fall
    return LesionChange(
        course=course_of(then_ml, now_ml),
        side=oldest.side,
        tracking_uid=oldest.tracking_uid,
        then_numbers=tuple(one.number for one in then),
        now_numbers=tuple(one.number for one in now),
        then_ml=then_ml,
        now_ml=now_ml,
        mean_hu_then=_mean_hu(then),
        mean_hu_now=_mean_hu(now),
    )


def _mean_hu(lesions: Sequence[MappedLesion]) -> float | None:
    volume_ml = sum(one.volume_ml for one in lesions)
    if volume_ml <= 0:
        return None
    return sum(one.mean_hu * one.volume_ml for one in lesions) / volume_ml
