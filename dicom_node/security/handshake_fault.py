"""Why a TLS handshake with a peer came to nothing, and what to do about it.

RFC 8446 Section 6.2 (alerts), OpenSSL: X509_STORE_CTX_get_error (faults of certificates).
"""

from __future__ import annotations

import ssl
from enum import StrEnum
from typing import Final


class HandshakeFault(StrEnum):
    """What ended a handshake."""

    CLOSED = "closed"
    SLOW = "handshake_too_slow"
    BROKEN_OFF = "broken_off"
    PLAIN_DICOM = "plain_dicom"
    NOT_TLS = "not_tls"
    PLAIN_PORT = "tls_to_plain_port"
    TOO_MANY = "too_many_handshakes"
    PROTOCOL = "protocol_version"
    CIPHER = "cipher_suite"
    NO_CERTIFICATE = "no_certificate"
    UNKNOWN_ISSUER = "unknown_issuer"
    EXPIRED = "certificate_expired"
    REVOKED = "certificate_revoked"
    NO_LIST = "no_revocation_list"
    LIST_EXPIRED = "revocation_list_expired"
    NOT_YET_VALID = "certificate_not_yet_valid"
    WEAK = "certificate_weak"
    PURPOSE = "certificate_purpose"
    UNTRUSTED = "certificate_not_trusted"
    OURS_REFUSED = "our_certificate_refused"
    OTHER_CERTIFICATE = "certificate"


HINTS: Final = {
    HandshakeFault.CLOSED: "the peer closed the connection before it said anything",
    HandshakeFault.SLOW: "the peer did not finish the TLS handshake in time",
    HandshakeFault.BROKEN_OFF: "the peer broke off the TLS handshake: its log says why",
    HandshakeFault.PLAIN_DICOM: (
        "the peer sends DICOM unencrypted to the port for TLS: switch TLS on there, or give it "
        "dicom_tls.plain_port and no [peers.tls]"
    ),
    HandshakeFault.NOT_TLS: "what comes is not TLS: does the peer speak TLS at this port?",
    HandshakeFault.PLAIN_PORT: (
        "the peer speaks TLS to a port that does not: let it call the port for TLS, set dicom_tls, "
        "or switch TLS off there"
    ),
    HandshakeFault.TOO_MANY: "too many connections from there have not finished their handshake",
    HandshakeFault.PROTOCOL: "the peer knows no TLS from 1.2 on: update it; older ones are unsafe",
    HandshakeFault.CIPHER: (
        "the peer has no cipher suite of our profile: enable ECDHE with AES-GCM there, or try "
        'profile = "bcp-195"'
    ),
    HandshakeFault.NO_CERTIFICATE: "the peer shows no certificate: give it one, and let it send it",
    HandshakeFault.UNKNOWN_ISSUER: (
        "the issuer of the peer's certificate is not in ca_file: add the issuer, or correct the "
        "peer's certificate; its chain must be sent along"
    ),
    HandshakeFault.EXPIRED: "the peer's certificate, or its issuer's, has expired: renew it there",
    HandshakeFault.REVOKED: (
        "the issuer of the peer's certificate has revoked it: have a new one issued for the peer, "
        "and ask why"
    ),
    HandshakeFault.NO_LIST: (
        "crl_file has no revocation list of the issuer of the peer's certificate, so nobody knows "
        "whether it was revoked: add the list, of every issuer in ca_file"
    ),
    HandshakeFault.LIST_EXPIRED: (
        "the revocation list of the peer's issuer is not in force by its dates, so nobody knows "
        "what was revoked since: fetch the new list into crl_file; no restart is needed"
    ),
    HandshakeFault.NOT_YET_VALID: (
        "the peer's certificate is not valid yet: compare the clocks of both machines"
    ),
    HandshakeFault.WEAK: (
        "the peer's certificate has a short key or an old signature: RSA from 2048 bits on, or EC "
        "from 256 on, with SHA-256"
    ),
    HandshakeFault.PURPOSE: (
        "the peer's certificate is not meant for this direction: its extended key usage needs both "
        "serverAuth and clientAuth, or must be left out"
    ),
    HandshakeFault.UNTRUSTED: "the peer's certificate cannot be trusted",
    HandshakeFault.OURS_REFUSED: (
        "the peer refuses our certificate: let it trust the issuer of ours, and look at its dates"
    ),
    HandshakeFault.OTHER_CERTIFICATE: "the certificate is not the one that the settings name",
}

_OF_CERTIFICATE: Final = {  # X509_V_ERR_…
    3: HandshakeFault.NO_LIST,
    8: HandshakeFault.NO_LIST,  # its signature is not the issuer's
    11: HandshakeFault.LIST_EXPIRED,
    12: HandshakeFault.LIST_EXPIRED,
    23: HandshakeFault.REVOKED,
    44: HandshakeFault.NO_LIST,  # a list for other certificates of the issuer
    9: HandshakeFault.NOT_YET_VALID,
    10: HandshakeFault.EXPIRED,
    18: HandshakeFault.UNKNOWN_ISSUER,  # it is its own issuer
    19: HandshakeFault.UNKNOWN_ISSUER,
    20: HandshakeFault.UNKNOWN_ISSUER,
    21: HandshakeFault.UNKNOWN_ISSUER,
    26: HandshakeFault.PURPOSE,
    66: HandshakeFault.WEAK,
    67: HandshakeFault.WEAK,
    68: HandshakeFault.WEAK,
}
_OF_REASON: Final = (  # parts of OpenSSL's names
    ("PEER_DID_NOT_RETURN_A_CERTIFICATE", HandshakeFault.NO_CERTIFICATE),
    ("WRONG_VERSION_NUMBER", HandshakeFault.NOT_TLS),
    ("HTTP_REQUEST", HandshakeFault.NOT_TLS),
    ("PACKET_LENGTH_TOO_LONG", HandshakeFault.NOT_TLS),
    ("UNSUPPORTED_PROTOCOL", HandshakeFault.PROTOCOL),
    ("PROTOCOL_VERSION", HandshakeFault.PROTOCOL),
    ("VERSION_TOO_LOW", HandshakeFault.PROTOCOL),
    ("NO_SHARED_CIPHER", HandshakeFault.CIPHER),
    ("HANDSHAKE_FAILURE", HandshakeFault.CIPHER),
    ("INSUFFICIENT_SECURITY", HandshakeFault.CIPHER),
    ("DH_KEY_TOO_SMALL", HandshakeFault.CIPHER),
    ("KEY_TOO_SMALL", HandshakeFault.WEAK),
    ("MD_TOO_WEAK", HandshakeFault.WEAK),
    ("WRONG_SIGNATURE_TYPE", HandshakeFault.WEAK),
    ("ALERT_UNKNOWN_CA", HandshakeFault.OURS_REFUSED),
    ("ALERT_CERTIFICATE", HandshakeFault.OURS_REFUSED),
    ("ALERT_BAD_CERTIFICATE", HandshakeFault.OURS_REFUSED),
    ("ALERT_UNSUPPORTED_CERTIFICATE", HandshakeFault.OURS_REFUSED),
    ("ALERT_DECRYPT_ERROR", HandshakeFault.OURS_REFUSED),
    ("ALERT_ACCESS_DENIED", HandshakeFault.OURS_REFUSED),
)


class HandshakeFailed(Exception):
    """There is no encrypted connection with a peer.

    Parameters
    ----------
    fault : why
    detail : what tells more: names in the certificate, OpenSSL's own word
    """

    def __init__(self, fault: HandshakeFault, detail: str = "") -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.detail = detail

    @property
    def hint(self) -> str:
        """What is wrong, and what to do."""
        return f"{HINTS[self.fault]} ({self.detail})" if self.detail else HINTS[self.fault]


def failed(error: OSError) -> HandshakeFailed:
    """What a fault of the TLS library, or of the connection, means."""
    if isinstance(error, TimeoutError):
        return HandshakeFailed(HandshakeFault.SLOW)
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = _OF_CERTIFICATE.get(error.verify_code, HandshakeFault.UNTRUSTED)
        return HandshakeFailed(fault, error.verify_message)
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError):
        return HandshakeFailed(HandshakeFault.BROKEN_OFF)
    reason = error.reason or ""
    for part, fault in _OF_REASON:
        if part in reason:
            return HandshakeFailed(fault, reason)
    return HandshakeFailed(HandshakeFault.BROKEN_OFF, reason)
