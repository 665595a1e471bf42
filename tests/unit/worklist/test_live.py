"""Live updates: what is sent, when, and that a stream ends when the server stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from database.views.worklist.opened import HEARTBEAT_S
from radiology.errors import DatabaseUnavailable
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.unit.worklist.list.ordinary_day import SEVERE, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.list.query import ListQuery
from worklist.list.screen import list_screen
from worklist.page import live as live_module
from worklist.page.live import ALIVE_EVERY_S, LOOK_ANYWAY_S, LiveScreens
from worklist.page.screens import PageContext, Part, Screen
from worklist.page.templates import make_templates
from worklist.study.screen import study_screen


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "LOOK_EVERY_S", 0.01)


@pytest.fixture
def context(hospital: SeededHospital, worklist_settings: Settings) -> PageContext:
    """Give what screens are built with."""
    return PageContext(
        worklist_settings, hospital.engine, make_templates(), clock=lambda: hospital.now
    )


async def _event(stream: AsyncIterator[str]) -> tuple[str, Any]:
    """The next event of a stream; a stream that says nothing is a failure."""
    text = await asyncio.wait_for(anext(stream), timeout=10)
    name, data = text.strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def _open(
    live: LiveScreens, build: Callable[[], Screen], name: str = "screen"
) -> AsyncIterator[str]:
    stream = live.stream(name, build)
    assert await anext(stream) == "retry: 2000\n\n"
    return stream


def test_only_what_changed_is_sent(
    hospital: SeededHospital, ordinary_day: OrdinaryDay, context: PageContext
) -> None:
    """First comes the whole screen, then the rows that changed and the new order."""

    async def watch() -> None:
        live = LiveScreens(hospital.engine)
        stream = await _open(live, lambda: list_screen(context, ListQuery()))
        name, first = await _event(stream)
        assert name == "parts"
        assert set(first["order"]) < set(first["parts"])
        assert first["urgent"] == 2
        claim = hospital.claim()  # of the study that waits
        name, claimed = await _event(stream)
        assert set(claimed["parts"]) == {ordinary_day.queued}
        hospital.answer(claim, Urgency.URGENT, SEVERE, picture=False)
        while True:
            name, answered = await _event(stream)
            if answered["urgent"] == 3:
                break
        assert answered["order"].index(ordinary_day.queued) == 2
        assert answered["title"] == "(3) Worklist"
        live.close()

    asyncio.run(watch())


def test_parts_are_those_of_the_page(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, context: PageContext
) -> None:
    """An update looks like a reload: the same HTML, the same digest."""

    async def first() -> dict[str, Any]:
        live = LiveScreens(hospital.engine)
        stream = await _open(live, lambda: study_screen(context, ordinary_day.urgent))
        _, event = await _event(stream)
        live.close()
        return dict(event["parts"])

    sent = asyncio.run(first())
    screen = study_screen(context, ordinary_day.urgent)
    assert sent == {part.key: [part.digest, part.html] for part in screen.parts}
    for part in screen.parts:
        assert part.html.count(f'data-part="{part.key}" data-digest="{part.digest}"') == 1


def test_streams_share_their_screen(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, context: PageContext
) -> None:
    """Many open pages of one kind cost the database what one does."""
    built = 0

    def build() -> Screen:
        nonlocal built
        built += 1
        return list_screen(context, ListQuery())

    async def watch() -> None:
        live = LiveScreens(hospital.engine, seconds=lambda: 0.0)
        streams = [await _open(live, build) for _ in range(20)]
        await asyncio.gather(*(_event(stream) for stream in streams))
        live.close()

    asyncio.run(watch())
    assert built == 1


class _Clock:
    """Seconds that go on when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_quiet_stream_says_that_it_is_alive(
    hospital: SeededHospital, context: PageContext
) -> None:
    """When nothing changes the browser still hears something."""
    clock = _Clock()

    async def watch() -> None:
        live = LiveScreens(hospital.engine, seconds=clock)
        stream = await _open(live, lambda: list_screen(context, ListQuery()))
        assert (await _event(stream))[0] == "parts"
        clock.now += ALIVE_EVERY_S
        assert (await _event(stream)) == ("alive", {})
        live.close()

    asyncio.run(watch())


def test_a_stream_notes_that_the_screen_is_open(hospital: SeededHospital) -> None:
    """While a page follows its study, that it is open is noted at once and again and again."""
    clock, noted = _Clock(), []

    async def watch() -> None:
        live = LiveScreens(hospital.engine, seconds=clock)
        screen = Screen(title="study", parts=(Part("head", "1", "<p>study</p>"),))
        stream = live.stream("study", lambda: screen, lambda: noted.append(clock.now))
        assert await anext(stream) == "retry: 2000\n\n"
        assert (await _event(stream))[0] == "parts"
        clock.now += HEARTBEAT_S - 1
        assert (await _event(stream))[0] == "alive"
        clock.now += HEARTBEAT_S
        assert (await _event(stream))[0] == "alive"
        live.close()

    asyncio.run(watch())
    assert noted == [100.0, 100.0 + 2 * HEARTBEAT_S - 1]


def test_unnoticed_changes_are_found_later(hospital: SeededHospital) -> None:
    """A change that the token misses is sent all the same, some seconds later."""
    clock = _Clock()
    titles = iter(("before", "after"))

    def build() -> Screen:
        title = next(titles)
        return Screen(title=title, parts=(Part("head", title, f"<p>{title}</p>"),))

    async def watch() -> None:
        live = LiveScreens(hospital.engine, seconds=clock)
        stream = await _open(live, build)
        assert (await _event(stream))[1]["title"] == "before"
        clock.now += LOOK_ANYWAY_S
        assert (await _event(stream))[1]["title"] == "after"
        live.close()

    asyncio.run(watch())


def test_database_that_goes_away_and_comes_back(
    hospital: SeededHospital, context: PageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream outlives the database: it says that it is away, and goes on when it is back."""
    away = False
    look = LiveScreens._look

    def look_or_fail(self: LiveScreens) -> tuple[object, ...]:
        if away:
            raise DatabaseUnavailable
        return look(self)

    monkeypatch.setattr(LiveScreens, "_look", look_or_fail)

    async def watch() -> None:
        nonlocal away
        live = LiveScreens(hospital.engine)
        stream = await _open(live, lambda: list_screen(context, ListQuery()))
        assert (await _event(stream))[0] == "parts"
        away = True
        assert (await _event(stream))[0] == "unavailable"
        away = False
        hospital.receive()
        name, event = await _event(stream)
        while name != "parts":
            name, event = await _event(stream)
        assert len(event["order"]) == 1
        live.close()

    asyncio.run(watch())


def test_closing_ends_every_stream(hospital: SeededHospital, context: PageContext) -> None:
    """After `close` a stream ends by itself, however quiet it is."""

    async def watch() -> None:
        live = LiveScreens(hospital.engine)
        stream = await _open(live, lambda: list_screen(context, ListQuery()))
        await _event(stream)
        live.close()
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(stream), timeout=5)

    asyncio.run(watch())


def test_study_that_is_deleted_ends_its_stream(
    hospital: SeededHospital, context: PageContext
) -> None:
    """A study that is not there (any more) has nothing to follow."""

    async def watch() -> None:
        live = LiveScreens(hospital.engine)
        stream = await _open(live, lambda: study_screen(context, "1.2.3"))
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(stream), timeout=5)

    asyncio.run(watch())
