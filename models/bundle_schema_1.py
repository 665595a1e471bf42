"""Read the networks of a bundle of schema 1, which had one network and no classifier.

Bundles are never edited in place, so 1.0.0 keeps its layout. To be deleted with it.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from models.declaration import Table
from models.declared_case import CaseDeclaration, read_operating_point
from models.declared_networks import (
    InputGrid,
    NetworkFiles,
    Networks,
    Output,
    Precision,
    read_grid,
    read_lung_and_lesion,
)
from radiology.case_answer import CaseRule
from radiology.errors import BundleRejected

SCHEMA = 1


def read_schema_1(
    table: Table, folder: Path, listed: Collection[str]
) -> tuple[Networks, InputGrid, Output, Output, CaseDeclaration]:
    """Take what schema 2 says otherwise; the rest of the declaration is the same."""
    network = table.text("network")
    if network not in listed:
        raise BundleRejected("The network is not among the listed files", file=network)
    grid = read_grid(table.table("input"))
    lung, lesion = read_lung_and_lesion(table.table("outputs"))
    point = table.table("operating_point")
    case = CaseDeclaration(CaseRule.LESION_SHARE, read_operating_point(point), viral=None)
    point.close()
    files = NetworkFiles(folder / network, int8=None, on_cpu=Precision.FLOAT32)
    return Networks(files, classification=None), grid, lung, lesion, case
