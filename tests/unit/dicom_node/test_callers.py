"""Who may call."""

from __future__ import annotations

from typing import Any

from dicom_node.callers import Callers, resolve_host
from settings.peers import Peer, RequestPriority


def peer(name: str, ae_title: str, host: str | None = None, **more: Any) -> Peer:
    """A source."""
    return Peer(name=name, ae_title=ae_title, host=host, **more)  # type: ignore[arg-type]


def test_a_title_is_enough_without_a_host() -> None:
    """A peer without host may call from anywhere."""
    callers = Callers([peer("ct", "CT")])
    assert callers.peer_of("CT", "10.0.0.1") is not None
    assert callers.peer_of("MR", "10.0.0.1") is None


def test_a_host_must_be_right() -> None:
    """A peer with a host may call from there only."""
    callers = Callers([peer("ct", "CT", "10.0.0.1")])
    assert callers.peer_of("CT", "10.0.0.1") is not None
    assert callers.peer_of("CT", "10.0.0.2") is None
    assert "known at another address" in callers.why_not("CT", "10.0.0.2", None)[1]


def test_the_host_chooses_among_peers_of_one_title() -> None:
    """Two scanners that were given the same title are told apart by their addresses."""
    callers = Callers(
        [
            peer("any", "CT"),
            peer("emergency", "CT", "10.0.0.9", priority=RequestPriority.STAT),
        ]
    )
    found = callers.peer_of("CT", "10.0.0.9")
    assert found is not None
    assert found.name == "emergency"
    other = callers.peer_of("CT", "10.0.0.1")
    assert other is not None
    assert other.name == "any"


def test_host_names_are_looked_up_once_a_minute() -> None:
    """DNS is not asked for each association."""
    asked = []

    def resolve(host: str) -> frozenset[str]:
        asked.append(host)
        return frozenset({"10.0.0.5"})

    callers = Callers([peer("ct", "CT", "ct.hospital")], resolve)
    for _ in range(5):
        assert callers.peer_of("CT", "10.0.0.5") is not None
    assert asked == ["ct.hospital"]


def test_a_name_that_was_not_known_is_asked_for_again() -> None:
    """A DNS server that was away for a moment does not lock a scanner out for a minute."""
    known: list[frozenset[str]] = [frozenset(), frozenset({"10.0.0.5"})]
    callers = Callers([peer("ct", "CT", "ct.hospital")], lambda host: known.pop(0))
    assert callers.peer_of("CT", "10.0.0.5") is None
    assert callers.peer_of("CT", "10.0.0.5") is not None


def test_one_address_in_several_spellings() -> None:
    """An IPv4 caller on an IPv6 socket is the IPv4 caller."""
    callers = Callers([peer("ct", "CT", "10.0.0.1"), peer("mr", "MR", "FD00::1")])
    assert callers.peer_of("CT", "::ffff:10.0.0.1") is not None
    assert callers.peer_of("MR", "fd00:0:0::1") is not None
    assert callers.peer_of("MR", "fe80::1%eth0") is None


def test_resolving() -> None:
    """The loopback name is known; a name that cannot exist is not."""
    assert resolve_host("localhost") & {"127.0.0.1", "::1"}
    assert resolve_host("no-such-host.invalid") == frozenset()
