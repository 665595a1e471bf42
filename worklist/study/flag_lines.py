"""A study's flag as lines of its page: where it stands, who was told, and why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.flag_states import FlagState, NoticeKind, NoticeState
from database.views.flag_pages import FlagDecision, FlagFacts, NoticeFacts
from radiology.answer.reading import ReportWords
from worklist.words.next_steps import next_step
from worklist.words.translations import translated

_STATES = {
    FlagState.OPEN: "open: nobody has acknowledged it",
    FlagState.ACKNOWLEDGED: "acknowledged",
    FlagState.WITHDRAWN: "withdrawn with its result",
    FlagState.SUPERSEDED: "superseded: a newer result is not flagged",
}
KINDS = {
    NoticeKind.RAISED: "flag",
    NoticeKind.RAISED_AGAIN: "newer result",
    NoticeKind.WITHDRAWN: "withdrawal",
    NoticeKind.ACKNOWLEDGED: "acknowledgement",
}
NOTICE_STATES = {
    NoticeState.WAITING: "waiting to be sent",
    NoticeState.ACCEPTED: "accepted",
    NoticeState.REFUSED: "refused",
    NoticeState.FAILED: "given up",
    NoticeState.DROPPED: "not sent any more",
}
_ADVICE = {
    "PeerRefused": "The administrator corrects what the message names, then presses “Tell again”.",
    "SettingsRefused": "The administrator corrects the setting, then presses “Tell again”.",
    "PeerUnreachable": "It is tried again by itself. Check that the receiver runs.",
    "PeerBusy": "It is tried again by itself.",
}
_MAY_BE_RETRIED = (NoticeState.REFUSED, NoticeState.FAILED)


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice; `words` say where it stands, `advice` what to do about what went wrong."""

    notice: NoticeFacts
    kind: str
    words: str
    when: datetime
    advice: str


@dataclass(frozen=True, slots=True)
class FlagLines:
    """The section.

    Attributes
    ----------
    words : where the flag stands; "" where there is none
    acknowledged : by whom and through what; "" where nobody has
    decided : rule and values of the newest decision, raised or not
    report : of the bundle that it was about; None where no reading of it is known
    """

    flag: FlagFacts | None
    words: str
    acknowledged: str
    notices: tuple[NoticeLine, ...]
    decision: FlagDecision | None
    decided: tuple[tuple[str, Any], ...]
    report: ReportWords | None

    @property
    def may_be_acknowledged(self) -> bool:
        """Whether the button is shown."""
        return self.flag is not None and self.flag.state is FlagState.OPEN

    @property
    def may_be_retried(self) -> bool:
        """Whether a notice was refused or given up that could be sent again."""
        return any(one.notice.state in _MAY_BE_RETRIED for one in self.notices)


def flag_lines(
    flag: FlagFacts | None, decision: FlagDecision | None, reports: Mapping[str, ReportWords]
) -> FlagLines:
    """What the section says.

    Parameters
    ----------
    reports : of the readings of the study, by the bundle's name
    """
    facts = decision.facts if decision else {}
    return FlagLines(
        flag=flag,
        words=_STATES[flag.state] if flag else "",
        acknowledged=_acknowledged(flag) if flag and flag.acknowledged_at else "",
        notices=tuple(_line(one) for one in flag.notices) if flag else (),
        decision=decision,
        decided=tuple((name, value) for name, value in facts.items() if value not in ("", None)),
        report=reports.get(facts.get("bundle", "")),
    )


def _acknowledged(flag: FlagFacts) -> str:
    """A channel that does not say who it was has given its own name."""
    by, through = flag.acknowledged_by, flag.acknowledged_through
    if through == "page":
        return translated("by %(name)s on this page", name=by)
    if through == by:
        return translated("through %(through)s", through=through)
    return translated("by %(name)s through %(through)s", name=by, through=through)


def _line(notice: NoticeFacts) -> NoticeLine:
    words = NOTICE_STATES[notice.state]
    if notice.state is NoticeState.WAITING and notice.attempts:
        under_way = notice.attempts[-1].ended_at is None
        words = "being sent" if under_way else "waiting, next try"
    troubled = bool(notice.error_kind) and notice.state is not NoticeState.DROPPED
    return NoticeLine(
        notice=notice,
        kind=KINDS[notice.kind],
        words=words,
        when=notice.finished_at or notice.due_at,
        advice=_advice(notice) if troubled else "",
    )


def _advice(notice: NoticeFacts) -> str:
    if notice.state is NoticeState.FAILED:
        return "It is not tried again by itself. When the cause is mended, press “Tell again”."
    return _ADVICE.get(notice.error_kind, next_step(notice.error_kind))
