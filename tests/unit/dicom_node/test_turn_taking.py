"""A caller that has paused the library's thread has the messages for itself."""

from __future__ import annotations

import threading

from dicom_node.guard.turn_taking import TurnTaking
from tests.peers.waiting import wait_until


def test_nobody_is_in_the_middle_of_a_turn_after_pausing() -> None:
    """Paused a thousand times at any moment, the thread does nothing until it may go on."""
    checkpoint = TurnTaking()
    checkpoint.set()
    end, in_turn, turns = threading.Event(), threading.Event(), [0]

    def look_for_messages() -> None:
        while not end.is_set():
            checkpoint.wait()
            in_turn.set()
            turns[0] += 1
            in_turn.clear()

    thread = threading.Thread(target=look_for_messages, daemon=True)
    thread.start()
    wait_until(lambda: turns[0] > 0, what="its first turn")
    for _ in range(1000):
        checkpoint.clear()
        before = turns[0]
        assert not in_turn.is_set()
        assert turns[0] == before
        checkpoint.set()
    end.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_thread_that_ended_in_its_turn_blocks_nobody() -> None:
    """Pausing a thread that is no more takes a moment, not for ever."""
    checkpoint = TurnTaking()
    checkpoint.set()
    thread = threading.Thread(target=checkpoint.wait)
    thread.start()
    thread.join(10)
    checkpoint.clear()
    assert not checkpoint.is_set()


def test_the_thread_may_pause_itself() -> None:
    """The library's thread releases an idle association by itself."""
    checkpoint = TurnTaking()
    checkpoint.set()
    assert checkpoint.wait()
    checkpoint.clear()
    assert not checkpoint.wait(0.01)
