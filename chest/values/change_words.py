"""The change against an earlier CT, as reports and pictures tell it.

What is told is the lesion volume then and now, of lungs, lobes or zones, and what became of the
lesions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from chest.values.change import PriorComparison
from chest.values.figures import Side


def change_title(prior: PriorComparison) -> str:
    """Since when, by the day."""
    if prior.then_at is None:
        return "Change since the earlier study"
    return f"Change since {prior.then_at:%Y-%m-%d}"


def change_texts(prior: PriorComparison) -> Iterator[tuple[str, ...]]:
    """Lines of texts: both lungs, and how many lesions became what."""
    total = prior.lungs.get(Side.TOTAL)
    if total is not None:
        then_ml, now_ml = total.then.lesion_volume_ml, total.now.lesion_volume_ml
        yield (f"lesions {then_ml:.1f} ml then, {now_ml:.1f} ml now",)
    if not prior.registration.sufficient:
        yield ("not laid upon the earlier images well enough: lungs are compared as a whole",)
    counts = Counter(str(one.course) for one in prior.lesions)
    became = tuple(f"{counts[word]} {word}" for word in _COURSES if counts[word])
    if became:
        yield became


_COURSES = ("new", "grown", "unchanged", "shrunk", "resolved")
