"""Two bundles read one study: one line, one flag, and neither touches what the other has said."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from database.deliveries.claimed import claim_delivery, end_delivery, retry_deliveries
from database.flag_states import FlagState
from database.flags.content import notice_content
from database.flags.raised import acknowledge_flag
from database.flags.told_channels import RAISING
from database.jobs.claimed import note_bundle
from database.results.stored import newest_report
from database.results.withdrawals import mark_withdrawn, superseded_to_reject
from database.session import Engine, query, transaction
from database.states import (
    DeliveryState,
    JobState,
    RejectionReason,
    StudyState,
    WorklistRank,
)
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.readers.work_item import WorkItemRow
from database.tables.study.analysis import Delivery, Result
from database.views.flag_pages import flag_decision, flag_of_study
from database.views.worklist.list_page import worklist_page
from database.views.worklist.list_search import find_studies
from database.views.worklist.worklist_rows import study_page
from radiology.urgency import Urgency
from settings.page.worklist_order import WorklistOrder
from tests.builders.stored.flags import rules, webhook
from tests.builders.stored.rows import later
from tests.builders.stored.two_bundles import CHEST, HEAD, TwoBundles

pytestmark = pytest.mark.integration


@pytest.fixture
def study(engine: Engine) -> TwoBundles:
    """A study whose jobs of two bundles wait."""
    made = TwoBundles(engine, rules(webhook()))
    assert len(made.assemble(0)) == 2
    return made


def _flag(engine: Engine) -> Flag:
    with query(engine) as session:
        return session.scalars(select(Flag)).one()


def test_the_more_urgent_bundle_decides(engine: Engine, study: TwoBundles) -> None:
    """Two results make one line, one work item and one flag: those of the more urgent one."""
    study.read(CHEST, Urgency.ROUTINE, 1)
    assert study.study().worklist_rank is WorklistRank.PENDING  # the other one has not answered
    head = study.read(HEAD, Urgency.URGENT, 2)
    assert study.study().worklist_rank is WorklistRank.URGENT
    assert study.study().label == "viral"  # the other one labels it all the same
    with query(engine) as session:
        (row,) = worklist_page(session, WorklistOrder(), later(3)).rows
        assert row.result is not None
        assert (row.result.id, row.result.bundle) == (head, HEAD)
        assert [one.bundle for one in row.answers] == [HEAD, CHEST]
        assert [one.rank for one in row.answers] == [WorklistRank.URGENT, WorklistRank.ROUTINE]
        assert session.scalars(select(WorkItemRow)).one().priority.value == "HIGH"
        flag = flag_of_study(session, row.study.id)
        assert flag is not None
        assert (flag.bundle, flag.rule) == (HEAD, f"rule of {HEAD}")
        decision = flag_decision(session, row.study.id)
        assert decision is not None
        assert decision.raised
        assert decision.facts["bundle"] == HEAD


def test_the_order_in_which_bundles_end_does_not_matter(engine: Engine, study: TwoBundles) -> None:
    """The routine answer that comes second takes neither the place nor the flag."""
    urgent = study.read(HEAD, Urgency.URGENT, 1)
    study.read(CHEST, Urgency.ROUTINE, 2)
    assert study.study().worklist_rank is WorklistRank.URGENT
    flag = _flag(engine)
    assert (flag.state, flag.result_id) == (FlagState.OPEN, urgent)
    with query(engine) as session:
        decision = flag_decision(session, flag.study_id)
        assert decision is not None
        assert decision.raised  # the flag stands: that is what is explained
        assert len(session.scalars(select(FlagNotice)).all()) == 1


def test_a_newer_result_supersedes_that_of_its_own_bundle_only(
    engine: Engine, study: TwoBundles
) -> None:
    """What is sent for one bundle is not withdrawn, rejected or named by the other's result."""
    old_chest = study.read(CHEST, Urgency.SUSPECTED, 1, "pacs")
    head = study.read(HEAD, Urgency.URGENT, 2, "pacs")
    study.bundles = (CHEST,)
    study.assemble(60)
    new_chest = study.read(CHEST, Urgency.ROUTINE, 61, "pacs")
    assert study.in_force() == {CHEST: new_chest, HEAD: head}
    assert study.study().worklist_rank is WorklistRank.URGENT
    with query(engine) as session:
        old = session.get_one(Result, old_chest)
        assert old.superseded_by_id == new_chest
        deliveries = session.scalars(select(Delivery).order_by(Delivery.id)).all()
        assert {one.result_id: one.state for one in deliveries} == {
            old_chest: DeliveryState.WITHDRAWN,
            head: DeliveryState.WAITING,
            new_chest: DeliveryState.WAITING,
        }
        before = newest_report(session, 1, bundle=CHEST, before_version=2)
        assert before is not None
        assert before.sop_instance_uid == old.objects[0].sop_instance_uid


def test_only_a_successor_of_the_same_bundle_rejects(engine: Engine, study: TwoBundles) -> None:
    """A result of another bundle that PACS has stored is no reason to reject an older one."""
    study.read(CHEST, Urgency.ROUTINE, 1, "pacs")
    study.read(HEAD, Urgency.ROUTINE, 2, "pacs")
    for at in (3, 4):
        _deliver(engine, at)
    study.assemble(60)
    study.read(HEAD, Urgency.ROUTINE, 61, "pacs")
    _deliver(engine, 62)
    with query(engine) as session:
        found = superseded_to_reject(session, ["pacs"])
    assert [one.bundle for one in found] == [HEAD]


def _deliver(engine: Engine, at: float) -> None:
    with transaction(engine) as session:
        claimed = claim_delivery(session, lease_s=10, now=later(at))
        assert claimed is not None
        end_delivery(session, claimed, DeliveryState.DELIVERED, later(at))


def test_a_withdrawn_result_leaves_the_other_alone(engine: Engine, study: TwoBundles) -> None:
    """The flag, the place and the label go over to what is still in force."""
    head = study.read(HEAD, Urgency.URGENT, 1, "pacs")
    chest = study.read(CHEST, Urgency.URGENT, 2, "pacs")
    assert _flag(engine).result_id == chest  # of two that are alike the newer one
    with transaction(engine) as session:
        mark_withdrawn(session, chest, RejectionReason.QUALITY, study.rules, later(3))
    assert study.in_force() == {HEAD: head}
    assert study.study().worklist_rank is WorklistRank.URGENT
    assert study.study().label == ""
    flag = _flag(engine)
    assert (flag.state, flag.result_id, flag.rule) == (FlagState.OPEN, head, f"rule of {HEAD}")
    with query(engine) as session:
        states = session.execute(select(Delivery.result_id, Delivery.state))
        assert dict(states.all()) == {
            chest: DeliveryState.WITHDRAWN,
            head: DeliveryState.WAITING,
        }
    with transaction(engine) as session:
        mark_withdrawn(session, head, RejectionReason.QUALITY, study.rules, later(4))
    assert study.study().worklist_rank is WorklistRank.UNANSWERED
    assert _flag(engine).state is FlagState.WITHDRAWN


def test_sending_again_sends_one_bundles_results(engine: Engine, study: TwoBundles) -> None:
    """A person who sends one job's results again starts nothing for the other."""
    study.read(CHEST, Urgency.ROUTINE, 1, "pacs")
    study.read(HEAD, Urgency.ROUTINE, 2, "pacs")
    for at in (3, 4):
        with transaction(engine) as session:
            claimed = claim_delivery(session, lease_s=10, now=later(at))
            assert claimed is not None
            end_delivery(session, claimed, DeliveryState.FAILED, later(at))
    with transaction(engine) as session:
        assert retry_deliveries(session, 1, later(5)) == 1
    with query(engine) as session:
        states = session.scalars(select(Delivery.state).order_by(Delivery.id)).all()
        assert states == [DeliveryState.WAITING, DeliveryState.FAILED]


def test_an_acknowledged_flag_opens_for_what_nobody_has_seen(
    engine: Engine, study: TwoBundles
) -> None:
    """Whoever has acknowledged one bundle's finding has not seen the other's."""
    study.read(CHEST, Urgency.URGENT, 1)
    with transaction(engine) as session:
        assert acknowledge_flag(
            session, _flag(engine).flag_uid, by="Dr A", through="page", now=later(2)
        )
    head = study.read(HEAD, Urgency.URGENT, 3)
    flag = _flag(engine)
    assert (flag.state, flag.result_id) == (FlagState.OPEN, head)
    with query(engine) as session:
        told = [
            notice_content(session, notice.id).bundle
            for notice in session.scalars(select(FlagNotice).order_by(FlagNotice.id))
            if notice.kind in RAISING
        ]
    assert told == [CHEST, HEAD]


def test_a_bundle_that_does_not_apply_says_nothing(study: TwoBundles) -> None:
    """The study stands as the bundle says that has read it."""
    study.end(HEAD, JobState.NOT_APPLICABLE, 1)
    assert study.study().worklist_rank is WorklistRank.PENDING
    study.read(CHEST, Urgency.ROUTINE, 2)
    found = study.study()
    assert (found.state, found.worklist_rank) == (StudyState.ENCODED, WorklistRank.ROUTINE)


def test_a_study_that_no_bundle_applies_to_says_why(engine: Engine, study: TwoBundles) -> None:
    """It stands as one without an answer, and each bundle has its reason."""
    study.end(HEAD, JobState.NOT_APPLICABLE, 1)
    study.end(CHEST, JobState.NOT_APPLICABLE, 2)
    found = study.study()
    assert (found.state, found.worklist_rank) == (StudyState.REFUSED, WorklistRank.UNANSWERED)
    with query(engine) as session:
        page = study_page(session, "2.25.1")
        assert page is not None
        assert {one.job.error_kind for one in page.row.answers} == {"Said"}


def test_no_answer_of_one_bundle_is_not_covered_by_the_other(study: TwoBundles) -> None:
    """Routine by one and a fault of the other is no routine study."""
    study.read(CHEST, Urgency.ROUTINE, 1)
    study.end(HEAD, JobState.FAILED, 2)
    found = study.study()
    assert (found.state, found.worklist_rank) == (StudyState.FAILED, WorklistRank.UNANSWERED)


def test_the_version_that_ran_is_kept_and_told(engine: Engine, study: TwoBundles) -> None:
    """A job, its result and its notice name the version of the bundle."""
    claimed = study.claim(HEAD, 1)
    with transaction(engine) as session:
        note_bundle(session, claimed, "1.2.3")
    study.answer(claimed, Urgency.URGENT, 2)
    with query(engine) as session:
        page = study_page(session, "2.25.1")
        assert page is not None
        assert page.row.result is not None
        assert page.row.result.bundle_version == "1.2.3"
        notice = session.scalars(select(FlagNotice)).one()
        content = notice_content(session, notice.id)
        assert (content.bundle, content.bundle_version) == (HEAD, "1.2.3")


def test_no_list_has_two_lines_for_a_study(engine: Engine, study: TwoBundles) -> None:
    """Nor does a search, whatever state the two bundles are in."""
    for step in (
        lambda: study.read(CHEST, Urgency.ROUTINE, 1),
        lambda: study.read(HEAD, Urgency.SUSPECTED, 2),
        lambda: study.assemble(60),
        lambda: study.read(HEAD, None, 61),
        lambda: study.end(CHEST, JobState.FAILED, 62),
    ):
        step()
        with query(engine) as session:
            assert len(worklist_page(session, WorklistOrder(), later(70)).rows) == 1
            assert len(find_studies(session, "no such", later(70))) == 0
            assert len(session.scalars(select(WorkItemRow)).all()) == 1
    # The version without an answer takes "suspected" away from nobody.
    assert study.study().worklist_rank is WorklistRank.SUSPECTED
