"""Chooses the series of a study to analyse, and gives a reason for every other series.

Two tables decide. `series_rules.REFUSALS` refuses what can never be read (not CT, localizer,
secondary capture, head …). `series_preference.PREFERENCES` ranks what is left; a series that comes
second is refused by the first preference in which the chosen one is better. A series with a flaw
(8 mm slices, a sharp kernel) is still chosen when there is no better, with a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radiology.errors import NoSuitableSeries
from radiology.image.series import SeriesHeader
from worker.series.candidate import Candidate, SelectionLimits, SeriesVerdict
from worker.series.preference import PREFERENCES, Preference
from worker.series.rules import REFUSALS, Refusal

__all__ = ["SelectionLimits", "SeriesOutcome", "SeriesSelection", "select_series"]

CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class SeriesOutcome:
    """What became of one series.

    Attributes
    ----------
    rule : name of the row that decided; "chosen" for the chosen series
    seen, limit : the value that the rule saw and what it asks for, as shown on the page
    reason : one sentence; no text from the data set but codes and figures
    warnings : what is less than ideal about a chosen series, one sentence each
    """

    series_instance_uid: str
    chosen: bool
    rule: str
    seen: str
    limit: str
    reason: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeriesSelection:
    """The chosen series, and the decision about each.

    Attributes
    ----------
    chosen : None when no series can be analysed; without the localizers that some scanners
        store among the slices, so give this header, not the one that went in, to `decode_volume`
    decisions : one per series, in the order in which they were given
    """

    chosen: SeriesHeader | None
    decisions: tuple[SeriesOutcome, ...]

    def require(self) -> SeriesHeader:
        """The chosen series.

        Raises
        ------
        NoSuitableSeries
            There is none; carries the number of series, the rules that refused them, and why.
        """
        if self.chosen is None:
            rules = sorted({decision.rule for decision in self.decisions})
            raise NoSuitableSeries(
                reasons=[
                    f"{one.reason} ({one.seen})" if one.seen else one.reason
                    for one in self.decisions
                ],
                series=len(self.decisions),
                refused_by=" ".join(rules),
            )
        return self.chosen


def select_series(
    series: Sequence[SeriesHeader],
    *,
    limits: SelectionLimits | None = None,
    refusals: Sequence[Refusal] = REFUSALS,
    preferences: Sequence[Preference] = PREFERENCES,
) -> SeriesSelection:
    """Choose the series to analyse.

    The outcome does not depend on the order of `series` nor of their instances.

    Parameters
    ----------
    series : all series of a study
    limits : figures that the rules compare with
    refusals, preferences : tables to decide by; a bundle may bring rows of its own
    """
    limits = limits or SelectionLimits()
    candidates = [Candidate.of(one) for one in series]
    verdicts = [_first_refusal(candidate, limits, refusals) for candidate in candidates]
    possible = [
        candidate
        for candidate, verdict in zip(candidates, verdicts, strict=True)
        if verdict is None
    ]
    longest_mm = max((one.coverage_mm for one in possible), default=0.0)
    limits = limits.beside(longest_mm)
    best = min(possible, key=lambda one: _rank(one, limits, preferences), default=None)
    decisions = tuple(
        _decision(candidate, verdict, best, limits, preferences)
        for candidate, verdict in zip(candidates, verdicts, strict=True)
    )
    return SeriesSelection(chosen=best.series if best else None, decisions=decisions)


def _first_refusal(
    candidate: Candidate, limits: SelectionLimits, refusals: Sequence[Refusal]
) -> SeriesVerdict | None:
    return next(
        (verdict for refusal in refusals if (verdict := refusal.judge(candidate, limits))), None
    )


def _rank(
    candidate: Candidate, limits: SelectionLimits, preferences: Sequence[Preference]
) -> tuple[tuple[float, ...], str]:
    penalties = tuple(preference.penalty(candidate, limits) for preference in preferences)
    return penalties, candidate.series.series_instance_uid


def _decision(
    candidate: Candidate,
    verdict: SeriesVerdict | None,
    best: Candidate | None,
    limits: SelectionLimits,
    preferences: Sequence[Preference],
) -> SeriesOutcome:
    uid = candidate.series.series_instance_uid
    if best is candidate:
        warnings = tuple(
            preference.warning(candidate, limits)
            for preference in preferences
            if preference.is_flawed(candidate, limits)
        )
        return SeriesOutcome(uid, True, CHOSEN, "", "", "This series is analysed", warnings)
    verdict = verdict or _beaten(candidate, best or candidate, limits, preferences)
    return SeriesOutcome(uid, False, verdict.rule, verdict.seen, verdict.limit, verdict.reason)


def _beaten(
    candidate: Candidate,
    best: Candidate,
    limits: SelectionLimits,
    preferences: Sequence[Preference],
) -> SeriesVerdict:
    """Why another series is better: the first preference in which the two differ."""
    for preference in preferences:
        if preference.penalty(candidate, limits) > preference.penalty(best, limits):
            return SeriesVerdict(
                rule=preference.name,
                seen=preference.seen(candidate),
                limit=f"{preference.seen(best)} in the chosen series",
                reason=preference.reason,
            )
    return SeriesVerdict(
        rule="equal",
        seen=candidate.series.series_instance_uid,
        limit=best.series.series_instance_uid,
        reason="Another series is as good; the lower UID was taken",
    )
