"""A flag's first life in the database of both sizes: raised, told, seen, escalated."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from database.flag_states import FlagState, NoticeKind, NoticeState
from database.flags.notices import (
    NoticeClaim,
    claim_notice,
    due_channels,
    retry_notices,
)
from database.flags.raised import acknowledge_flag, escalate_due
from database.flags.unacknowledged import flags_to_escalate, open_flag_of, open_urgent_flags
from database.lease import LeaseLost
from database.session import Engine, query, transaction
from database.tables.readers.flag import FlagAttempt
from database.tables.study.analysis import Event
from radiology.urgency import Urgency
from tests.builders.stored.flags import (
    FlaggedStudy,
    accept,
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

_RAISED, _SEEN = NoticeKind.RAISED, NoticeKind.ACKNOWLEDGED
_WAITING, _ACCEPTED = NoticeState.WAITING, NoticeState.ACCEPTED
_DROPPED = NoticeState.DROPPED


def test_an_urgent_result_raises_a_flag_and_a_notice_for_each_channel(engine: Engine) -> None:
    """Who wants urgent studies is told of this one, and nobody of a routine one."""
    known = rules(webhook(), webhook("board", from_urgency=Urgency.SUSPECTED))
    urgent = FlaggedStudy(engine, known)
    urgent.result(Urgency.URGENT, 1)
    suspected = FlaggedStudy(engine, known, number=2)
    suspected.result(Urgency.SUSPECTED, 2)
    routine = FlaggedStudy(engine, known, number=3)
    routine.result(Urgency.ROUTINE, 3)
    assert urgent.notices("pager") == urgent.notices("board") == [(_RAISED, _WAITING)]
    assert (suspected.notices("pager"), suspected.notices("board")) == ([], [(_RAISED, _WAITING)])
    with query(engine) as session:
        assert due_channels(session, later(4)) == ["board", "pager"]
        assert open_urgent_flags(session) == 1
        assert open_flag_of(session, 3) is None
        (why_not,) = session.scalars(select(Event).where(Event.name == "flag_not_raised"))
        assert (why_not.study_id, why_not.facts["rule"]) == (3, "a rule")


def test_an_urgent_study_has_a_flag_without_any_channel(engine: Engine) -> None:
    """Where nothing is set up, the page shows what is open all the same."""
    study = FlaggedStudy(engine, rules())
    study.result(Urgency.URGENT, 1)
    assert study.flag().state is FlagState.OPEN
    assert study.flag().escalate_at is None


def test_two_workers_do_not_tell_one_channel_at_once(engine: Engine) -> None:
    """Of several claims for one channel at the same moment one gets a notice, the others none."""
    for number in (1, 2, 3, 4):
        FlaggedStudy(engine, rules(webhook()), number=number).result(Urgency.URGENT, number)
    claimed: list[NoticeClaim | None] = []

    def work() -> None:
        with transaction(engine) as session:
            claimed.append(claim_notice(session, "pager", lease_s=30, now=later(9)))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len([one for one in claimed if one is not None]) == 1


def test_an_older_notice_goes_first_even_while_it_waits_to_be_tried_again(engine: Engine) -> None:
    """A channel is told in order; after three attempts an older notice lets younger ones pass."""
    for number in (1, 2):
        FlaggedStudy(engine, rules(webhook()), number=number).result(Urgency.URGENT, number)
    for attempt, at in enumerate((3, 13, 23), start=1):
        first = claim_for(engine, "pager", later(at))
        assert (first.flag_id, first.attempts) == (1, attempt)
        postpone(engine, first, at + 1, at + 10)
        with transaction(engine) as session:
            passing = claim_notice(session, "pager", lease_s=5, now=later(at + 2))
        assert (passing is not None) == (attempt == 3)
    assert passing is not None
    assert passing.flag_id == 2


def test_a_channel_that_hangs_holds_up_no_other(engine: Engine) -> None:
    """While one channel does not answer, another one is told."""
    FlaggedStudy(engine, rules(webhook(), webhook("board"))).result(Urgency.URGENT, 1)
    claim_for(engine, "pager", later(2))
    claim_for(engine, "board", later(2))


def test_a_dead_worker_leaves_the_attempt_and_loses_the_notice(engine: Engine) -> None:
    """After the lease another worker sends the same notice; the first may not write any more."""
    study = FlaggedStudy(engine, rules(webhook()))
    study.result(Urgency.URGENT, 1)
    dead = claim_for(engine, "pager", later(2), lease_s=10)
    with transaction(engine) as session:
        assert claim_notice(session, "pager", lease_s=10, now=later(11)) is None
    second = claim_for(engine, "pager", later(13))
    assert (second.notice_id, second.attempts) == (dead.notice_id, 2)
    with pytest.raises(LeaseLost):
        accept(engine, dead, 14)
    accept(engine, second, 14)
    with query(engine) as session:
        ends = [one.ended_at for one in session.scalars(select(FlagAttempt))]
    assert ends == [None, later(14)]


def test_the_first_acknowledgement_counts(engine: Engine) -> None:
    """Who keeps a state is told, but not the one that said it; a second one changes nothing."""
    study = FlaggedStudy(engine, rules(webhook(), webhook("board"), mail()))
    study.result(Urgency.URGENT, 1)
    for channel in ("pager", "board", "mail"):
        tell(engine, 2, channel)
    assert acknowledge(engine, study, 3, through="board")
    assert not acknowledge(engine, study, 4)
    flag = study.flag()
    assert (flag.state, flag.acknowledged_by, flag.acknowledged_through, flag.acknowledged_at) == (
        FlagState.ACKNOWLEDGED,
        "reader",
        "board",
        later(3),
    )
    assert study.notices("pager") == [(_RAISED, _ACCEPTED), (_SEEN, _WAITING)]
    assert study.notices("board") == study.notices("mail") == [(_RAISED, _ACCEPTED)]


def test_who_acknowledges_is_kept_as_one_short_line(engine: Engine) -> None:
    """A receiver's answer is a stranger's text."""
    study = FlaggedStudy(engine, rules())
    study.result(Urgency.URGENT, 1)
    with transaction(engine) as session:
        uid = study.flag().flag_uid
        acknowledge_flag(session, uid, by="a\r\nb\x00" + 99 * "c", through="page", now=later(2))
    assert study.flag().acknowledged_by == "ab" + 62 * "c"


def test_nobody_acknowledges_so_the_next_step_is_told(engine: Engine) -> None:
    """Each further step comes after its time; an acknowledgement ends it."""
    known = rules(
        webhook(), mail(escalation=1), mail("chief", escalation=2), escalation_s=(60.0, 120.0)
    )
    study, seen = FlaggedStudy(engine, known), FlaggedStudy(engine, known, number=2)
    study.result(Urgency.URGENT, 0)
    seen.result(Urgency.URGENT, 0)
    acknowledge(engine, seen, 59)
    for at, told in ((59, []), (60, ["mail"]), (179, ["mail"]), (180, ["mail", "chief"])):
        with transaction(engine) as session:
            escalate_due(session, known, later(at))
        assert [name for name in ("mail", "chief") if study.notices(name)] == told
    assert study.flag().escalate_at is None
    assert seen.notices("mail") == []


def test_a_refused_notice_brings_the_next_step_at_once(engine: Engine) -> None:
    """When nobody of a step can be told, nobody waits for them."""
    known = rules(webhook(), mail(escalation=1))
    study = FlaggedStudy(engine, known)
    study.result(Urgency.URGENT, 0)
    refuse(engine, claim_for(engine, "pager", later(1)), 2)
    with query(engine) as session:
        assert flags_to_escalate(session, later(2)) == 1


def test_acknowledged_before_the_further_step_was_sent(engine: Engine) -> None:
    """A notice of a further step that has not gone out yet is dropped."""
    known = rules(webhook(), mail(escalation=1))
    study = FlaggedStudy(engine, known)
    study.result(Urgency.URGENT, 0)
    with transaction(engine) as session:
        escalate_due(session, known, later(300))
    acknowledge(engine, study, 301)
    assert study.notices("mail") == [(_RAISED, _DROPPED)]


def test_a_person_has_a_refused_notice_sent_again(engine: Engine) -> None:
    """What was refused waits again when asked; what something newer has overtaken does not."""
    study = FlaggedStudy(engine, rules(webhook()))
    study.result(Urgency.URGENT, 0)
    refuse(engine, claim_for(engine, "pager", later(1)), 2)
    with transaction(engine) as session:
        assert retry_notices(session, study.flag().flag_uid, later(3)) == 1
        assert retry_notices(session, study.flag().flag_uid, later(3)) == 0
    refuse(engine, claim_for(engine, "pager", later(4)), 5)
    study.result(Urgency.ROUTINE, 6)
    with transaction(engine) as session:
        assert retry_notices(session, study.flag().flag_uid, later(7)) == 0
