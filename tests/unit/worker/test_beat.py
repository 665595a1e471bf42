"""The clock of the sweep: often while something waits, now and then where nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import update
from structlog.testing import capture_logs

from database.session import Engine, open_engine, transaction
from database.tables.study.analysis import Study
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.results import Moment
from tests.builders.stored.rows import NOON, arrival, later, receive
from worker.celery_app import HOUSEKEEPING, make_app
from worker.tasks.beat import AT_REST_S, Beat

_EVERY_S = 0.5


class Site:
    """A database, a broker of files, and the clock between them."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data_folder=folder)
        self.app: Celery = make_app(settings)
        self.messages = settings.broker_folder / "messages"
        self.engine: Engine = open_engine(settings.database_address)
        make_tables(self.engine)
        self.clock = Moment(NOON)
        self.beat = Beat(self.app, self.engine, _EVERY_S, self.clock)

    def sent(self, seconds: float) -> int:
        """How many wake-ups it sends in so long."""
        before = self.waiting()
        for _ in range(round(seconds / _EVERY_S)):
            self.beat.look()
            self.clock.now += later(_EVERY_S) - NOON
        return self.waiting() - before

    def waiting(self) -> int:
        """How many messages wait for the housekeeping."""
        return len(list(self.messages.glob(f"*.{HOUSEKEEPING}.msg")))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site where nothing has ever come."""
    return Site(tmp_path)


def test_a_site_at_rest_is_swept_now_and_then(site: Site) -> None:
    """As it starts, and then as seldom as `AT_REST_S` says."""
    assert site.sent(_EVERY_S) == 1
    assert site.sent(AT_REST_S - _EVERY_S) == 0
    assert site.sent(3 * AT_REST_S) == 3


def test_each_look_sends_while_something_waits(site: Site) -> None:
    """From the first image on, and once more after the last thing is done."""
    site.sent(1.0)
    receive(site.engine, arrival())
    assert site.sent(3.0) == 6
    with transaction(site.engine) as session:
        session.execute(update(Study).values(state="delivered", heading_due_at=None))
    assert site.sent(2.0) == 1


def test_a_clock_that_is_set_back_stops_no_sweep(site: Site) -> None:
    """An hour back: the next look sends."""
    site.sent(1.0)
    site.clock.now = later(-3600.0)
    assert site.sent(_EVERY_S) == 1


def test_a_broker_that_is_away_is_said_once(site: Site) -> None:
    """Each look tries again; when it is back, it is told at once."""
    away = site.messages.with_name("away")
    site.messages.rename(away)
    with capture_logs() as events:
        assert [site.beat.look() for _ in range(3)] == [False, False, False]
    assert [one["event"] for one in events] == ["wake_up_not_sent"]
    away.rename(site.messages)
    assert site.beat.look()


def test_a_database_that_is_away_is_swept(tmp_path: Path) -> None:
    """The sweep says what is wrong with it, and is the first to see it back."""
    site = Site(tmp_path)
    site.beat = Beat(site.app, open_engine(f"sqlite:///{tmp_path / 'no' / 'x'}"), 0.5, site.clock)
    assert site.sent(3.0) == 6
