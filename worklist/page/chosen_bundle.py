"""The bundle whose answer a study's page shows in full: the query `?bundle=`, kept in links."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Query

_MOST_CHARACTERS: Final = 200

ChosenBundle = Annotated[str, Query(alias="bundle", max_length=_MOST_CHARACTERS)]
"""Name of a bundle; empty for the most urgent answer."""


def with_bundle(address: str, bundle: str) -> str:
    """The same address, with the bundle that was chosen, if any."""
    return f"{address}?bundle={quote(bundle, safe='')}" if bundle else address
