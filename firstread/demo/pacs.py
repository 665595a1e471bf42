"""The demo's PACS: Orthanc where it is installed, otherwise our own small storage SCP."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
from pydicom import dcmread

from dicom_node.stand_in_pacs import start_stand_in_pacs
from settings.peers import Peer, PeerRole

PACS_AE_TITLE = "PACS"
WITHOUT_NAGLE = {"TCP_NODELAY": "1"}
"""For Orthanc and the programs of dcmtk: without it Nagle's algorithm at either end holds a sender
to about 20 instances a second. The accepting end matters more than the calling one."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of ours that the PACS holds."""

    modality: str
    sop_instance_uid: str
    path: Path  # as it came back from the PACS


class Pacs(Protocol):
    """What the demo and the benchmark need of a PACS."""

    @property
    def name(self) -> str:
        """What to call it."""
        ...

    @property
    def peer(self) -> Peer:
        """How to reach it."""
        ...

    def results_of(self, study_instance_uid: str) -> list[StoredObject]:
        """Fetch every stored object of the study that is not a CT."""
        ...


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_pacs(folder: Path, *, our_ae_title: str, our_port: int) -> Iterator[Pacs]:
    """Start Orthanc, or the stand-in where there is none; stopped at the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("Orthanc")
    if program is None:
        stand_in = start_stand_in_pacs(folder / "storage", port=0, ae_title=PACS_AE_TITLE)
        try:
            yield DemoPacs("stand-in PACS", _peer(stand_in.port), stand_in.folder)
        finally:
            stand_in.stop()
        return
    orthanc = OrthancPacs.prepare(folder, our_ae_title=our_ae_title, our_port=our_port)
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(orthanc.configuration)],
            stdout=log,
            stderr=log,
            env=os.environ | WITHOUT_NAGLE,
        )
        try:
            yield orthanc
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True)
class OrthancPacs:
    """Orthanc with a configuration of its own, on free ports."""

    name: str
    peer: Peer
    http_url: str
    configuration: Path
    retrieved: Path

    @classmethod
    def prepare(cls, folder: Path, *, our_ae_title: str, our_port: int) -> OrthancPacs:
        """Write the configuration file."""
        dicom_port, http_port = free_port(), free_port()
        configuration = folder / "orthanc.json"
        configuration.write_text(
            json.dumps(
                {
                    "Name": "Firstread demo PACS",
                    "StorageDirectory": str(folder / "storage"),
                    "IndexDirectory": str(folder / "storage"),
                    "DicomAet": PACS_AE_TITLE,
                    "DicomPort": dicom_port,
                    "HttpPort": http_port,
                    "RemoteAccessAllowed": False,
                    "AuthenticationEnabled": False,
                    "DicomAlwaysAllowStore": True,
                    "DicomModalities": {"firstread": [our_ae_title, "127.0.0.1", our_port]},
                    "Plugins": [],
                }
            )
        )
        return cls(
            name="Orthanc",
            peer=_peer(dicom_port),
            http_url=f"http://127.0.0.1:{http_port}",
            configuration=configuration,
            retrieved=folder / "retrieved",
        )

    def results_of(self, study_instance_uid: str) -> list[StoredObject]:
        """Fetch them over Orthanc's REST interface."""
        found = httpx.post(
            f"{self.http_url}/tools/find",
            json={
                "Level": "Instance",
                "Query": {"StudyInstanceUID": study_instance_uid},
                "Expand": False,
            },
            timeout=30,
        ).raise_for_status()
        results = []
        for instance in found.json():
            url = f"{self.http_url}/instances/{instance}"
            tags = httpx.get(f"{url}/simplified-tags", timeout=30).raise_for_status().json()
            if tags["Modality"] != "CT":
                content = httpx.get(f"{url}/file", timeout=30).raise_for_status().content
                path = self.retrieved / study_instance_uid / f"{tags['SOPInstanceUID']}.dcm"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                results.append(_stored(tags["Modality"], tags["SOPInstanceUID"], path))
        return sorted(results, key=lambda one: one.modality)


@dataclass(frozen=True)
class DemoPacs:
    """Our own small storage SCP, which keeps what it gets in a folder."""

    name: str
    peer: Peer
    folder: Path

    def results_of(self, study_instance_uid: str) -> list[StoredObject]:
        """Look through the files of the study."""
        results = []
        for path in sorted(self.folder.rglob("*.dcm")):
            header = dcmread(path, specific_tags=["StudyInstanceUID", "SOPInstanceUID", "Modality"])
            if header.StudyInstanceUID == study_instance_uid and header.Modality != "CT":
                results.append(_stored(str(header.Modality), str(header.SOPInstanceUID), path))
        return sorted(results, key=lambda one: one.modality)


def _stored(modality: str, sop_instance_uid: str, path: Path) -> StoredObject:
    """A Secondary Capture has Modality OT; people know it as SC."""
    return StoredObject("SC" if modality == "OT" else modality, sop_instance_uid, path)


def _peer(port: int) -> Peer:
    return Peer.model_validate(
        {
            "name": "pacs",
            "ae_title": PACS_AE_TITLE,
            "host": "127.0.0.1",
            "port": port,
            "roles": [PeerRole.SOURCE, PeerRole.DESTINATION],
        }
    )
