"""Flags as a worker raises them, and channels to tell, for tests that begin with a result."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from database.flag_states import NoticeKind, NoticeState
from database.flags.notices import (
    NoticeClaim,
    accept_notice,
    claim_notice,
    end_notice,
    postpone_notice,
)
from database.flags.raised import acknowledge_flag, flag_result
from database.flags.rules import FlagRules
from database.jobs.claimed import claim_job, end_job
from database.results.stored import store_result
from database.session import Engine, query, transaction
from database.states import JobState, ObjectKind, WorklistRank
from database.studies.assembly import assemble_study
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.study.analysis import Result, ResultObject, Study
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.flags import Channel, Flagging, MailChannel, WebhookChannel
from tests.builders.stored.rows import BUNDLE, WAITS, arrival, later, receive

_OUTCOMES = {
    Urgency.URGENT: Outcome.FINDINGS,
    Urgency.SUSPECTED: Outcome.FINDINGS,
    Urgency.ROUTINE: Outcome.NO_FINDINGS,
    None: Outcome.NOT_ASSESSABLE,
}


def webhook(name: str = "pager", port: int = 9, **values: Any) -> WebhookChannel:
    """A channel to a web service on this machine."""
    given = {"name": name, "kind": "webhook", "url": f"http://127.0.0.1:{port}/flags", **values}
    return WebhookChannel.model_validate(given)


def mail(name: str = "mail", port: int = 9, **values: Any) -> MailChannel:
    """A channel to a mail server on this machine, without TLS unless it is asked for."""
    given = {
        "name": name,
        "kind": "mail",
        "host": "127.0.0.1",
        "port": port,
        "sender": "firstread@hospital.example",
        "recipients": ["reader@hospital.example"],
        "start_tls": False,
        **values,
    }
    return MailChannel.model_validate(given)


def rules(*channels: Channel, escalation_s: tuple[float, ...] = (300.0,)) -> FlagRules:
    """Who is told of what."""
    return FlagRules(channels, Flagging(escalation_s=escalation_s))


NOBODY = rules()  # is told


@dataclass
class FlaggedStudy:
    """One study whose results come one after the other, each a newer version."""

    engine: Engine
    rules: FlagRules
    number: int = 1
    versions: int = field(default=0, init=False)

    def result(self, urgency: Urgency | None, at: float, rule: str = "a rule") -> int:
        """Images come, and their analysis ends so; returns the result's id."""
        self.versions += 1
        now = later(at)
        receive(self.engine, arrival(self.number, self.versions), now)
        with transaction(self.engine) as session:
            study_id = session.scalars(
                select(Study.id).where(Study.study_instance_uid == f"2.25.{self.number}")
            ).one()
            assemble_study(session, study_id, bundles=(BUNDLE,), waits=WAITS, now=now)
            claimed = claim_job(session, worker="w", lease_s=10.0, now=now)
            assert claimed is not None
            result = Result(
                job_id=claimed.job_id,
                study_id=study_id,
                study_version=claimed.study_version,
                outcome=_OUTCOMES[urgency],
                urgency=urgency,
                urgency_rule=rule if urgency else "",
                reading={},
                created_at=now,
            )
            stored = store_result(session, result, [_report(claimed.job_id)], [], now)
            if stored.current:
                flag_result(session, result, self.rules, now, token=f"token-{self.number}", seen={})
            end_job(session, claimed, JobState.ENCODED, now, rank=WorklistRank.URGENT)
        return stored.result_id

    def flag(self) -> Flag:
        """The study's flag."""
        with query(self.engine) as session:
            return session.scalars(
                select(Flag)
                .join(Study, Study.id == Flag.study_id)
                .where(Study.study_instance_uid == f"2.25.{self.number}")
            ).one()

    def notices(self, channel: str = "pager") -> list[tuple[NoticeKind, NoticeState]]:
        """What one channel is or was to be told, in order."""
        with query(self.engine) as session:
            return [
                (one.kind, one.state)
                for one in session.scalars(
                    select(FlagNotice)
                    .where(FlagNotice.flag_id == self.flag().id, FlagNotice.channel == channel)
                    .order_by(FlagNotice.id)
                )
            ]


def claim_for(engine: Engine, channel: str, at: datetime, lease_s: float = 30.0) -> NoticeClaim:
    """Take the next notice of a channel; there must be one."""
    with transaction(engine) as session:
        claimed = claim_notice(session, channel, lease_s=lease_s, now=at)
    assert claimed is not None
    return claimed


def accept(engine: Engine, claim: NoticeClaim, at: float) -> None:
    """The receiver takes a notice."""
    with transaction(engine) as session:
        accept_notice(session, claim, later(at), code="200")


def tell(engine: Engine, at: float, channel: str = "pager") -> None:
    """Send the next notice of a channel, and have it taken."""
    accept(engine, claim_for(engine, channel, later(at)), at)


def postpone(engine: Engine, claim: NoticeClaim, at: float, until: float) -> None:
    """The receiver may take a notice later."""
    with transaction(engine) as session:
        postpone_notice(
            session, claim, later(until), later(at), error_kind="PeerBusy", error_message="503"
        )


def refuse(engine: Engine, claim: NoticeClaim, at: float) -> None:
    """The receiver refuses a notice for good."""
    with transaction(engine) as session:
        end_notice(
            session,
            claim,
            NoticeState.REFUSED,
            later(at),
            error_kind="PeerRefused",
            error_message="no",
        )


def acknowledge(engine: Engine, study: FlaggedStudy, at: float, through: str = "page") -> bool:
    """Somebody says that they have seen a flag."""
    with transaction(engine) as session:
        return acknowledge_flag(
            session, study.flag().flag_uid, by="reader", through=through, now=later(at)
        )


def _report(job_id: int) -> ResultObject:
    return ResultObject(
        kind=ObjectKind.REPORT,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.88.34",
        sop_instance_uid=f"2.25.900.{job_id}",
        series_instance_uid="2.25.901",
        path="sr.dcm",
        size_bytes=1,
    )
