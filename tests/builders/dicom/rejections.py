"""A site with one PACS whose results are superseded or withdrawn, and what PACS then holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom import Dataset
from sqlalchemy import select

from database.session import open_engine, query
from database.states import RejectionReason
from database.tables.study.analysis import ResultObject
from settings.environment import Settings
from settings.peers import Peer
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.results import STUDY_UID, Site
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from worker.deliver.reject_results import withdraw_result


def site_at(
    folder: Path,
    port: int,
    ae_title: str = "ORTHANC",
    *,
    database_url: str | None = None,
    **more: object,
) -> Site:
    """A site with one destination on this machine; in SQLite, unless a URL is given."""
    peer = Peer.model_validate(
        {
            "name": "pacs",
            "ae_title": ae_title,
            "host": "127.0.0.1",
            "port": port,
            "roles": ["destination"],
            **more,
        }
    )
    settings = Settings.model_validate(
        {
            "data_folder": folder,
            "peers": (peer,),
            "delivery_timeout_s": 5,
            "database_url": database_url,
        }
    )
    engine = open_engine(settings.database_address)
    make_tables(engine)
    return Site(settings, engine)


def held(orthanc: OrthancPeer, dcmtk: Dcmtk) -> set[str]:
    """What Orthanc says by C-FIND that it holds of the study."""
    orthanc.know_peer("SCANNER", port=11112)
    return dcmtk.findscu(STUDY_UID, port=orthanc.dicom_port, called_ae_title=orthanc.ae_title)


def notes(site: Site) -> list[ResultObject]:
    """The rejection notes that were made."""
    with query(site.engine) as session:
        made = session.scalars(select(ResultObject).order_by(ResultObject.id))
        return [one for one in made if one.kind.value == "KO"]


def referenced(note: Dataset) -> set[str]:
    """SOP Instance UIDs in the content of a Key Object Selection."""
    return {
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for item in note.ContentSequence
        if "ReferencedSOPSequence" in item
    }


def withdraw(site: Site, reason: RejectionReason = RejectionReason.QUALITY, **more: Any) -> Any:
    """Withdraw the result of the study."""
    return withdraw_result(site.settings, site.engine, STUDY_UID, reason, site.now, **more)
