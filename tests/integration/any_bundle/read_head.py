"""A study of a head, read by six bundles, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydicom import Dataset
from sqlalchemy import select

from database.session import Engine, query
from database.tables.study.analysis import Result
from tests.builders.declared import patch_segmenter, slice_scorer
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.dicom.work_item_manager import ManagerPeer
from tests.peers.firstreads.embedded import Embedded
from tests.peers.flag_receivers import WebReceiver
from tests.peers.hl7_listener import ReceivedMessages

SEGMENTER, SCORER = patch_segmenter.NAME, slice_scorer.NAME
PAGE_ONLY, SHADOW, LENIENT = "head-page-only", "head-shadow", "head-lenient"
RELEASED = "head-ct-haemorrhage"
BLOOD_ML = 40.0


@dataclass
class ReadHead:
    """A study of a head with a bleeding, read by six bundles, and whoever was told."""

    uid: str
    firstread: Embedded
    pacs: OrthancPeer
    engine: Engine
    webhook: WebReceiver
    hl7: ReceivedMessages
    manager: ManagerPeer
    work_folder: Path
    _results: dict[str, Result] = field(default_factory=dict)

    @property
    def results(self) -> dict[str, Result]:
        """The result of each bundle."""
        if not self._results:
            with query(self.engine) as session:
                found = session.scalars(select(Result)).all()
                self._results = {one.bundle: one for one in found}
        return self._results

    def objects_of(self, bundle: str) -> list[Dataset]:
        """What PACS has of a bundle; our objects name their algorithm."""
        found = self.pacs.data_sets(StudyInstanceUID=self.uid)
        name = "Head CT haemorrhage" if bundle == RELEASED else f"Test {bundle}"
        return [one for one in found if str(one.ManufacturerModelName) == name]

    def page(self, path: str = "") -> str:
        """The page of the study."""
        address = f"{self.firstread.worklist_url}/studies/{self.uid}{path}"
        return httpx.get(address, trust_env=False, timeout=60).raise_for_status().text


def said(report: Dataset) -> str:
    """Every concept, code and text of a report."""
    return "\n".join(
        str(element.value)
        for element in report.iterall()
        if element.keyword in ("CodeMeaning", "TextValue")
    )
