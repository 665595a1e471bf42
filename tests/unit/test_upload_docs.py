"""The page on uploads keeps step with its limits."""

from __future__ import annotations

import re

from settings.uploads import UploadLimits
from tests.peers.programs import REPOSITORY


def test_every_limit_is_documented_with_its_default() -> None:
    """docs/upload.md has one row for each entry, with the default of the code."""
    page = (REPOSITORY / "docs" / "upload.md").read_text()
    shown = dict(re.findall(r"^\| `([a-z_]+)` \| `(\d+)` \|", page, re.MULTILINE))
    limits = UploadLimits().model_dump()
    assert {name: float(value) for name, value in shown.items()} == limits
