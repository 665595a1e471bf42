"""What TLS with one peer needs: the context to call it with, and who may issue its certificate."""

from __future__ import annotations

import functools
import socket
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from dicom_node.security.handshake import request_tls
from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault
from dicom_node.security.presented_certificate import PresentedCertificate
from radiology.errors import SettingsRefused
from settings.certificates.contexts import dicom_client_context
from settings.certificates.watched import Watched, files_of
from settings.peers import Peer
from settings.tls import PeerTls

_MOST_PEERS: Final = 1024


class PeerSecurity:
    """TLS with one peer, in both directions.

    Raises
    ------
    SettingsRefused
        A certificate, key or issuer cannot be read.
    """

    def __init__(self, name: str, tls: PeerTls) -> None:
        what = f"peer {name}"
        self._context = Watched(lambda: dicom_client_context(tls, name), files_of(tls), what)
        ca_file = tls.ca_file or Path()  # a form without one has been refused by now
        self._issuers = Watched(lambda: _fingerprints(ca_file, name), (ca_file,), what)

    def is_of(self, peer: Peer, certificate: PresentedCertificate) -> bool:
        """Whether a certificate that was shown is the peer's own."""
        return certificate.fits(peer, self._issuers())

    def secure(self, connection: socket.socket, peer: Peer, limit_s: float) -> ssl.SSLSocket:
        """Encrypt a connection to the peer, and make sure that it is the peer.

        Raises
        ------
        HandshakeFailed
            It does not speak TLS with us, or is somebody else; the connection is closed.
        """
        host = peer.host or ""
        secured = request_tls(connection, self._context(), host=host, limit_s=limit_s)
        certificate = PresentedCertificate.of(secured)
        if not self.is_of(peer, certificate):
            secured.close()
            raise HandshakeFailed(HandshakeFault.OTHER_CERTIFICATE, certificate.shown())
        return secured


def security_of(peer: Peer) -> PeerSecurity | None:
    """TLS with a peer; None for one that is spoken to in clear.

    Raises
    ------
    SettingsRefused
        A certificate, key or issuer cannot be read.
    """
    return None if peer.tls is None else _kept(peer.name, peer.tls)


@functools.lru_cache(maxsize=_MOST_PEERS)
def _kept(name: str, tls: PeerTls) -> PeerSecurity:
    """One for each peer of this process, so that a renewal that fails leaves what there was."""
    return PeerSecurity(name, tls)


def speaks_for(peer: Peer, certificate: PresentedCertificate | None) -> bool:
    """Whether who calls may be this peer, by how it calls.

    Parameters
    ----------
    certificate : that it has shown; None where it calls in clear
    """
    security = security_of(peer)
    if security is None or certificate is None:
        return security is None and certificate is None
    return security.is_of(peer, certificate)


def _fingerprints(ca_file: Path, name: str) -> frozenset[str]:
    try:
        issuers = x509.load_pem_x509_certificates(ca_file.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsRefused(
            "The issuers of a peer's certificate cannot be read", peer=name
        ) from error
    return frozenset(one.fingerprint(SHA256()).hex() for one in issuers)
