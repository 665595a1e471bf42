"""What goes wrong in one step of the sweep does not keep studies from being read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from database.session import Engine, query, transaction
from database.states import DeliveryState, ObjectKind
from database.tables.study.analysis import Delivery, Job, ResultObject
from settings.environment import Settings
from settings.peers import Peer
from tests.builders.stored.results import Site
from tests.builders.stored.rows import arrival, receive
from worker import housekeeping
from worker.housekeeping import sweep_once

pytestmark = pytest.mark.integration

PACS = Peer.model_validate(
    {
        "name": "pacs",
        "ae_title": "PACS",
        "host": "127.0.0.1",
        "port": 1,
        "roles": ["destination"],
        "reject_superseded": True,
    }
)


def test_a_note_that_cannot_be_made(engine: Engine, tmp_path: Path) -> None:
    """An object of a superseded result is gone from the disk; a new study is assembled."""
    site = Site(Settings(data_folder=tmp_path, peers=(PACS,)), engine)
    site.make_result()
    site.later(60)
    site.make_result(version=2)
    with transaction(engine) as session:
        session.execute(update(Delivery).values(state=DeliveryState.DELIVERED, attempts=1))
        gone = session.scalars(select(ResultObject).order_by(ResultObject.id)).first()
        assert gone is not None
        (site.settings.results_folder / gone.path).unlink()
    receive(engine, arrival(study=7), site.now)
    site.later(60)
    assert len(sweep_once(site.settings, engine, site.now).assembled) == 1
    with query(engine) as session:
        kinds = session.scalars(select(ResultObject.kind)).all()
    assert ObjectKind.REJECTION not in kinds


def test_a_study_that_cannot_be_assembled(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are."""
    for study in (1, 2, 3):
        receive(engine, replace(arrival(study=study)))
    site = Site(Settings(data_folder=tmp_path), engine)
    site.later(60)
    assemble = housekeeping.assemble_study

    def break_down_once(session: object, study_id: int, **given: object) -> int | None:
        if study_id == 2:
            raise ZeroDivisionError
        return assemble(session, study_id, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(housekeeping, "assemble_study", break_down_once)
    assert len(sweep_once(site.settings, engine, site.now).assembled) == 2
    with query(engine) as session:
        assert sorted(session.scalars(select(Job.study_id))) == [1, 3]
