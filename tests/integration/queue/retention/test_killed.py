"""A turn that is killed at any moment: rows and files agree, and the next turn ends its work."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from database.retention.disk import Room
from database.session import Engine, open_engine, query
from database.tables.operation.retention import FileRemoval
from tests.builders.stored.kept_studies import START, KeptSite, days
from tests.integration.queue.retention.killed import is_killed_at, require_agreement
from worker.retention.turn import retention_turn

_ROOMY = Room(free_bytes=10**12, total_bytes=10**12)
_NOW = START + days(1000)


def _turn(site: KeptSite, engine: Engine) -> None:
    while not retention_turn(
        site.settings, engine, _NOW, measure=lambda _: _ROOMY, most_s=60
    ).ended:
        pass


def _is_killed_at(site: KeptSite, moment: int) -> bool:
    url = site.engine.url.render_as_string(hide_password=False)
    return is_killed_at(moment, lambda: _turn(site, open_engine(url)))


def test_killed_at_every_moment(site: KeptSite) -> None:
    """At each commit, before and after each removal; then one turn brings it to its end."""
    for moment in range(1, 200):
        study, aside = site.study(), site.quarantine()
        if not _is_killed_at(site, moment):
            break
        require_agreement(site)
        if moment % 5 == 0:
            _turn(site, site.engine)
            require_agreement(site)
            assert not any(path.exists() for path in (*study.originals, study.slices))
            assert not aside.exists()
    else:
        pytest.fail("the turn has no end")
    assert moment > 20, "the turn was not killed often enough to show anything"
    _turn(site, site.engine)
    require_agreement(site)
    assert list(site.settings.spool_folder.rglob("*.dcm")) == []
    with query(site.engine) as session:
        assert session.scalars(select(FileRemoval.id)).all() == []
