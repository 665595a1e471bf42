"""How much time is left for a request, by a clock that the tests set."""

from __future__ import annotations

from http_client.limited_time import RequestTime


class Clock:
    """Seconds, as a test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_has_its_time_from_the_end_of_the_request() -> None:
    """Sending takes as long as it takes; then each piece has what the ones before have left."""
    clock = Clock()
    time = RequestTime(10.0, None, clock)
    time.begin()
    for _ in range(20):
        assert time.to_send(5.0) == 5.0
        clock.now += 4
    assert time.to_receive(5.0) == 5.0
    clock.now += 8
    assert time.to_receive(5.0) == 2.0
    clock.now += 3
    assert time.to_receive(5.0) == 0.0


def test_a_whole_request_has_its_time_from_its_beginning() -> None:
    """Connecting, sending and the answer share it."""
    clock = Clock()
    time = RequestTime(10.0, 10.0, clock)
    time.begin()
    clock.now += 4
    assert time.to_send(None) == 6.0
    clock.now += 4
    assert time.to_receive(None) == 2.0
    clock.now += 4
    assert (time.to_send(None), time.to_receive(None)) == (0.0, 0.0)


def test_each_request_has_its_own_time() -> None:
    """Also on a connection that was kept from the one before."""
    clock = Clock()
    for whole_s in (None, 10.0):
        time = RequestTime(10.0, whole_s, clock)
        for _ in range(3):
            time.begin()
            assert time.to_send(None) >= 10.0
            assert time.to_receive(None) == 10.0
            clock.now += 9


def test_an_answer_before_the_end_of_the_request_is_not_its_answer() -> None:
    """To CONNECT of a proxy, say: what is sent behind it begins the time anew."""
    clock = Clock()
    time = RequestTime(10.0, None, clock)
    time.begin()
    time.to_receive(None)
    clock.now += 8
    time.to_send(None)
    assert time.to_receive(None) == 10.0
