"""Calls the command line for what is the workers' part, which the page does not know."""

from __future__ import annotations

import os
import sys

from settings.environment import PREFIX, Settings


def command(*words: str) -> list[str]:
    """`firstread` with these words, by this very interpreter."""
    return [sys.executable, "-m", "firstread", *words]


def environment_of(settings: Settings) -> dict[str, str]:
    """Ours, with the page's data folder and database, whatever folder the command runs in."""
    return {
        **os.environ,
        f"{PREFIX}DATA_FOLDER": str(settings.data_folder.resolve()),
        f"{PREFIX}DATABASE_URL": settings.database_address,
    }
