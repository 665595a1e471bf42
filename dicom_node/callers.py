"""Decides who may call us: by AE title, by certificate and, where a peer has one, by address.

PS3.8 Section 7.1.1.3 and 7.1.1.4 (calling and called AE title), PS3.15 Annex B.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from dicom_node.security.peer_security import speaks_for
from dicom_node.security.presented_certificate import PresentedCertificate
from settings.peers import Peer

_NAME_VALID_S: Final = 60.0  # then a host name is looked up again

Resolve = Callable[[str], frozenset[str]]


def resolve_host(host: str) -> frozenset[str]:
    """The addresses of a host name; none when it is not known."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(_normal(str(entry[4][0])) for entry in found)


class Callers:
    """The peers that may call.

    Parameters
    ----------
    peers : those with the role of a source
    resolve : gives the addresses of a host name
    """

    def __init__(self, peers: Iterable[Peer], resolve: Resolve = resolve_host) -> None:
        self._peers = tuple(peers)
        self._resolve = resolve
        self._known: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def peer_of(
        self,
        calling_ae_title: str,
        address: str,
        certificate: PresentedCertificate | None = None,
    ) -> Peer | None:
        """The peer that calls under this title, in this way, from this address; None: a stranger.

        A peer with a host has precedence over a peer of the same title without a host.

        Parameters
        ----------
        certificate : that the caller has shown; None where it calls in clear
        """
        titled = [one for one in self._titled(calling_ae_title) if speaks_for(one, certificate)]
        for peer in titled:
            if peer.host is not None and _normal(address) in self._addresses(peer.host):
                return peer
        return next((peer for peer in titled if peer.host is None), None)

    def why_not(
        self, calling_ae_title: str, address: str, certificate: PresentedCertificate | None
    ) -> tuple[str, str]:
        """Why nobody of this title is known that calls like this: a word, and what to change."""
        titled = self._titled(calling_ae_title)
        if not titled:
            return "calling_ae_title", _what_to_add(calling_ae_title, address, certificate)
        names = ", ".join(sorted({one.name for one in titled}))
        if certificate is None and all(one.tls is not None for one in titled):
            return "not_encrypted", f"peer {names} has [peers.tls]: it must call the port for TLS"
        if certificate is not None and all(one.tls is None for one in titled):
            return "encrypted", f"peer {names} has no [peers.tls]: give it one, with names or host"
        if not any(speaks_for(one, certificate) for one in titled):
            assert certificate is not None
            return "certificate", (
                f"calls itself {calling_ae_title}, which is peer {names}, but shows "
                f"{self._owner(certificate)} ({certificate.shown()}): if that is its own, name it "
                "under [peers.tls] of that peer"
            )
        if self.peer_of(calling_ae_title, address, certificate) is not None:
            return "calling_ae_title", f'peer {names} may not call: give it roles = ["source"]'
        return "calling_ae_title", (
            f"a peer {calling_ae_title} is known at another address; its host must be {address}"
        )

    def is_impostor(self, calling_ae_title: str, certificate: PresentedCertificate | None) -> bool:
        """Whether a caller goes by the title of a peer with a certificate, and shows another."""
        titled = self._titled(calling_ae_title)
        bound = any(one.tls is not None for one in titled)
        return bound and not any(speaks_for(one, certificate) for one in titled)

    def _owner(self, certificate: PresentedCertificate) -> str:
        owners = sorted({one.name for one in self._peers if speaks_for(one, certificate)})
        return f"the certificate of peer {', '.join(owners)}" if owners else "another certificate"

    def _titled(self, calling_ae_title: str) -> list[Peer]:
        return [peer for peer in self._peers if peer.ae_title == calling_ae_title]

    def _addresses(self, host: str) -> frozenset[str]:
        now = time.monotonic()
        with self._lock:
            asked_at, addresses = self._known.get(host, (now - 2 * _NAME_VALID_S, frozenset()))
        if not addresses or now - asked_at > _NAME_VALID_S:
            addresses = self._resolve(host)
            with self._lock:
                self._known[host] = (now, addresses)
        return addresses


def _what_to_add(title: str, address: str, certificate: PresentedCertificate | None) -> str:
    name = "".join(letter if letter.isalnum() else "-" for letter in title.lower()).strip("-")
    entry = f'add [[peers]] name = "{name}" ae_title = "{title}" host = "{address}"'
    if certificate is None:
        return entry
    return f'{entry} [peers.tls] fingerprints = ["{certificate.fingerprint}"]'


def _normal(address: str) -> str:
    """One spelling for each address; an IPv4 address within IPv6 is the IPv4 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def source_name(peer: Peer | None) -> str:
    """How a caller is called in the metrics: by its name in the settings; "" for any other."""
    return "" if peer is None else peer.name
