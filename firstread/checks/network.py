"""Whether our ports are free, and whether destinations and flag receivers answer."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from dicom_node.request.verification import verify_peer
from firstread.data_folder import server_of
from radiology.errors import FirstreadError
from settings.environment import Settings
from settings.flags import AnyChannel, Hl7Channel, MailChannel, WorkItemChannel

_TIMEOUT_S = 5.0
_PORT_OF = {"http": 80, "https": 443}


def port_problems(settings: Settings) -> list[str]:
    """Ports of ours that another program has, or that we may not take.

    While a Firstread serves this data folder the ports are its own, and are not tried.
    """
    if server_of(settings.data_folder) is not None:
        return []
    ours = [
        ("dicom_port", settings.dicom_host, settings.dicom_port),
        ("worklist_port", settings.worklist_host, settings.worklist_port),
    ]
    if settings.dicom_tls is not None and settings.dicom_tls.plain_port is not None:
        ours.append(("dicom_tls.plain_port", settings.dicom_host, settings.dicom_tls.plain_port))
    if settings.hl7_listener is not None:
        ours.append(("hl7_listener.port", settings.hl7_listener.host, settings.hl7_listener.port))
    return [
        f"{name}: {why}"
        for name, host, port in ours
        if (why := _why_not_taken(host, port)) is not None
    ]


def _why_not_taken(host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port} is taken by another program: stop it, or set another port"
        if error.errno == errno.EACCES:
            return f"port {port} needs more rights: set one above 1023"
        return f"{host}, port {port}, cannot be listened on: {error.strerror or error}"
    return None


def receiver_problems(settings: Settings) -> list[str]:
    """Destinations that do not answer C-ECHO, and flag receivers that do not take a connection.

    Nothing is told to a flag receiver: `firstread flags test` does that.
    """
    problems = []
    for peer in settings.destinations:
        try:
            if peer.has_address:  # a DICOMweb service has nothing like C-ECHO
                verify_peer(peer, calling_ae_title=settings.ae_title, timeout_s=_TIMEOUT_S)
        except FirstreadError as error:
            problems.append(f"Peer {peer.name}: {error}")
    for name, host, port in _addresses(settings):
        try:
            socket.create_connection((host, port), timeout=_TIMEOUT_S).close()
        except OSError as error:
            why = error.strerror or str(error) or type(error).__name__
            problems.append(f"{name}: nothing answers at {host}, port {port}: {why}")
    return problems


def _addresses(settings: Settings) -> Iterator[tuple[str, str, int]]:
    """Who takes connections of ours that C-ECHO says nothing of: what it is, host and port."""
    for peer in settings.destinations:
        if peer.stow_url is not None and peer.stow_url.host:
            port = peer.stow_url.port or _PORT_OF[peer.stow_url.scheme]
            yield f"Peer {peer.name}", peer.stow_url.host.strip("[]"), port
    for channel in settings.flags:
        host, port = _address(channel, settings)
        if host:
            yield f"Flag channel {channel.name}", host, port


def _address(channel: AnyChannel, settings: Settings) -> tuple[str, int]:
    """Where a channel's receiver is; "" where it has no address."""
    match channel:
        case Hl7Channel() | MailChannel():
            return channel.host, channel.port
        case WorkItemChannel():
            peers = (one for one in settings.peers if one.name == channel.peer)
            peer = next(peers, None)
            return (peer.host or "", peer.port or 0) if peer is not None else ("", 0)
        case _:
            url = channel.url
            return (url.host or "").strip("[]"), url.port or _PORT_OF[url.scheme]
