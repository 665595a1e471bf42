"""How long the sweep waits for a study: what it learns of a sender, and what it says meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from database.arrivals import rhythm as stored_rhythm
from database.arrivals.rhythm import known_rhythm, learn_rhythm
from database.session import Engine, query, transaction
from database.states import AssociationEnding, StudyState
from database.tables.study.analysis import Study
from database.tables.study.rhythm import SenderRhythm
from radiology.arrivals.place import ImagePlace
from settings.environment import Settings
from tests.builders.stored.rows import NOON, arrival, associate, end, later, receive
from worker.housekeeping import sweep_once

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults."""
    return Settings(data_folder=tmp_path)


def send(engine: Engine, study: int, numbers: tuple[int, ...], at: float) -> None:
    """Images in one association, a tenth of a second each, released with the last one."""
    association = associate(engine, later(at))
    for k, number in enumerate(numbers):
        item = arrival(study=study, instance=number, association_id=association)
        receive(engine, replace(item, place=ImagePlace(number=number)), later(at + 0.1 * k))
    end(engine, association, AssociationEnding.RELEASED, later(at + 0.1 * len(numbers)))


def become_known(engine: Engine, settings: Settings) -> None:
    """Five studies, each released and assembled a minute after the one before."""
    for study in range(1, 6):
        send(engine, study, (1, 2, 3, 4), at=60.0 * study)
        assert not sweep_once(settings, engine, later(60.0 * study + 1.3)).assembled
        assert sweep_once(settings, engine, later(60.0 * study + 1.5)).assembled


def word_of(engine: Engine, study: int) -> str:
    """What the page says that a study waits for."""
    with query(engine) as session:
        uid = f"2.25.{study}"
        return session.scalars(select(Study.awaits).where(Study.study_instance_uid == uid)).one()


def test_a_known_sender_is_waited_for_less(engine: Engine, settings: Settings) -> None:
    """What five studies taught is in the database, and holds for whoever sweeps next."""
    become_known(engine, settings)
    send(engine, 7, (1, 2, 3, 4), at=1000)
    assert not sweep_once(settings, engine, later(1000.6)).assembled
    assert sweep_once(settings, engine, later(1000.7)).assembled


def test_a_gap_of_a_known_sender_is_waited_for(engine: Engine, settings: Settings) -> None:
    """The page says so meanwhile; once the gap is filled, a moment is enough."""
    become_known(engine, settings)
    send(engine, 7, (1, 2, 4, 5), at=1000)
    assert not sweep_once(settings, engine, later(1001)).assembled
    assert word_of(engine, 7) == ""
    assert not sweep_once(settings, engine, later(1020)).assembled
    assert word_of(engine, 7) == "missing"
    send(engine, 7, (3,), at=1021)
    assert sweep_once(settings, engine, later(1021.5)).assembled
    assert word_of(engine, 7) == ""


def test_a_gap_that_stays_is_waited_for_so_long(engine: Engine, settings: Settings) -> None:
    """The longest wait of the settings, after the last image."""
    become_known(engine, settings)
    send(engine, 7, (1, 2, 4, 5), at=1000)
    assert not sweep_once(settings, engine, later(1045.2)).assembled
    assert sweep_once(settings, engine, later(1045.4)).assembled


def test_an_image_after_the_longest_wait_makes_another_version(
    engine: Engine, settings: Settings
) -> None:
    """Nothing is lost by having waited too little."""
    become_known(engine, settings)
    send(engine, 5, (5,), at=1000)
    assert sweep_once(settings, engine, later(1001)).assembled
    with query(engine) as session:
        study = session.scalars(select(Study).where(Study.study_instance_uid == "2.25.5")).one()
        assert (study.version, study.state) == (2, StudyState.QUEUED)


def test_senders_are_forgotten(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever names peers give themselves, no more rows are kept than the limit."""
    monkeypatch.setattr(stored_rhythm, "_MOST_SENDERS", 3)
    for k in range(10):
        with transaction(engine) as session:
            learn_rhythm(session, f"SCANNER{k}", [], 45.0, later(k))
    with query(engine) as session:
        names = session.scalars(select(SenderRhythm.calling_ae_title)).all()
    assert sorted(names) == ["SCANNER7", "SCANNER8", "SCANNER9"]


def test_what_cannot_be_read_is_learnt_anew(engine: Engine) -> None:
    """A row of another form, of another version of Firstread, stops nothing."""
    with transaction(engine) as session:
        learn_rhythm(session, "SCANNER", [], 45.0, NOON)
        session.execute(update(SenderRhythm).values(learnt={"studies": "many"}))
    with query(engine) as session:
        assert known_rhythm(session, "SCANNER").studies == 0
    with transaction(engine) as session:
        learn_rhythm(session, "SCANNER", [], 45.0, NOON)
    with query(engine) as session:
        assert known_rhythm(session, "SCANNER").studies == 1
