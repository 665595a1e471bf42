"""Steps on several cores: each once, and none of them fails unheard."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from models.side_by_side import side_by_side


@pytest.mark.parametrize("cores", [1, 3])
def test_each_step_is_done_once(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    done = np.zeros(50, dtype=np.int64)

    def step(index: int) -> None:
        done[index] += 1

    side_by_side(step, len(done))
    assert (done == 1).all()


def test_as_many_steps_at_once_as_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of three waits for the other two: one after the other they would wait for ever."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    together = threading.Barrier(3, timeout=30.0)
    side_by_side(lambda _: together.wait() and None, 3)


@pytest.mark.parametrize("cores", [1, 3])
def test_a_step_that_fails_is_heard_of(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))

    def step(index: int) -> None:
        if index == 7:
            raise ValueError("the seventh")

    with pytest.raises(ValueError, match="the seventh"):
        side_by_side(step, 20)
