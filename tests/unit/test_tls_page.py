"""docs/tls.md: each attempt of its tables has its test, and no tested attempt is missing."""

from __future__ import annotations

import ast
import re

from tests.peers.programs import REPOSITORY

_TESTS = REPOSITORY / "tests" / "integration" / "tls"
_NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
# What these show stands in sections of its own: renewal, and the lines to database and broker.
_ELSEWHERE = {"test_renewal.py", "test_servers.py"}


def _rows() -> list[str]:
    """The rows of both tables: who calls us, and whom we call."""
    below = (REPOSITORY / "docs" / "tls.md").read_text().split("## What was tried\n", 1)[1]
    heads = ("| who", "|---")
    return [one for one in below.splitlines() if one.startswith("|") and not one.startswith(heads)]


def _defined() -> set[tuple[str, str]]:
    """Every test of TLS with a peer, by file and function."""
    return {
        (path.name, one.name)
        for path in _TESTS.glob("test_*.py")
        if path.name not in _ELSEWHERE
        for one in ast.parse(path.read_text()).body
        if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
    }


def test_the_table_of_attempts_is_what_is_tested() -> None:
    """Attempt, outcome and a test that exists in each row; each test stands in a row."""
    rows = _rows()
    assert len(rows) > 30
    for row in rows:
        attempt, outcome, shown_by = row.strip("|").split("|")
        assert attempt.strip(), row
        assert outcome.strip(), row
        assert _NAMED.findall(shown_by), row
    assert {one for row in rows for one in _NAMED.findall(row)} == _defined()
