"""The error for a peer that we call and cannot speak TLS with. What is to be sent waits for it."""

from __future__ import annotations

from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault
from radiology.errors import Fact, PeerUnreachable
from settings.log.log_events import get_logger

_log = get_logger("node")


def not_secured(failure: HandshakeFailed, **where: Fact) -> PeerUnreachable:
    """What is wrong, in a sentence for rows and people; the log has the certificate too.

    Parameters
    ----------
    where : name, host and port of the peer
    """
    detail = failure.detail or None
    _log.warning("peer_not_secured", **where, reason=failure.fault.value, detail=detail)
    match failure.fault:
        case HandshakeFault.PLAIN_PORT:
            return PeerUnreachable(
                "The peer speaks TLS at this port, and is set up without: give it [peers.tls]",
                **where,
            )
        case HandshakeFault.NOT_TLS:
            return PeerUnreachable(
                "The peer does not speak TLS at this port: correct the port, or switch TLS on "
                "there",
                **where,
            )
        case HandshakeFault.OTHER_CERTIFICATE:
            return PeerUnreachable(
                "The peer shows another certificate than the one that the settings name: is it "
                "somebody else, or was it renewed?",
                **where,
            )
        case HandshakeFault.OURS_REFUSED | HandshakeFault.NO_CERTIFICATE:
            return PeerUnreachable(
                "The peer refuses our certificate: let it trust the issuer of ours", **where
            )
        case HandshakeFault.UNKNOWN_ISSUER:
            return PeerUnreachable(
                "The issuer of the peer's certificate is not known: name it in ca_file", **where
            )
        case HandshakeFault.EXPIRED:
            return PeerUnreachable("The peer's certificate has expired: renew it there", **where)
        case HandshakeFault.REVOKED:
            return PeerUnreachable(
                "The issuer of the peer's certificate has revoked it: have a new one issued",
                **where,
            )
        case HandshakeFault.NO_LIST:
            return PeerUnreachable(
                "There is no revocation list of the issuer of the peer's certificate: add it to "
                "crl_file",
                **where,
            )
        case HandshakeFault.LIST_EXPIRED:
            return PeerUnreachable(
                "The revocation list of the peer's issuer has expired: fetch the new one", **where
            )
        case HandshakeFault.NOT_YET_VALID:
            return PeerUnreachable(
                "The peer's certificate is not valid yet: compare the clocks", **where
            )
        case HandshakeFault.PROTOCOL | HandshakeFault.CIPHER:
            return PeerUnreachable(
                "The peer has no TLS version or cipher suite of our profile: update it, or choose "
                "another profile",
                **where,
            )
        case HandshakeFault.BROKEN_OFF:
            return PeerUnreachable(
                "The peer broke off the TLS handshake: does it speak TLS at this port, and trust "
                "our certificate?",
                **where,
            )
        case _:
            return PeerUnreachable(
                "There is no TLS connection with the peer: the log says why",
                reason=failure.fault.value,
                **where,
            )
