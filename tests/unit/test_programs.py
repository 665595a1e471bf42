"""What is missing outside the repository is a skip at a desk and a failure in CI."""

from __future__ import annotations

import pytest

from tests.peers.ports import free_port
from tests.peers.programs import require_program
from tests.peers.waiting import WaitedTooLong, wait_until


def test_a_missing_program_is_skipped_at_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CI the test is skipped, and the message names the package to install."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="package some-package"):
        require_program("no-such-program", package="some-package")


def test_a_missing_program_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI=true the same thing is a failure: no check is left out silently."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="package some-package"):
        require_program("no-such-program", package="some-package")


def test_waiting_ends_with_the_value() -> None:
    """The first true value is given back."""
    values = iter([0, None, 7])
    assert wait_until(lambda: next(values), what="a seven", interval_s=0.001) == 7


def test_waiting_has_a_limit_and_says_what_for() -> None:
    """A condition that never holds fails the test with its words."""
    with pytest.raises(WaitedTooLong, match="the moon"):
        wait_until(lambda: False, what="the moon", limit_s=0.01, interval_s=0.001)


def test_ports_differ() -> None:
    """Two calls never give the same port, even when nobody has taken the first one yet."""
    assert len({free_port() for _ in range(20)}) == 20
