"""What is missing outside the repository is a skip at a desk and a failure in CI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.peers.ports import free_port
from tests.peers.programs import find_program, require_program
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


def test_an_activated_environment_does_not_hide_dcmtk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of two programs with the same name the one outside our virtual environment is found."""
    environment, system = tmp_path / "environment", tmp_path / "system"
    for folder in (environment / "bin", system):
        _program(folder / "storescp")
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setenv("PATH", os.pathsep.join([str(environment / "bin"), str(system)]))
    assert require_program("storescp", package="dcmtk") == system / "storescp"


def test_a_linked_environment_is_known_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An environment that PATH names by another way is still ours."""
    _program(tmp_path / "environment" / "bin" / "no-such-program")
    (tmp_path / "link").symlink_to(tmp_path / "environment")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "link"))
    monkeypatch.setenv("PATH", str(tmp_path / "environment" / "bin"))
    assert find_program("no-such-program") is None


def test_our_environment_is_searched_where_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What pip has installed is found by whoever asks for it there, as dcmqi is."""
    _program(tmp_path / "bin" / "no-such-program")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    folder = str(tmp_path / "bin")
    assert find_program("no-such-program", folders=(folder,)) == Path(folder, "no-such-program")


def test_a_python_without_an_environment_searches_all_of_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The system's own Python lies where the system's programs lie."""
    _program(tmp_path / "bin" / "no-such-program")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_program("no-such-program") == tmp_path / "bin" / "no-such-program"


def _program(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch(0o755)


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
