"""Sends a head to a running Firstread that has six bundles in use."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import Engine, open_engine, query
from database.states import JobState
from database.tables.study.analysis import Job
from phantom.head import Bleeding, BleedingLabel, head_grid, make_head_phantom
from phantom.head.study import write_head_study
from tests.builders.declared import patch_segmenter, slice_scorer
from tests.builders.declared.variants import write_variant
from tests.builders.dicom.study_folder import by_position, study_uid
from tests.integration.any_bundle.read_head import (
    BLOOD_ML,
    LENIENT,
    PAGE_ONLY,
    RELEASED,
    SCORER,
    SEGMENTER,
    SHADOW,
    ReadHead,
)
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer, start_orthanc
from tests.peers.dicom.work_item_manager import ManagerPeer, running_manager
from tests.peers.firstreads.embedded import running_embedded
from tests.peers.flag_receivers import WebReceiver, running_web_receiver
from tests.peers.hl7_listener import ReceivedMessages, hl7_listener
from tests.peers.programs import REPOSITORY
from tests.peers.waiting import wait_until

_LIMIT_S = 300.0


@pytest.fixture(scope="session")
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
