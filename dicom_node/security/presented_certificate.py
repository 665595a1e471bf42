"""The certificate that a peer has shown, and whether it is the one that the settings name.

RFC 5280 Section 4.2.1.6 (subject alternative names), RFC 4514 (a subject as text), PS3.15
Annex B: certificates identify the node, so an AE title alone does not.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault
from settings.peers import Peer
from settings.tls import one_spelling

_MOST_NAMES_SHOWN: Final = 4
_MOST_CHAINS: Final = 1024


@dataclass(frozen=True, slots=True)
class PresentedCertificate:
    """What a peer has proved to be.

    Attributes
    ----------
    subject : as RFC 4514 writes it
    names : common name and subject alternative names, in one spelling
    addressed : subject alternative names alone
    fingerprint : SHA-256, hexadecimal
    chain : fingerprints of all certificates from it to a trusted issuer
    """

    subject: str
    names: frozenset[str]
    addressed: frozenset[str]
    fingerprint: str
    chain: frozenset[str]

    @classmethod
    def of(cls, connection: ssl.SSLSocket) -> PresentedCertificate:
        """Of an encrypted connection whose other side has shown a certificate.

        Raises
        ------
        HandshakeFailed
            It cannot be read, or has expired since the session that is resumed was begun.
        """
        encoded = connection.getpeercert(binary_form=True) or b""
        try:
            certificate = x509.load_der_x509_certificate(encoded)
            over = certificate.not_valid_after_utc < datetime.now(UTC)
        except ValueError as error:
            raise HandshakeFailed(HandshakeFault.UNTRUSTED, "it cannot be read") from error
        if over:
            raise HandshakeFailed(HandshakeFault.EXPIRED)
        fingerprint = hashlib.sha256(encoded).hexdigest()
        addressed = _alternative_names(certificate)
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return cls(
            certificate.subject.rfc4514_string(),
            addressed | {one_spelling(str(one.value)) for one in common},
            addressed,
            fingerprint,
            _CHAINS.of(connection, fingerprint),
        )

    def fits(self, peer: Peer, issuers: frozenset[str]) -> bool:
        """Whether it is the peer's own, as the settings name it.

        Of a right issuer, and then: one of the fingerprints, and one of the names; without either,
        for the peer's host.

        Parameters
        ----------
        peer : with `tls`
        issuers : fingerprints of those that may issue it
        """
        tls = peer.tls
        if tls is None or not self.chain & issuers:
            return False
        if tls.fingerprints and self.fingerprint not in tls.fingerprints:
            return False
        if tls.names:
            return any(self._has_name(one) for one in tls.names)
        return bool(tls.fingerprints) or one_spelling(peer.host or "") in self.addressed

    def shown(self) -> str:
        """For a person: subject, further names, fingerprint."""
        names = sorted(self.names)[:_MOST_NAMES_SHOWN]
        return f"{self.subject}; {', '.join(names)}; SHA-256 {self.fingerprint}"

    def _has_name(self, name: str) -> bool:
        if "=" in name:
            return name.casefold() == self.subject.casefold()
        return one_spelling(name) in self.names


def _alternative_names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):  # none, or extensions that cannot be read
        return frozenset()
    names = extension.value
    found = [*names.get_values_for_type(x509.DNSName)]
    found += [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    return frozenset(one_spelling(one) for one in found)


class _Chains:
    """The verified chain of each certificate that was shown lately.

    A resumed session (RFC 5246 Section 7.3) shows the certificate again and not its chain; the
    library remembers the session for two hours at most, and not beyond a change of its context.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._turn = threading.Lock()

    def of(self, connection: ssl.SSLSocket, fingerprint: str) -> frozenset[str]:
        """Fingerprints of the certificates from the peer's to the trusted one."""
        chain = frozenset(hashlib.sha256(one).hexdigest() for one in _verified_chain(connection))
        with self._turn:
            if not chain and connection.session_reused:
                return self._known.get(fingerprint, chain)
            self._known[fingerprint] = chain
            self._known.move_to_end(fingerprint)
            if len(self._known) > _MOST_CHAINS:
                self._known.popitem(last=False)
        return chain


_CHAINS: Final = _Chains()


def _verified_chain(connection: ssl.SSLSocket) -> list[bytes]:
    """As DER; none of a resumed session."""
    public = getattr(connection, "get_verified_chain", None)
    if public is not None:  # from Python 3.13 on
        return list(public() or ())
    chain: list[Any] = connection._sslobj.get_verified_chain() or []  # type: ignore[attr-defined]
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain]
