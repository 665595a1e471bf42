"""A receiver of flags that is away: it is waited for, however long, and told once it is back.

The receivers are a port on which nobody listens, then a web service; the clock is the test's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from database.flag_states import NoticeState
from database.session import Engine, open_engine, query
from database.tables.readers.flag import FlagAttempt, FlagNotice
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.flags import AnyChannel, Flagging
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.flags import FlaggedStudy, mail, rules, webhook
from tests.builders.stored.results import Moment
from tests.builders.stored.rows import later
from tests.peers.flag_receivers import answers_with, running_mail_receiver, running_web_receiver
from worker.equipment import Equipment
from worker.flag.channels import Channels
from worker.flag.flag_study import tell_one

_NIGHT_S = 10 * 3600.0
_MAX_ATTEMPTS = 6


class Teller:
    """The worker of one channel, on a clock that the test moves to each next attempt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.engine: Engine = open_engine(Settings(data_folder=folder).database_address)
        make_tables(self.engine)
        self.clock = Moment(later(2))

    def notice(self) -> FlagNotice:
        with query(self.engine) as session:
            return session.scalars(select(FlagNotice)).one()

    def tell(self, channel: AnyChannel) -> None:
        """Make the attempt that is due."""
        settings = Settings(
            data_folder=self._folder,
            flags=(channel,),
            flagging=Flagging(max_attempts=_MAX_ATTEMPTS),
        )
        equipment = Equipment(settings, self.engine, "worker", self.clock, jitter=lambda: 0.0)
        assert tell_one(equipment, Channels(settings), channel.name)

    def tell_until(self, channel: AnyChannel, end_s: float) -> list[float]:
        """Make each attempt when it is due, until the moment; gives the waits between them."""
        waits = []
        while (due_at := self.notice().due_at) < later(end_s):
            assert self.notice().state is NoticeState.WAITING, self.notice().error_kind
            self.clock.now = max(self.clock.now, due_at)
            self.tell(channel)
            waits.append((self.notice().due_at - self.clock.now).total_seconds())
        return waits


@pytest.fixture
def teller(tmp_path: Path) -> Teller:
    """An urgent study that nobody was told of yet."""
    teller = Teller(tmp_path)
    FlaggedStudy(teller.engine, rules(webhook())).result(Urgency.URGENT, 1)
    return teller


@pytest.mark.parametrize("kind", ["webhook", "mail"])
def test_a_night_without_the_receiver_costs_no_notice(
    teller: Teller, free_port: Callable[[], int], kind: str
) -> None:
    """It is tried every twenty seconds, far beyond the attempts that anything else has."""
    builders: dict[str, Callable[..., AnyChannel]] = {"webhook": webhook, "mail": mail}
    build = builders[kind]
    away = build("pager", port=free_port())
    waits = teller.tell_until(away, 250.0)
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert {*waits[4:]} == {20.0}
    assert len(waits) > _MAX_ATTEMPTS
    teller.clock.now = later(_NIGHT_S)
    teller.tell(away)
    assert teller.notice().error_kind == "PeerUnreachable"
    teller.clock.now += timedelta(seconds=20)
    receiver = running_web_receiver() if kind == "webhook" else running_mail_receiver()
    with receiver as back:
        teller.tell(build("pager", port=back.port))
    assert teller.notice().state is NoticeState.ACCEPTED


def test_of_a_long_outage_the_first_attempts_and_the_latest_are_kept(
    teller: Teller, free_port: Callable[[], int]
) -> None:
    """A week of them would make the study's page unreadable."""
    teller.tell_until(webhook(port=free_port()), 350.0)
    with query(teller.engine) as session:
        numbers = list(session.scalars(select(FlagAttempt.number).order_by(FlagAttempt.id)))
    assert numbers[:10] == [*range(1, 11)]
    assert len(numbers) <= 12
    assert numbers[-1] == teller.notice().attempts > 15


def test_a_receiver_that_takes_nothing_for_now_is_waited_for_and_a_refusal_is_the_end(
    teller: Teller,
) -> None:
    """A 503 all night is nobody's fault; a 404 would be the same tomorrow."""
    with running_web_receiver(answers_with(503)) as busy:
        waits = teller.tell_until(webhook(port=busy.port), 700.0)
        assert len(waits) > _MAX_ATTEMPTS
        assert max(waits) == 120.0, "one that answers is not pressed"
        teller.clock.now = teller.notice().due_at
        busy.behaviours = [answers_with(404)]
        teller.tell(webhook(port=busy.port))
    assert teller.notice().state is NoticeState.REFUSED


def test_two_notices_without_an_answer_keep_no_younger_one_from_the_receiver(
    teller: Teller,
) -> None:
    """Those that hold up nobody any more go behind the younger ones, not before them."""
    with running_web_receiver(answers_with(503)) as receiver:
        channel = webhook(port=receiver.port)
        teller.tell_until(channel, 20.0)
        FlaggedStudy(teller.engine, rules(channel), number=2).result(Urgency.URGENT, 21)
        teller.clock.now = later(300)  # both are due
        receiver.behaviours = [answers_with(200)]
        teller.tell(channel)
    with query(teller.engine) as session:
        states = list(session.scalars(select(FlagNotice.state).order_by(FlagNotice.id)))
    assert states == [NoticeState.WAITING, NoticeState.ACCEPTED]
