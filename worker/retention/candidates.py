"""Reads what may go by age or past a mark, the oldest first: images and slices in one stream."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime

from database.retention.facts import (
    KeptResult,
    at_a_time,
    results_with,
    studies_with_originals,
    study_facts,
)
from database.session import Session
from settings.environment import Settings
from worker.retention.choose import GoingKind, MayGo, horizon
from worker.retention.files import slices_file


def candidates(
    settings: Settings, session: Session, now: datetime, *, freeing: bool
) -> Iterator[MayGo]:
    """Everything that is not younger than it must be.

    Parameters
    ----------
    freeing : whether the disk is past a mark
    """
    retention = settings.retention
    streams = (
        _originals(
            session, now, horizon(now, retention, days=retention.originals_days, freeing=freeing)
        ),
        _slices(
            settings,
            session,
            now,
            horizon(now, retention, days=retention.slices_days, freeing=freeing),
        ),
    )
    yield from heapq.merge(*streams, key=lambda one: one.at)


def _originals(session: Session, now: datetime, before: datetime | None) -> Iterator[MayGo]:
    if before is None:
        return
    for study in studies_with_originals(session, now, before=before):
        yield MayGo(GoingKind.ORIGINALS, study.last_instance_at, study.size_bytes, study)


def _slices(
    settings: Settings, session: Session, now: datetime, before: datetime | None
) -> Iterator[MayGo]:
    if before is None:
        return
    last: KeptResult | None = None
    for limit in at_a_time():
        together = results_with(session, slices=True, before=before, after=last, limit=limit)
        if not together:
            return
        last = together[-1]
        studies = study_facts(session, {one.study_id for one in together}, now)
        for one in together:
            file = slices_file(settings, one)
            size = 0 if file is None else file.size_bytes
            study = studies[one.study_id]
            yield MayGo(GoingKind.SLICES, one.created_at, size, study, one.result_id)
