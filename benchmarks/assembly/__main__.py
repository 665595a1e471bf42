"""`python -m benchmarks.assembly`: waits and premature starts by pattern, by both rules."""

from __future__ import annotations

import sys

from benchmarks.assembly.patterns import LATER_THAN_ANY_WAIT, PATTERNS
from benchmarks.assembly.replay import Adaptive, Fixed, Replayed, WaitFigures, figures, outcomes
from radiology.arrivals.whole import WaitLimits

LIMITS = WaitLimits(quiet_s=5.0, released_s=1.0, longest_s=45.0)


def main(studies: int) -> None:
    """Print the table."""
    print(
        "| pattern | fixed: median, 95th, longest | premature "
        "| adaptive: median, 95th, longest | premature | of these among a sender's first ten |"
    )
    print("|---|---|---|---|---|---|")
    every: tuple[list[Replayed], list[Replayed]] = ([], [])
    for k, (name, draw) in enumerate(PATTERNS.items()):
        fixed = outcomes(draw, Fixed(), studies=studies, seed=k)
        adaptive = outcomes(draw, Adaptive(LIMITS), studies=studies, seed=k)
        print(_row(name, figures(fixed), figures(adaptive)))
        if name != LATER_THAN_ANY_WAIT:
            every[0].extend(fixed)
            every[1].extend(adaptive)
    print(_row("**all but the last**", figures(every[0]), figures(every[1]), at_first=False))


def _row(name: str, fixed: WaitFigures, adaptive: WaitFigures, *, at_first: bool = True) -> str:
    first = str(adaptive.premature_at_first) if at_first else ""
    return f"| {name} | {_half(fixed)} | {_half(adaptive)} | {first} |"


def _half(some: WaitFigures) -> str:
    share = 100 * some.premature / some.studies
    waits = f"{some.median_s:.2f}, {some.centile_95_s:.1f}, {some.longest_s:.1f} s"
    return f"{waits} | {some.premature} of {some.studies} ({share:.1f} %)"


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200)
