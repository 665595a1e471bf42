"""Our objects found by QIDO-RS and got back by WADO-RS from a real Orthanc, whole or tampered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydicom import dcmread
from pydicom.uid import RLELossless

from database.doctor.phantoms import PhantomObject
from dicom_node.request.stow import store_instances
from firstread.checks.check import Health
from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine
from firstread.doctor.path.given_back import look_at_objects
from settings.environment import Settings
from settings.peers import Peer
from tests.builders.stored.results import STUDY_UID, result_objects
from tests.peers.dicom.orthanc import OrthancPeer, start_orthanc

pytestmark = pytest.mark.integration

_USER, _SECRET = "firstread", "geheim"


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancPeer]:
    """Give an Orthanc with its DICOMweb plugin that asks who we are."""
    running = start_orthanc(
        tmp_path_factory.mktemp("orthanc"),
        options={"AuthenticationEnabled": True, "RegisteredUsers": {_USER: _SECRET}},
        credentials=(_USER, _SECRET),
    )
    with running.process:
        yield running


@dataclass(frozen=True)
class ByDicomweb:
    """SEG, SR and SC that we hold, and how the PACS is reached."""

    settings: Settings
    objects: tuple[PhantomObject, ...]

    @property
    def paths(self) -> list[Path]:
        """Their files."""
        return [self.settings.results_folder / one.path for one in self.objects]

    def lines(self) -> list[DoctorLine]:
        """What the doctor says of them."""
        return list(look_at_objects(ExaminedSite(self.settings), STUDY_UID, "web", self.objects))


@pytest.fixture
def held(pacs: OrthancPeer, tmp_path: Path) -> ByDicomweb:
    """Give objects as they are sent, of which the PACS has none."""
    pacs.forget_all()
    peer = Peer.model_validate(
        {
            "name": "web",
            "ae_title": "WEB",
            "roles": ["destination"],
            "stow_url": pacs.dicomweb_url,
            "stow_user": _USER,
        }
    )
    settings = Settings(
        data_folder=tmp_path, peers=(peer,), stow_secrets={"web": SecretStr(_SECRET)}
    )
    settings.results_folder.mkdir()
    objects = []
    for kind, made in result_objects():
        name = f"{made.SOPInstanceUID}.dcm"
        made.save_as(settings.results_folder / name, enforce_file_format=True)
        objects.append(
            PhantomObject(
                kind,
                str(made.SOPClassUID),
                str(made.SOPInstanceUID),
                str(made.SeriesInstanceUID),
                name,
                is_stored=True,
                reason="",
            )
        )
    return ByDicomweb(settings, tuple(objects))


def _store(held: ByDicomweb) -> None:
    (peer,) = held.settings.destinations
    answers = store_instances(held.paths, peer, SecretStr(_SECRET), timeout_s=20)
    assert [one.error for one in answers] == [None] * 3


def test_the_same_is_fine(held: ByDicomweb) -> None:
    """Stored by STOW-RS, every voxel and attribute of SEG, SR and SC is as it was."""
    _store(held)
    (line,) = held.lines()
    assert line.health is Health.FINE
    assert str(line.said) == "web gives 3 objects back bit for bit (QIDO-RS, WADO-RS)"


def test_another_voxel_and_another_word_are_found(held: ByDicomweb, pacs: OrthancPeer) -> None:
    """It has changed what it stored, under the same UIDs: named by kind and attribute."""
    for path in held.paths:
        made = dcmread(path)
        if made.Modality == "SEG":
            made.PixelData = bytes([made.PixelData[0] ^ 1]) + made.PixelData[1:]
        if made.Modality == "SR":
            made.CompletionFlag = "PARTIAL"
        made.save_as(path.with_suffix(".changed"), enforce_file_format=True)
        pacs.upload(path.with_suffix(".changed"))
    lines = held.lines()
    assert {one.of: one.health for one in lines} == {
        "web SEG": Health.BROKEN,
        "web SR": Health.BROKEN,
        "web": Health.FINE,
    }
    said = {one.of: str(one.said) for one in lines}
    assert said["web SEG"] == "web gives another SEG back than it was sent: PixelData"
    assert said["web SR"] == "web gives another SR back than it was sent: CompletionFlag"
    assert said["web"].startswith("web gives 1 objects back bit for bit")


def test_what_it_does_not_have(
    held: ByDicomweb, pacs: OrthancPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took the SR and has lost it: neither listed nor given."""
    monkeypatch.setattr("firstread.doctor.path.given_back._PAUSE_S", 0.01)
    _store(held)
    pacs.delete(Modality="SR")
    listed, given, same = held.lines()
    assert str(listed.said) == "web has answered that it stored SR, and does not list it"
    assert str(given.said) == "web does not give SR back: nothing came"
    assert {listed.health, given.health} == {Health.BROKEN}
    assert str(same.said).startswith("web gives 2 objects back bit for bit")


def test_who_is_not_let_in(held: ByDicomweb) -> None:
    """With another password nothing can be compared, which is said and is no finding."""
    _store(held)
    wrong = held.settings.model_copy(update={"stow_secrets": {"web": SecretStr("falsch")}})
    lines = ByDicomweb(wrong, held.objects).lines()
    assert [str(one.said) for one in lines] == [
        "web does not let us search: whether it lists our objects is not checked",
        "web gives nothing back to us: the bytes were not compared",
    ]
    assert {one.health for one in lines} == {Health.WARNING}
    assert "falsch" not in str([one.as_json() for one in lines])


def test_it_keeps_what_it_is_given_compressed(held: ByDicomweb, pacs: OrthancPeer) -> None:
    """An archive that compresses without loss gives the same voxels back: that is the same."""
    _store(held)
    path = next(one for one in held.paths if dcmread(one).Modality == "OT")
    made = dcmread(path)
    made.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    made.save_as(path.with_suffix(".compressed"), enforce_file_format=True)
    pacs.delete(Modality="OT")
    pacs.upload(path.with_suffix(".compressed"))
    kept = pacs.data_set(str(made.SOPInstanceUID))
    assert kept.file_meta.TransferSyntaxUID == RLELossless
    assert [one.health for one in held.lines()] == [Health.FINE]
