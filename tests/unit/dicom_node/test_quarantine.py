"""What is kept of objects that were not stored, from senders that do not stop."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import Engine, query
from database.tables.study.quarantine import QuarantinedObject
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.receive import quarantine as quarantine_module
from dicom_node.receive.quarantine import Quarantine
from dicom_node.receive.sender import WebSender
from dicom_node.spool import Spool
from radiology.errors import DataSetUnreadable
from storage.local_files import LOCAL
from tests.builders.stored.rows import NOON


def test_an_association_for_each_object_fills_neither_disk_nor_table(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many files and so many rows a day; the next day it is worth a look again."""
    monkeypatch.setattr(quarantine_module, "_MOST_FILES_A_DAY", 3)
    monkeypatch.setattr(quarantine_module, "_MOST_ROWS_A_DAY", 5)
    now = NOON
    folder, spool = tmp_path / "quarantine", Spool(tmp_path / "spool", min_free_bytes=0)

    def clock() -> datetime:
        return now

    quarantine = Quarantine(folder, LOCAL, engine, clock)

    def kept() -> tuple[int, int]:
        """How many files and how many rows there are after ten more, each of a sender anew."""
        for _ in range(10):
            incoming = IncomingDataSet(lambda: spool.begin(b"DICM"), max_bytes=100)
            incoming.write(b"data")
            assert quarantine.take(WebSender(None, "10.0.0.1"), incoming, DataSetUnreadable())
            incoming.discard()
        with query(engine) as session:
            rows = session.scalars(select(QuarantinedObject.path)).all()
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert len(files) == len([path for path in rows if path is not None])
        return len(files), len(rows)

    assert kept() == (3, 5)
    assert kept() == (3, 5)
    now += timedelta(days=1)
    assert kept() == (6, 10)
    spool.close()
