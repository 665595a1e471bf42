"""What the queues do after a restore: the rows are the queue, and each row is taken once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from database.arrivals.expected import quiet_studies
from database.deliveries.claimed import claim_delivery
from database.flag_states import FlagState
from database.flags.notices import due_channels
from database.flags.unacknowledged import flags_to_escalate
from database.jobs.claimed import claim_job
from database.jobs.requeue import requeue_expired
from database.session import query, transaction
from database.states import DeliveryState, JobState, StudyState
from database.tables.study.analysis import Delivery, Instance, Job
from radiology.arrivals.whole import WaitLimits
from radiology.urgency import Urgency
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.kept_studies import START, KeptSite
from tests.integration.administrator.backup.conftest import MakeSite

pytestmark = pytest.mark.integration

_LEASED_UNTIL = START + timedelta(seconds=15)
_LATER = START + timedelta(minutes=5)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_was_under_way_is_taken_once(
    database: str, make_empty: MakeSite, tmp_path: Path
) -> None:
    """A job in hand, a delivery in hand and images that came are; what has ended is not."""
    site, restored = make_empty("old", "sqlite"), make_empty("new", database)
    site.settings.data_folder.mkdir()
    make_tables(site.engine)
    kept = KeptSite(site.engine, site.settings)
    kept.study(urgency=Urgency.URGENT, flag=FlagState.ACKNOWLEDGED)  # delivered and told
    read = kept.study(state=StudyState.QUEUED, job=JobState.INFERRED, delivery=None)
    sent = kept.study(state=StudyState.ENCODED, delivery=DeliveryState.WAITING)
    came = kept.study(state=StudyState.RECEIVED)
    with transaction(site.engine) as session:
        for table, of in (
            (Job, Job.study_id == read.study_id),
            (Delivery, Delivery.result_id == sent.result_id),
        ):
            session.execute(update(table).where(of).values(lease_until=_LEASED_UNTIL))
        unread = update(Instance).where(Instance.study_id == came.study_id)
        session.execute(unread.values(study_version=None))
    assert site.firstread("backup", tmp_path / "kept.tar").returncode == 0
    assert restored.firstread("restore", tmp_path / "kept.tar").returncode == 0

    with transaction(restored.engine) as session:
        assert claim_job(session, worker="a", lease_s=15, now=_LATER) is None
        assert claim_delivery(session, lease_s=15, now=START) is None, "a worker may have it still"
        assert len(requeue_expired(session, max_attempts=3, now=_LATER)) == 1
        jobs = [claim_job(session, worker="a", lease_s=15, now=_LATER) for _ in range(2)]
        deliveries = [claim_delivery(session, lease_s=15, now=_LATER) for _ in range(2)]
    assert [one is not None for one in jobs] == [True, False]
    assert [one is not None and one.result_id for one in deliveries] == [sent.result_id, False]
    with query(restored.engine) as session:
        quiet = WaitLimits(quiet_s=5.0, released_s=1.0, longest_s=45.0)
        assert list(quiet_studies(session, _LATER, quiet)) == [came.study_id]
        assert not due_channels(session, _LATER)
        assert not flags_to_escalate(session, _LATER)
