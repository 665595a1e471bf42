"""The certificates of a hospital, and a node there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Event
from settings.peers import Peer, PeerRole
from settings.tls import DicomTls, PeerTls, TlsProfile
from tests.builders.dicom.issuer import Issued, Issuer
from tests.peers.dicom.dcmtk import Dcmtk, ProgramResult
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode, running_node

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Hospital:
    """Certificates by who has them, and some with a fault.

    Attributes
    ----------
    issuer : of all but `of_stranger` and `own_issuer`
    """

    issuer: Issuer
    strange_issuer: Issuer
    certificates: dict[str, Issued]

    @classmethod
    def new(cls, folder: Path) -> Self:
        """Make them, once for a run: each key takes a moment."""
        issuer, strange = Issuer.new(folder / "hospital"), Issuer.new(folder / "else", "Elsewhere")
        here = "127.0.0.1"
        return cls(
            issuer,
            strange,
            {
                "firstread": issuer.issue("firstread.hospital", here),
                "ct1": issuer.issue("ct1.hospital", "ct1.hospital"),
                "ct2": issuer.issue("ct2.hospital", "ct2.hospital"),
                "pacs": issuer.issue("pacs.hospital", here, "pacs.hospital"),
                "expired": issuer.issue(
                    "ct1.hospital", begins=-9 * DAY, ends=-DAY, file_name="expired"
                ),
                "not-yet": issuer.issue(
                    "ct1.hospital", begins=DAY, ends=9 * DAY, file_name="not-yet"
                ),
                "server-only": issuer.issue(
                    "ct1.hospital",
                    purposes=(ExtendedKeyUsageOID.SERVER_AUTH,),
                    file_name="server-only",
                ),
                "stranger": strange.issue("ct1.hospital", "ct1.hospital", here),
            },
        )

    def __getitem__(self, who: str) -> Issued:
        return self.certificates[who]

    def dicom_tls(self, **changes: Any) -> DicomTls:
        """The node's own settings."""
        ours = self["firstread"]
        values: dict[str, Any] = {
            "certificate_file": ours.certificate,
            "key_file": ours.key,
            "ca_file": self.issuer.file,
            **changes,
        }
        return DicomTls(**values)

    def options(self, who: str, *further: str) -> tuple[str, ...]:
        """What dcmtk's programs are told to speak TLS with a certificate."""
        issued = self[who]
        return (
            *("+tls", str(issued.key), str(issued.certificate)),
            *("+cf", str(self.issuer.file), *further),
        )


CT1 = Peer(
    name="ct1",
    ae_title="CT1",  # type: ignore[arg-type]
    host="127.0.0.1",
    tls=PeerTls(names=("ct1.hospital",)),
)
CT2 = Peer(
    name="ct2",
    ae_title="CT2",  # type: ignore[arg-type]
    tls=PeerTls(names=("ct2.hospital",)),
)


@dataclass(frozen=True)
class SecuredNode:
    """A node that takes TLS, and what it has noted of those that it turned away."""

    running: RunningNode
    plain_port: int | None

    @property
    def port(self) -> int:
        """For TLS."""
        return self.running.port

    def turned_away(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many callers have been turned away; the facts of each."""

        def noted() -> list[dict[str, Any]]:
            with query(self.running.engine) as session:
                rows = session.scalars(select(Event).order_by(Event.id))
                found = [one.facts for one in rows if "reason" in one.facts]
            return found if len(found) >= count else []

        return wait_until(noted, what=f"{count} callers turned away")

    def echo(self, dcmtk: Dcmtk, title: str, *options: str) -> ProgramResult:
        """C-ECHO by dcmtk's echoscu."""
        return dcmtk.echoscu(
            port=self.port, called_ae_title="FIRSTREAD", calling_ae_title=title, options=options
        )


@contextmanager
def secured_node(
    folder: Path, hospital: Hospital, *, tls: DicomTls | None = None, **changes: Any
) -> Iterator[SecuredNode]:
    """Start a node, and stop it at the end.

    Parameters
    ----------
    tls : in place of the hospital's
    changes : settings that differ
    """
    tls = tls or hospital.dicom_tls()
    values: dict[str, Any] = {"dicom_tls": tls, "peers": (CT1, CT2), **changes}
    with running_node(folder, **values) as running:
        yield SecuredNode(running, tls.plain_port)


def pacs_at(port: int, hospital: Hospital, *, who: str = "firstread", **tls: Any) -> Peer:
    """A PACS that is called by TLS, completed as the settings would do it."""
    ours = hospital[who]
    peer = Peer(
        name="pacs",
        ae_title="PACS",  # type: ignore[arg-type]
        host="127.0.0.1",
        port=port,
        roles=frozenset({PeerRole.DESTINATION}),
        tls=PeerTls(**tls),
    )
    form = hospital.dicom_tls(
        certificate_file=ours.certificate,
        key_file=ours.key,
        profile=tls.get("profile") or TlsProfile.NON_DOWNGRADING,
    )
    return peer.with_tls_of(form)
