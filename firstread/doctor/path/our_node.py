"""Where our own node is, as a peer that the doctor sends to."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from database.process_signs import SILENT_AFTER_S, is_of_this_machine, process_signs
from database.session import query
from firstread.doctor.examined_site import ExaminedSite
from radiology.errors import SettingsRefused
from settings.environment import Settings
from settings.peers import Peer, PeerRole
from settings.served_process import ServedProcess
from settings.tls import DicomTls, PeerTls

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 what is listened on, and how it is called


def our_node(site: ExaminedSite) -> Peer:
    """The node: on this machine, or where its sign of life comes from.

    In a container the process of the node is in another one, whose name the network knows.

    Raises
    ------
    SettingsRefused
        Our certificate cannot be read.
    """
    return node_on(_machine(site), site.settings)


def node_on(machine: str, settings: Settings) -> Peer:
    """The node on a machine, by its name; "" is this one.

    Raises
    ------
    SettingsRefused
        Our certificate cannot be read.
    """
    tls = settings.dicom_tls
    return Peer(
        name="our-node",
        ae_title=settings.ae_title,
        host=machine or ANY.get(settings.dicom_host, settings.dicom_host),
        port=settings.dicom_port,
        roles=frozenset({PeerRole.DESTINATION}),
        tls=None if tls is None else _with_our_certificate(tls),
    )


def _machine(site: ExaminedSite) -> str:
    """The name of the machine that the node runs on; "" where that is this one."""
    with query(site.engine) as session:
        signs = [one for one in process_signs(session) if one.part == ServedProcess.NODE]
    now = site.clock()
    alive = [one for one in signs if (now - one.seen_at).total_seconds() <= SILENT_AFTER_S]
    if not alive or any(is_of_this_machine(one.name) for one in alive):
        return ""
    return alive[0].name.rpartition(":")[0]


def _with_our_certificate(ours: DicomTls) -> PeerTls:
    """The node shows the certificate that we have too."""
    try:
        certificates = x509.load_pem_x509_certificates(ours.certificate_file.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsRefused("dicom_tls.certificate_file cannot be read") from error
    fingerprint = certificates[0].fingerprint(SHA256()).hex()
    return PeerTls(fingerprints=(fingerprint,)).completed(ours)
