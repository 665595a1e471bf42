"""Every key of a TOML text is found on the line where it stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.declared.lines import Path, line_at, lines_of
from tests.builders.declared.toml import dump_toml

TEXT = '''\
# comment with [a] = "b"
name = "x # no comment" # one
"quoted key" = 1
dotted.inner."deep one" = { a = 1, b = [1, 2], c = { d = "}" } }
many = [
    "one", # first ] of three
    """two
    lines \\""" and "quotes" """,
    [1, { x = 'literal \\' }],
]

[table]
a = 1979-05-27T07:32:00Z
b = \'\'\'raw
text\'\'\'
c = 2

[[list]]
name = "first"
[list.sub]
key = true

[[list]]
name = "second"
  [[list.parts]]
  p = 1
  [[list.parts]]
  p = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("quoted key",), 3),
        (("dotted", "inner", "deep one", "c", "d"), 4),
        (("many", 1), 7),
        (("many", 2), 9),
        (("many", 2, 1, "x"), 9),
        (("table",), 12),
        (("table", "b"), 14),
        (("table", "c"), 16),
        (("list", 0), 18),
        (("list", 0, "sub", "key"), 21),
        (("list", 1, "name"), 24),
        (("list", 1, "parts", 1, "p"), 28),
    ],
)
def test_key_stands_on_its_line(path: Path, line: int) -> None:
    assert lines_of(TEXT)[path] == line


def test_line_of_what_is_not_there_is_that_of_the_table_around_it() -> None:
    lines = lines_of(TEXT)
    assert line_at(lines, ("list", 1, "colour")) == 23
    assert line_at(lines, ("nothing",)) == 1


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    entries: Any = enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict):
        entries = value.items()
    for key, one in entries:
        yield from _paths(one, (*path, key))


_KEYS = st.text("abcdefgh_-1", min_size=1, max_size=5)
_PLAIN = st.one_of(
    st.integers(-9, 9),
    st.booleans(),
    st.text('ab"#[]{}\\\n,=', max_size=6),
)
_VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_paths_are_those_that_tomllib_reads(values: dict[str, Any]) -> None:
    """Whatever is written, every path is found, no other is, and lines hold the keys."""
    text = dump_toml(values)
    lines = lines_of(text)
    read = tomllib.loads(text)
    assert read == values
    assert set(_paths(read)) == set(lines)
    rows = text.splitlines()
    for path, line in lines.items():
        key = next(part for part in reversed(path) if isinstance(part, str))
        assert key in rows[line - 1]
