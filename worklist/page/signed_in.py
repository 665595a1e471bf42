"""The reader's name for the templates: every page shows it at its top.

A context variable, because a template is rendered in many places and each would have to pass it
on. It belongs to one request; parts of a screen, which are shared, must not look at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from worklist.page.current_reader import PageReader

_READER: ContextVar[PageReader | None] = ContextVar("reader", default=None)


def signed_in() -> PageReader | None:
    """Who looks at the page; None while nobody has signed in."""
    return _READER.get()


@contextmanager
def looking(reader: PageReader | None) -> Iterator[None]:
    """Within the block, templates are rendered for this reader."""
    before = _READER.set(reader)
    try:
        yield
    finally:
        _READER.reset(before)
