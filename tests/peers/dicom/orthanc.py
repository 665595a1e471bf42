"""Orthanc as a PACS: C-STORE, storage commitment in both roles, DICOMweb."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydicom import Dataset, dcmread

from tests.peers.ports import free_port
from tests.peers.process import PeerDidNotStart, ServerProcess
from tests.peers.programs import absent, require_program

_PLUGIN_FOLDERS = (Path("/usr/share/orthanc/plugins"), Path("/usr/lib/orthanc"))


@dataclass(frozen=True)
class OrthancPeer:
    """A running Orthanc.

    Attributes
    ----------
    ae_title : the title by which DICOM peers call it
    host, dicom_port : where it listens for associations
    http_url : its REST interface, without a closing slash
    process : the program, for tests that stop or kill it
    credentials : user and password, where it asks for them
    """

    ae_title: str
    host: str
    dicom_port: int
    http_url: str
    process: ServerProcess
    credentials: tuple[str, str] | None = None

    @property
    def dicomweb_url(self) -> str:
        """Root of QIDO-RS, WADO-RS and STOW-RS, without a closing slash."""
        return f"{self.http_url}/dicom-web"

    def get(self, path: str) -> Any:
        """Give the JSON that the REST interface answers to ``GET path``."""
        return self._request("GET", path).json()

    def know_peer(
        self,
        ae_title: str,
        *,
        port: int,
        host: str = "127.0.0.1",
        name: str | None = None,
        tls: bool = False,
    ) -> str:
        """Tell Orthanc of a DICOM peer, storage commitment allowed; give the name it has there."""
        name = name or ae_title
        self._request(
            "PUT",
            f"/modalities/{name}",
            json={
                "AET": ae_title,
                "Host": host,
                "Port": port,
                "AllowStorageCommitment": True,
                "UseDicomTls": tls,
            },
        )
        return name

    def send_to(self, peer_name: str, orthanc_ids: list[str], *, timeout_s: float = 60.0) -> None:
        """Let Orthanc send studies, series or instances by C-STORE to a peer that it knows.

        Parameters
        ----------
        peer_name : as given by `know_peer`
        orthanc_ids : Orthanc's own identifiers of studies, series or instances
        timeout_s : limit for the whole transfer

        Raises
        ------
        httpx.HTTPStatusError
            The peer did not take everything.
        """
        self._request(
            "POST",
            f"/modalities/{peer_name}/store",
            json={"Resources": orthanc_ids, "Synchronous": True},
            timeout_s=timeout_s,
        )

    def upload(self, data_set: Path | bytes) -> str:
        """Store a DICOM file over HTTP and give Orthanc's identifier of the instance."""
        content = data_set if isinstance(data_set, bytes) else data_set.read_bytes()
        answer = self._request("POST", "/instances", content=content).json()
        return str(answer["ID"])

    def find(self, level: str, **keys: str) -> list[str]:
        """Give Orthanc's identifiers of what matches.

        Parameters
        ----------
        level : ``"Patient"``, ``"Study"``, ``"Series"`` or ``"Instance"``
        keys : DICOM keywords with the value to match, for example ``Modality="SR"``
        """
        answer = self._request("POST", "/tools/find", json={"Level": level, "Query": keys})
        return [str(found) for found in answer.json()]

    def study_ids(self) -> list[str]:
        """Give Orthanc's identifiers of all studies."""
        return [str(found) for found in self.get("/studies")]

    def instance_ids(self, **keys: str) -> list[str]:
        """Give Orthanc's identifiers of the instances that match; all without keys."""
        return self.find("Instance", **keys)

    def count(self, **keys: str) -> int:
        """Count the instances that match."""
        return len(self.instance_ids(**keys))

    def file(self, orthanc_id: str) -> bytes:
        """Give an instance as Orthanc stored it, with its file meta information."""
        return self._request("GET", f"/instances/{orthanc_id}/file").content

    def data_sets(self, **keys: str) -> list[Dataset]:
        """Read the instances that match, pixel data included, in no particular order.

        Parameters
        ----------
        keys : DICOM keywords with the value to match, for example ``Modality="SEG"`` or
            ``StudyInstanceUID="1.2.3"``
        """
        return [dcmread(io.BytesIO(self.file(found))) for found in self.instance_ids(**keys)]

    def data_set(self, sop_instance_uid: str) -> Dataset:
        """Read one instance.

        Raises
        ------
        LookupError
            Orthanc has no instance, or several, of that UID.
        """
        found = self.instance_ids(SOPInstanceUID=sop_instance_uid)
        if len(found) != 1:
            raise LookupError(f"{len(found)} instances of SOP Instance UID {sop_instance_uid}")
        return dcmread(io.BytesIO(self.file(found[0])))

    def series_by_modality(self, study_instance_uid: str) -> dict[str, list[str]]:
        """Give the Series Instance UIDs of a study for each modality."""
        grouped: dict[str, list[str]] = {}
        for found in self.find("Series", StudyInstanceUID=study_instance_uid):
            tags = self.get(f"/series/{found}")["MainDicomTags"]
            grouped.setdefault(tags.get("Modality", ""), []).append(tags["SeriesInstanceUID"])
        return grouped

    def modify(self, patient_id: str, *, replace: Mapping[str, str]) -> None:
        """Replace attributes of all that a patient has, in place of it and under the same UIDs.

        Parameters
        ----------
        patient_id : Orthanc's identifier
        replace : keywords with their new values
        """
        kept = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
        wanted = {"Replace": dict(replace), "Keep": kept, "KeepSource": False, "Force": True}
        self._request("POST", f"/patients/{patient_id}/modify", json=wanted)

    def medium(self, study_ids: list[str]) -> bytes:
        """Give studies as the zip archive of a medium, with a DICOMDIR (PS3.10)."""
        wanted = {"Resources": study_ids, "Synchronous": True}
        return self._request("POST", "/tools/create-media", json=wanted).content

    def delete(self, **keys: str) -> None:
        """Delete the instances that match."""
        for found in self.instance_ids(**keys):
            self._request("DELETE", f"/instances/{found}")

    def forget_all(self) -> None:
        """Delete every study and every peer added by `know_peer`."""
        for found in self.get("/patients"):
            self._request("DELETE", f"/patients/{found}")
        for name in self.get("/modalities"):
            self._request("DELETE", f"/modalities/{name}")

    def _request(
        self, method: str, path: str, *, timeout_s: float = 30.0, **content: Any
    ) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=timeout_s, auth=self.credentials) as client:
            answer = client.request(method, f"{self.http_url}{path}", **content)
        answer.raise_for_status()
        return answer


def start_orthanc(
    folder: Path,
    *,
    ae_title: str = "ORTHANC",
    options: dict[str, Any] | None = None,
    credentials: tuple[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> OrthancPeer:
    """Start an Orthanc of its own and wait until it answers.

    It keeps Orthanc's defaults where a PACS could differ (a second instance of the same SOP
    Instance UID is ignored), except that it accepts SOP classes that it does not know.

    Parameters
    ----------
    folder : an empty folder for the configuration, the index and the files
    ae_title : its AE title
    options : entries of Orthanc's configuration file that replace ours
    credentials : what `options` make it ask for
    environment : added to that of the test run
    """
    program = require_program("Orthanc", package="orthanc")
    http_port, dicom_port = free_port(), free_port()
    configuration: dict[str, Any] = {
        "Name": "Stand-in PACS of the tests",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(_dicomweb_plugin())],
        "HttpPort": http_port,
        "HttpVerbose": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomPort": dicom_port,
        "DicomAet": ae_title,
        "DicomCheckCalledAet": True,
        "DicomModalities": {},
        "DicomThreadsCount": 4,
        "UnknownSopClassAccepted": True,
        "StrictAetComparison": True,
        "StableAge": 2,
        "JobsHistorySize": 1000,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        **(options or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    configuration_path = folder / "orthanc.json"
    configuration_path.write_text(json.dumps(configuration, indent=2))
    process = ServerProcess(
        "orthanc",
        [program, configuration_path],
        folder=folder,
        environment={"TCP_NODELAY": "1", **(environment or {})},  # as in tests/peers/dicom/dcmtk.py
    )
    peer = OrthancPeer(
        ae_title=ae_title,
        host="127.0.0.1",
        dicom_port=dicom_port,
        http_url=f"http://127.0.0.1:{http_port}",
        process=process,
        credentials=credentials,
    )
    process.wait_until_ready(lambda: _answers(peer))
    return peer


def _answers(peer: OrthancPeer) -> bool:
    try:
        return bool(peer.get("/system")["DicomPort"] == peer.dicom_port)
    except httpx.TransportError:
        return False


def _dicomweb_plugin() -> Path:
    for folder in _PLUGIN_FOLDERS:
        for found in sorted(folder.glob("libOrthancDicomWeb.so*")):
            return found
    absent("Orthanc's DICOMweb plugin is not installed (Debian package orthanc-dicomweb)")


__all__ = ["OrthancPeer", "PeerDidNotStart", "start_orthanc"]
