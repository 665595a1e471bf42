"""What later results do to a flag that was raised: taken back, told again, seen or open anew."""

from __future__ import annotations

import pytest

from database.flag_states import FlagState, NoticeKind, NoticeState
from database.flags.notices import claim_notice
from database.flags.unacknowledged import flags_to_escalate
from database.results.withdrawals import mark_withdrawn
from database.session import Engine, query, transaction
from database.states import RejectionReason
from radiology.urgency import Urgency
from tests.builders.stored.flags import (
    NOBODY,
    FlaggedStudy,
    acknowledge,
    claim_for,
    mail,
    postpone,
    refuse,
    rules,
    tell,
    webhook,
)
from tests.builders.stored.rows import later

pytestmark = pytest.mark.integration

_RAISED, _AGAIN = NoticeKind.RAISED, NoticeKind.RAISED_AGAIN
_WITHDRAWN = NoticeKind.WITHDRAWN
_WAITING, _ACCEPTED = NoticeState.WAITING, NoticeState.ACCEPTED
_DROPPED, _REFUSED = NoticeState.DROPPED, NoticeState.REFUSED


def test_a_withdrawn_result_takes_its_flag_back(engine: Engine) -> None:
    """Who was told is told so; who was not is never told; nobody escalates."""
    study = FlaggedStudy(engine, rules(webhook(), webhook("board"), mail(escalation=1)))
    result_id = study.result(Urgency.URGENT, 0)
    tell(engine, 1)
    with transaction(engine) as session:
        mark_withdrawn(session, result_id, RejectionReason.QUALITY, NOBODY, later(2))
    assert study.flag().state is FlagState.WITHDRAWN
    assert study.notices("pager") == [(_RAISED, _ACCEPTED), (_WITHDRAWN, _WAITING)]
    assert study.notices("board") == [(_RAISED, _DROPPED)]
    with query(engine) as session:
        assert flags_to_escalate(session, later(9999)) == 0


def test_what_may_have_arrived_is_taken_back_too(engine: Engine) -> None:
    """A notice whose answer was lost, or that is being sent, is followed by its withdrawal."""
    study = FlaggedStudy(engine, rules(webhook(), webhook("board")))
    study.result(Urgency.URGENT, 0)
    postpone(engine, claim_for(engine, "pager", later(1)), 2, 60)
    sending = claim_for(engine, "board", later(2))
    study.result(Urgency.ROUTINE, 3)
    assert study.flag().state is FlagState.SUPERSEDED
    assert study.notices("pager") == [(_RAISED, _DROPPED), (_WITHDRAWN, _WAITING)]
    with transaction(engine) as session:
        assert claim_notice(session, "board", lease_s=5, now=later(4)) is None
    postpone(engine, sending, 5, 6)
    assert study.notices("board") == [(_RAISED, _DROPPED), (_WITHDRAWN, _WAITING)]


def test_a_refused_notice_need_not_be_taken_back(engine: Engine) -> None:
    """A receiver that refused the flag is not told to forget it."""
    study = FlaggedStudy(engine, rules(webhook()))
    study.result(Urgency.URGENT, 0)
    refuse(engine, claim_for(engine, "pager", later(1)), 2)
    study.result(Urgency.ROUTINE, 3)
    assert study.notices() == [(_RAISED, _REFUSED)]


def test_a_newer_urgent_result_keeps_the_one_flag(engine: Engine) -> None:
    """One flag for a study: told again where results are followed, and not twice by mail."""
    study = FlaggedStudy(engine, rules(webhook(), webhook("late"), mail()))
    study.result(Urgency.URGENT, 0)
    uid = study.flag().flag_uid
    tell(engine, 1)
    tell(engine, 1, "mail")
    newer = study.result(Urgency.URGENT, 2)
    assert (study.flag().flag_uid, study.flag().result_id) == (uid, newer)
    assert study.notices() == [(_RAISED, _ACCEPTED), (_AGAIN, _WAITING)]
    assert study.notices("late") == [(_RAISED, _DROPPED), (_RAISED, _WAITING)]
    assert study.notices("mail") == [(_RAISED, _ACCEPTED)]
    study.result(Urgency.URGENT, 3, rule="another rule")
    assert study.notices("mail") == [(_RAISED, _ACCEPTED), (_AGAIN, _WAITING)]


def test_a_flag_that_was_seen_stays_seen_unless_it_gets_more_urgent(engine: Engine) -> None:
    """A re-reading that says the same wakes nobody; one that says worse opens the flag again."""
    known = rules(webhook(from_urgency=Urgency.SUSPECTED), mail(escalation=1))
    study = FlaggedStudy(engine, known)
    study.result(Urgency.SUSPECTED, 0)
    acknowledge(engine, study, 1)
    study.result(Urgency.SUSPECTED, 2)
    assert study.flag().state is FlagState.ACKNOWLEDGED
    study.result(Urgency.URGENT, 3)
    flag = study.flag()
    assert (flag.state, flag.acknowledged_by, flag.escalate_at) == (FlagState.OPEN, "", later(303))


def test_a_version_without_an_answer_takes_no_flag_back(engine: Engine) -> None:
    """A late image must not silence an urgent study."""
    study = FlaggedStudy(engine, rules(webhook()))
    study.result(Urgency.URGENT, 0)
    tell(engine, 1)
    study.result(None, 2)
    assert study.flag().state is FlagState.OPEN
    assert study.notices() == [(_RAISED, _ACCEPTED)]


def test_withdrawn_and_urgent_again(engine: Engine) -> None:
    """After a withdrawal a new urgent result raises the same flag anew."""
    study = FlaggedStudy(engine, rules(webhook()))
    first = study.result(Urgency.URGENT, 0)
    tell(engine, 1)
    with transaction(engine) as session:
        mark_withdrawn(session, first, RejectionReason.QUALITY, NOBODY, later(2))
    tell(engine, 3)
    study.result(Urgency.URGENT, 4)
    assert study.notices() == [(_RAISED, _ACCEPTED), (_WITHDRAWN, _ACCEPTED), (_RAISED, _WAITING)]
    assert study.flag().state is FlagState.OPEN


def test_a_channel_that_does_not_want_the_milder_result(engine: Engine) -> None:
    """Who is told of urgent studies only learns that this one is urgent no more."""
    study = FlaggedStudy(engine, rules(webhook(), webhook("board", from_urgency="suspected")))
    study.result(Urgency.URGENT, 0)
    tell(engine, 1)
    tell(engine, 1, "board")
    study.result(Urgency.SUSPECTED, 2)
    assert study.flag().state is FlagState.OPEN
    assert study.notices() == [(_RAISED, _ACCEPTED), (_WITHDRAWN, _WAITING)]
    assert study.notices("board") == [(_RAISED, _ACCEPTED), (_AGAIN, _WAITING)]
