"""Decides who may call us: by AE title and, where a peer has one, by address.

PS3.8 Section 7.1.1.3 and 7.1.1.4 (calling and called AE title).
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

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

    def peer_of(self, calling_ae_title: str, address: str) -> Peer | None:
        """The peer that calls under this title from this address; None for a stranger.

        A peer with a host has precedence over a peer of the same title without a host.
        """
        titled = [peer for peer in self._peers if peer.ae_title == calling_ae_title]
        for peer in titled:
            if peer.host is not None and _normal(address) in self._addresses(peer.host):
                return peer
        return next((peer for peer in titled if peer.host is None), None)

    def has_title(self, calling_ae_title: str) -> bool:
        """Whether a peer has this title, from whatever address."""
        return any(peer.ae_title == calling_ae_title for peer in self._peers)

    def _addresses(self, host: str) -> frozenset[str]:
        now = time.monotonic()
        with self._lock:
            asked_at, addresses = self._known.get(host, (now - 2 * _NAME_VALID_S, frozenset()))
        if not addresses or now - asked_at > _NAME_VALID_S:
            addresses = self._resolve(host)
            with self._lock:
                self._known[host] = (now, addresses)
        return addresses


def _normal(address: str) -> str:
    """One spelling for each address; an IPv4 address within IPv6 is the IPv4 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
