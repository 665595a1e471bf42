"""A turn that another one overtakes: what has gone goes once, in rows, audit and events."""

from __future__ import annotations

from collections import Counter
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select

from database.retention.disk import Room
from database.session import query
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Event
from tests.builders.stored.kept_studies import START, KeptSite, days
from worker.retention import mark_going, turn
from worker.retention.turn import retention_turn

pytestmark = pytest.mark.integration

_ROOMY = Room(free_bytes=10**12, total_bytes=10**12)
_STUDIES = 3


@pytest.mark.parametrize(
    ("module", "overtaken_at", "age_days"),
    [(mark_going, "files_below", 31), (turn, "results_with", 800)],
    ids=["images", "files of results"],
)
def test_what_has_gone_goes_once(
    site: KeptSite,
    module: ModuleType,
    overtaken_at: str,
    age_days: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chosen by two turns, as `firstread retention --now` beside the sweep's: images of studies,
    and files of results. 0.5 s for each size.
    """
    for _ in range(_STUDIES):
        site.study()
    now = START + days(age_days)

    def one_turn() -> None:
        retention_turn(site.settings, site.engine, now, measure=lambda _: _ROOMY, most_s=60)

    real: Any = getattr(module, overtaken_at)

    def overtaken(*given: Any, **named: Any) -> Any:
        """The other turn comes when this one has chosen, and before it has marked."""
        chosen = real(*given, **named)
        monkeypatch.setattr(module, overtaken_at, real)
        one_turn()
        return chosen

    monkeypatch.setattr(module, overtaken_at, overtaken)
    one_turn()
    with query(site.engine) as session:
        events = Counter(session.scalars(select(Event.name)))
        audited = session.scalars(
            select(AuditEvent.study_instance_uid).where(AuditEvent.name == "images_removed")
        ).all()
    assert len(audited) == len(set(audited)) == events["originals_removed"] == _STUDIES
    assert events["result_files_removed"] == (_STUDIES if age_days == 800 else 0)
