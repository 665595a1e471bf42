"""The simulated queue: against theory, and against the product's own queue in a database."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import mean

import pytest

from benchmarks.scale.day import WorkerSeconds, draw_day, figures
from benchmarks.scale.simulate import (
    LooksFirst,
    QueuedStudy,
    first_in_first_out,
    looks_first,
)
from database.jobs.first_looks import next_to_look_at, record_look
from database.session import open_engine, transaction
from models.readers.study_reader import FirstLook
from radiology.urgency import Urgency
from settings.peers import RequestPriority
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import WAITS, claim, finish, later, queue_job
from worker.look_first import like_priority

LOOK_S = 0.5
ORDER = LooksFirst({one: WAITS.allowance(one).total_seconds() for one in RequestPriority}, LOOK_S)
NO_ORDER = LooksFirst(dict.fromkeys(RequestPriority, 0.0), None)


def stream(rate: float, seconds: Callable[[Random], float], *, studies: int) -> list[QueuedStudy]:
    """Studies that come by a Poisson process."""
    random, at, found = Random(5), 0.0, []
    for _ in range(studies):
        at += random.expovariate(rate)
        found.append(QueuedStudy(at, seconds(random), Urgency.ROUTINE))
    return found


def test_one_worker_waits_as_pollaczek_and_khinchine_say() -> None:
    """M/D/1 at 0.8: the mean wait is half of rho / (1 - rho) times a service."""
    served = looks_first(stream(0.08, lambda _: 10.0, studies=40_000), NO_ORDER, workers=1)
    waits = mean(one.began - one.study.at for one in served)
    assert waits == pytest.approx(10.0 * 0.8 / (2 * 0.2), rel=0.06)


def test_four_workers_wait_as_erlang_says() -> None:
    """M/M/4 at 0.8: Erlang's formula for those who find all four busy."""
    load, workers = 3.2, 4
    studies = stream(load / 10.0, lambda random: random.expovariate(0.1), studies=40_000)
    served = looks_first(studies, NO_ORDER, workers=workers)
    full = load**workers / math.factorial(workers) * workers / (workers - load)
    finds_all_busy = full / (sum(load**k / math.factorial(k) for k in range(workers)) + full)
    waits = mean(one.began - one.study.at for one in served)
    assert waits == pytest.approx(finds_all_busy * 10.0 / (workers - load), rel=0.08)


def test_without_an_order_it_is_first_in_first_out() -> None:
    """As the replay of the scorecard has it, which shares no code with it."""
    studies = stream(0.2, lambda random: random.uniform(1, 30), studies=500)
    ours = looks_first(studies, NO_ORDER, workers=3)
    replayed = first_in_first_out(studies, workers=3)
    assert [(one.study.at, one.began) for one in ours] == [
        (one.study.at, pytest.approx(one.began)) for one in replayed
    ]


def test_each_study_is_read_once_by_a_worker_of_its_own() -> None:
    """Never more at a time than there are workers, and never one while a worker is idle."""
    served = looks_first(
        stream(0.2, lambda random: random.uniform(1, 30), studies=500), ORDER, workers=3
    )
    assert len({id(one.study) for one in served}) == len(served) == 500
    for one in served:
        assert sum(other.began <= one.began < other.ended for other in served) <= 3
        assert one.began >= one.study.at


@pytest.mark.parametrize("seed", [0, 1])
def test_it_takes_the_studies_that_the_product_takes(tmp_path: Path, seed: int) -> None:
    """The same arrivals in the product's tables, by a clock of the test's: the same order."""
    random = Random(seed)
    studies = [
        QueuedStudy(
            at=round(random.uniform(0, 60), 2),
            seconds=5.0,
            urgency=random.choice(list(Urgency)),
            priority=random.choice(list(RequestPriority)),
        )
        for _ in range(16)
    ]
    studies.append(QueuedStudy(5000.0, 5.0, Urgency.URGENT, RequestPriority.STAT))
    studies.append(QueuedStudy(5000.5, 5.0, Urgency.ROUTINE))
    studies.append(QueuedStudy(5001.0, 5.0, Urgency.SUSPECTED))
    simulated = looks_first(studies, ORDER, workers=1)
    assert _begun_by_the_product(tmp_path, studies) == [
        (one.study.at, pytest.approx(one.began)) for one in simulated
    ]


def _begun_by_the_product(folder: Path, studies: list[QueuedStudy]) -> list[tuple[float, float]]:
    """When each study came, and when one worker began it."""
    engine = open_engine(f"sqlite:///{folder / 'rows.sqlite'}")
    make_tables(engine)
    coming = sorted(studies, key=lambda one: one.at)
    of_job: dict[int, QueuedStudy] = {}
    begun: list[tuple[float, float]] = []
    now = 0.0

    def come() -> None:
        while len(of_job) < len(coming) and coming[len(of_job)].at <= now:
            study = coming[len(of_job)]
            job = queue_job(engine, len(of_job) + 1, later(study.at), study.priority)
            of_job[job] = study

    while len(begun) < len(coming):
        come()
        if len(begun) == len(of_job):
            now = coming[len(of_job)].at
            continue
        for _ in range(40):
            with transaction(engine) as session:
                look = next_to_look_at(session, later(now))
            if look is None:
                break
            now += LOOK_S
            come()
            like = like_priority(FirstLook(of_job[look.job_id].urgency, {}))
            with transaction(engine) as session:
                record_look(session, look, like, WAITS, later(now))
        held = claim(engine, now)
        study = of_job[held.job_id]
        begun.append((study.at, now))
        now += study.seconds
        come()
        finish(engine, held, destinations=[], at=now)
    engine.dispose()
    return begun


def test_a_day_comes_as_it_was_asked_for() -> None:
    """As many studies as are expected, give or take a few hundredths, by day more than by night."""
    day = draw_day(10_000, WorkerSeconds(10.0, 300), seed=2)
    assert len(day) == pytest.approx(10_000, rel=0.05)
    by_hour = [sum(one.at // 3600 == hour for one in day) for hour in range(24)]
    assert by_hour[10] > 5 * by_hour[3]


def test_first_looks_let_no_urgent_study_wait_for_the_others() -> None:
    """At an hour that asks for more than the workers have; others wait longer for it by little."""
    day = draw_day(1000, WorkerSeconds(65.0, 300), seed=3)
    ours = figures(looks_first(day, ORDER, workers=2), workers=2)
    fifo = figures(first_in_first_out(day, workers=2), workers=2)
    assert fifo.busiest_hour_busy > 1.0
    assert ours.urgent_95_s < 0.2 * fifo.urgent_95_s
    assert ours.longest_s < 1.3 * fifo.longest_s


def test_past_what_routine_may_wait_the_oldest_come_first() -> None:
    """The rule that lets no study starve: where all wait for hours, looks help little."""
    day = draw_day(1000, WorkerSeconds(100.0, 300), seed=3)
    ours = figures(looks_first(day, ORDER, workers=2), workers=2)
    assert ours.routine_95_s > 3 * WAITS.routine_s
    assert ours.urgent_95_s > WAITS.routine_s
