"""The list that a study was opened from: the query `?list=`, kept in links, so that one can go on.

It is the query of the list's own address, taken along without being read; only the list reads it.
"""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Query
from starlette.datastructures import Headers

from worklist.words.language_choice import page_before

_MOST_CHARACTERS: Final = 1000

KeptList = Annotated[str, Query(alias="list", max_length=_MOST_CHARACTERS)]
"""Query of the list's address, without its question mark; empty for the whole list."""


def with_list(address: str, kept: str) -> str:
    """The same address, with the list that one came from, if it was restricted in any way."""
    if not kept:
        return address
    return f"{address}{'&' if '?' in address else '?'}list={quote(kept, safe='')}"


def list_address(kept: str) -> str:
    """Where the list is."""
    return f"/?{kept}" if kept else "/"


def back_to(headers: Headers, address: str) -> str:
    """A study's page as a form was sent from it, list and bundle included; else its plain address.

    Parameters
    ----------
    headers : of the request that brought the form
    """
    before = page_before(headers)
    return before if before.partition("?")[0] == address else address
