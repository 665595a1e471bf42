"""Bundles of schema 3 with real peers: from a scanner's C-STORE to PACS, page and messages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest
from pydicom import Dataset
from sqlalchemy import select

from database.results.shadow import ShadowLine, shadow_lines
from database.session import Engine, open_engine, query
from database.states import JobState
from database.tables.analysis import Job, Result
from database.tables.flag import Flag
from phantom.head import Bleeding, BleedingLabel, head_grid, make_head_phantom
from phantom.head.study import write_head_study
from radiology.urgency import Urgency
from tests.builders.declared import patch_segmenter, slice_scorer
from tests.builders.declared.variants import write_variant
from tests.builders.dicom.study_folder import by_position, study_uid
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import ConformanceReport
from tests.peers.dicom.orthanc import OrthancPeer, start_orthanc
from tests.peers.dicom.work_item_manager import ManagerPeer, running_manager
from tests.peers.firstreads.embedded import Embedded, running_embedded
from tests.peers.flag_receivers import WebReceiver, running_web_receiver
from tests.peers.hl7_listener import ReceivedMessages, hl7_listener
from tests.peers.programs import REPOSITORY
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(500)]

SEGMENTER, SCORER = patch_segmenter.NAME, slice_scorer.NAME
PAGE_ONLY, SHADOW, LENIENT = "head-page-only", "head-shadow", "head-lenient"
RELEASED = "head-ct-haemorrhage"
BLOOD_ML = 40.0
_LIMIT_S = 300.0


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


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadHead]:
    """Send the study to a running Firstread, and wait until every bundle has read it."""
    folder = tmp_path_factory.mktemp("declared")
    bundles = folder / "bundles"
    patch_segmenter.write_patch_segmenter(bundles)
    slice_scorer.write_slice_scorer(bundles)
    write_variant(bundles, PAGE_ONLY, deliver={"to": "page only"})
    write_variant(bundles, SHADOW, deliver={"to": "nowhere"})
    write_variant(bundles, LENIENT)
    _release_to_pacs(bundles)
    names = [SEGMENTER, SCORER, PAGE_ONLY, SHADOW, LENIENT, RELEASED]
    bleeding = Bleeding(BleedingLabel.INTRAPARENCHYMAL, BLOOD_ML, attenuation_hu=72.0)
    phantom = make_head_phantom(
        grid=head_grid((30, 256, 256), (5.0, 0.9, 0.9)), bleedings=[bleeding], noise_hu=1.0
    )
    study, site = folder / "study", folder / "site"
    site.mkdir()
    write_head_study(phantom, study)
    with ExitStack() as stack:
        pacs = start_orthanc(tmp_path_factory.mktemp("orthanc"))
        stack.enter_context(pacs.process)
        webhook = stack.enter_context(running_web_receiver())
        hl7 = stack.enter_context(hl7_listener())
        manager = stack.enter_context(running_manager())
        firstread = stack.enter_context(
            running_embedded(
                site,
                pacs=pacs,
                limit_s=120.0,
                settings={
                    "BUNDLES_FOLDER": str(bundles),
                    "BUNDLES": json.dumps(names),
                    "BUNDLE_LIMITS": json.dumps({LENIENT: {"large bleeding": 500.0}}),
                    "EXECUTION_PROVIDER": "cpu",
                    "PEERS": json.dumps(_peers(pacs, manager)),
                    "FLAGS": json.dumps(_channels(webhook, hl7)),
                },
            )
        )
        engine = open_engine(firstread.database_url)
        dcmtk = Dcmtk(work_folder=folder / "dcmtk")
        dcmtk.dcmsend(
            by_position(study), port=firstread.dicom_port, called_ae_title="FIRSTREAD"
        ).check()
        _wait_until_read(engine, len(names))
        wait_until(
            lambda: webhook.received and hl7.messages and manager.work_items,
            what="everybody to be told",
            limit_s=_LIMIT_S,
        )
        yield ReadHead(
            study_uid(study), firstread, pacs, engine, webhook, hl7, manager, folder / "read"
        )
        engine.dispose()


def _release_to_pacs(bundles: Path) -> None:
    """The released head bundle, which goes to the page alone, as one that goes to PACS."""
    source = REPOSITORY / "models" / "bundles" / RELEASED / "1.0.0"
    folder = Path(shutil.copytree(source, bundles / RELEASED / "1.0.0"))
    declaration = folder / "bundle.toml"
    said = declaration.read_text(encoding="utf-8")
    assert 'to = "page only"' in said
    declaration.write_text(said.replace('to = "page only"', 'to = "pacs"'), encoding="utf-8")


def _peers(pacs: OrthancPeer, manager: ManagerPeer) -> list[dict[str, object]]:
    return [
        {
            "name": "pacs",
            "ae_title": pacs.ae_title,
            "host": pacs.host,
            "port": pacs.dicom_port,
            "roles": ["source", "destination"],
        },
        {"name": "scanner", "ae_title": "SCANNER"},
        {
            "name": "manager",
            "ae_title": "MANAGER",
            "host": "127.0.0.1",
            "port": manager.port,
            "roles": [],
        },
    ]


def _channels(webhook: WebReceiver, hl7: ReceivedMessages) -> list[dict[str, object]]:
    return [
        {"kind": "webhook", "name": "pager", "url": webhook.url},
        {"kind": "hl7", "name": "ris", "host": "127.0.0.1", "port": hl7.port},
        {"kind": "work-item", "name": "ups", "peer": "manager"},
    ]


def _wait_until_read(engine: Engine, jobs: int) -> None:
    ended = (JobState.DELIVERED, JobState.ENCODED, JobState.SHADOWED, JobState.FAILED)

    def done() -> bool:
        with query(engine) as session:
            found = {one.bundle: one.state for one in session.scalars(select(Job))}
        delivered = all(
            found.get(one) in (JobState.DELIVERED, JobState.FAILED)
            for one in (SEGMENTER, SCORER, LENIENT, RELEASED)
        )
        return len(found) == jobs and delivered and all(one in ended for one in found.values())

    wait_until(done, what="every bundle to have read the study", limit_s=_LIMIT_S)


def test_a_segmenter_of_three_classes_goes_all_the_way(
    read: ReadHead, dciodvfy: Callable[..., ConformanceReport]
) -> None:
    """PACS has SR, SEG and SC of it, valid, with the bundle's own words and codes."""
    result = read.results[SEGMENTER]
    assert (result.urgency, result.urgency_rule) == (Urgency.URGENT, "large bleeding")
    made = {one.Modality: one for one in read.objects_of(SEGMENTER)}
    assert sorted(made) == ["OT", "SEG", "SR"]
    for one in made.values():
        report = dciodvfy(one)
        assert not report.errors, report
        assert one.PatientID == "PHANTOM-HEAD-1"
    kinds = {
        one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning for one in made["SEG"].SegmentSequence
    }
    assert kinds == {"Hemorrhage"}  # what a destination gets by default: findings alone
    said = _said(made["SR"])
    assert "CT Head" in said
    assert "Hemorrhage" in said
    assert "lung" not in said.lower()


def test_what_is_reported_is_what_is_outlined(read: ReadHead) -> None:
    """The volume in the SR is that of the voxels in the SEG, and the bleeding lies among them."""
    made = {one.Modality: one for one in read.objects_of(SEGMENTER)}
    numbers = {
        int(one.SegmentNumber): one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning
        for one in made["SEG"].SegmentSequence
    }
    voxel_ml = 5.0 * 0.9 * 0.9 / 1000.0
    outlined_ml = voxel_ml * sum(
        int(np.count_nonzero(pixels))
        for pixels, frame in zip(
            made["SEG"].pixel_array, made["SEG"].PerFrameFunctionalGroupsSequence, strict=True
        )
        if numbers[int(frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber)]
        == "Hemorrhage"
    )
    assert outlined_ml > 0.9 * BLOOD_ML
    volumes = [
        float(item.MeasuredValueSequence[0].NumericValue)
        for item in _items(made["SR"])
        if item.ValueType == "NUM"
        and item.ConceptNameCodeSequence[0].CodeMeaning == "Volume"
        and item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "ml"
    ]
    assert any(abs(one - outlined_ml) < 0.1 for one in volumes), (volumes, outlined_ml)


def _said(report: Dataset) -> str:
    """Every concept, code and text of a report."""
    return "\n".join(
        str(element.value)
        for element in report.iterall()
        if element.keyword in ("CodeMeaning", "TextValue")
    )


def _items(item: Dataset) -> Iterator[Dataset]:
    for one in item.get("ContentSequence", ()):
        yield one
        yield from _items(one)


def test_a_scorer_of_slices_goes_all_the_way(
    read: ReadHead, dciodvfy: Callable[..., ConformanceReport]
) -> None:
    """It draws nothing, so it has no SEG; report and picture are there and valid."""
    made = {one.Modality: one for one in read.objects_of(SCORER)}
    assert sorted(made) == ["OT", "SR"]
    for one in made.values():
        report = dciodvfy(one)
        assert not report.errors, report
    assert "CT Abdomen and Pelvis" in _said(made["SR"])


def test_the_site_decides_on_its_own_limit(read: ReadHead) -> None:
    """The same network under a limit of the site is not urgent; page and SR say whose it is."""
    result = read.results[LENIENT]
    assert result.urgency is Urgency.SUSPECTED
    (report,) = [one for one in read.objects_of(LENIENT) if one.Modality == "SR"]
    rows = {row["name"]: row for row in result.reading["urgency_rules"]}
    assert rows["large bleeding"]["whose"] == "site"
    assert rows["large bleeding"]["limit"] == "at least 500"
    assert "at least 0.2" in _said(report)  # of the suspicion, whose limit is the bundle's
    assert "at least 500" in read.page()


def test_the_released_head_bundle_goes_all_the_way(
    read: ReadHead, dciodvfy: Callable[..., ConformanceReport]
) -> None:
    """It finds most of the bleeding, and PACS has SR, SEG and SC of it, valid."""
    assert read.results[RELEASED].urgency is Urgency.URGENT
    made = {one.Modality: one for one in read.objects_of(RELEASED)}
    assert sorted(made) == ["OT", "SEG", "SR"]
    for one in made.values():
        report = dciodvfy(one)
        assert not report.errors, report
    voxel_ml = 5.0 * 0.9 * 0.9 / 1000.0
    found_ml = voxel_ml * int(np.count_nonzero(made["SEG"].pixel_array))
    assert found_ml > 0.5 * BLOOD_ML
    assert "Hemorrhage" in _said(made["SR"])


def test_results_for_the_page_alone_are_not_sent(read: ReadHead) -> None:
    """The page shows the answer; PACS has no object of it."""
    assert read.results[PAGE_ONLY].urgency is Urgency.URGENT
    assert read.objects_of(PAGE_ONLY) == []
    assert PAGE_ONLY in read.page()


def test_nobody_is_shown_what_a_bundle_in_shadow_answers(read: ReadHead) -> None:
    """There is no result, no object and no flag of it; whoever judges it finds its answer."""
    assert SHADOW not in read.results
    assert read.objects_of(SHADOW) == []
    with query(read.engine) as session:
        (line,) = shadow_lines(session, SHADOW)
    assert isinstance(line, ShadowLine)
    assert (line.study_instance_uid, line.urgency) == (read.uid, Urgency.URGENT)
    assert line.shown is Urgency.URGENT


def test_one_flag_names_the_bundle_that_raised_it(read: ReadHead) -> None:
    """Webhook, HL7 and work item are told of one study once, in the words of that bundle."""
    with query(read.engine) as session:
        flag = session.scalars(select(Flag)).one()
        raised_by = session.get_one(Result, flag.result_id).bundle
    assert raised_by in (SEGMENTER, PAGE_ONLY, SCORER, RELEASED)
    told = read.webhook.received[0].said["data"]
    assert told["study_instance_uid"] == read.uid
    message = read.hl7.messages[0]
    assert "CT" in str(message.segment("OBR")(4))
    assert "CT Chest" not in str(message)
    (item,) = read.manager.work_items.values()
    assert item.ScheduledProcedureStepPriority == "HIGH"


def test_the_list_has_one_line_for_the_study(read: ReadHead) -> None:
    """Six bundles, one line; the study's page has an answer of each that is shown."""
    listed = httpx.get(f"{read.firstread.worklist_url}/", trust_env=False, timeout=60).text
    assert listed.count(f'href="/studies/{read.uid}"') == 1
    page = read.page()
    for name in (SEGMENTER, SCORER, PAGE_ONLY, LENIENT):
        assert f'id="answer-{name}"' in page
