"""`firstread backup -`: what cannot be written to the end is no backup."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import pytest

from database.retention.state import BACKUP, noted_state
from database.session import query
from firstread.backup.made import back_up_and_say
from firstread.data_folder import open_database
from radiology.errors import BackupNotWritten
from settings.environment import Settings
from worker.backup.left_out import EVERYTHING


def test_a_target_that_is_full_at_the_very_end_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last bytes wait in a buffer until then; nothing is noted as backed up."""
    settings = Settings(data_folder=tmp_path / "data")
    engine = open_database(settings, make=True)
    full = io.TextIOWrapper(Path("/dev/full").open("wb", buffering=1 << 24))  # noqa: SIM115 closed below
    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(BackupNotWritten, match="could not be written"):
        back_up_and_say(settings, Path("-"), EVERYTHING)
    monkeypatch.undo()
    with contextlib.suppress(OSError):
        full.close()
    with query(engine) as session:
        assert noted_state(session, BACKUP) is None
    engine.dispose()
