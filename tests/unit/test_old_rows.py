"""Rows for the tests of later versions: what they say of the machine that they were made on."""

from __future__ import annotations

import os
import re
import sysconfig
from pathlib import Path

import pytest

from database.process_signs import process_name
from tests.builders.old_rows.machine import without_machine
from tests.builders.old_rows.rows_file import OldRows
from tests.peers.programs import REPOSITORY


def _rows(**values: str) -> OldRows:
    return OldRows("0.1.0", "0001_first_schema", {"job": [values]})


def test_name_and_paths_are_replaced(tmp_path: Path) -> None:
    """A trace keeps what a person looks for in it, a process its number."""
    library = sysconfig.get_path("purelib")
    made = _rows(
        worker=process_name(),
        trace=f'  File "{REPOSITORY}/worker/lease.py"\n  File "{library}/pydicom/uid.py"',
        path=f"{tmp_path}/spool/1.dcm",
    )
    (row,) = without_machine(made, tmp_path).tables["job"]
    assert row == {
        "worker": f"host:{os.getpid()}",
        "trace": '  File "worker/lease.py"\n  File "lib/pydicom/uid.py"',
        "path": "spool/1.dcm",
    }


def test_what_could_not_be_replaced_is_no_file(tmp_path: Path) -> None:
    """Rather none than one that names the machine."""
    for left in (str(tmp_path), f"at {process_name()}"):
        with pytest.raises(ValueError, match=re.escape(left.removeprefix("at "))):
            without_machine(_rows(error_message=left), tmp_path)
