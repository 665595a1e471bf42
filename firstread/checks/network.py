"""Whether our ports are free, and whether destinations and flag receivers answer."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from database.process_signs import SILENT_AFTER_S, is_of_this_machine, process_signs
from database.schema import check_schema
from database.session import open_engine, query
from dicom_node.request.verification import verify_peer
from firstread.data_folder import server_of
from radiology.errors import FirstreadError
from settings.environment import Settings
from settings.flags import AnyChannel, Hl7Channel, MailChannel, WorkItemChannel
from settings.served_process import ServedProcess

_TIMEOUT_S = 5.0
_PORT_OF = {"http": 80, "https": 443}


def own_ports(settings: Settings) -> Iterator[tuple[str, ServedProcess, str, int]]:
    """The ports that we listen on: the setting, the part that listens, host and port."""
    node, host = ServedProcess.NODE, settings.dicom_host
    yield "dicom_port", node, host, settings.dicom_port
    if settings.dicom_tls is not None and settings.dicom_tls.plain_port is not None:
        yield "dicom_tls.plain_port", node, host, settings.dicom_tls.plain_port
    page = ServedProcess.WORKLIST
    yield "worklist_port", page, settings.worklist_host, settings.worklist_port
    if settings.hl7_listener is not None:
        listener = settings.hl7_listener
        yield "hl7_listener.port", ServedProcess.HL7, listener.host, listener.port


def parts_here(settings: Settings) -> dict[ServedProcess, str]:
    """The name of a process of each part that gives signs of life on this machine.

    Parts that run alone, as at hospital size, are known by nothing else. Where the database cannot
    be asked there are none: that it cannot is another check's to say.
    """
    if settings.database_url is None and not settings.sqlite_file.exists():
        return {}
    engine, now = open_engine(settings.database_address), datetime.now(UTC)
    try:
        check_schema(engine)
        with query(engine) as session:
            signs = process_signs(session)
    except FirstreadError:
        return {}
    finally:
        engine.dispose()
    parts = {part.value: part for part in ServedProcess}
    return {
        parts[one.part]: one.name
        for one in signs
        if one.part in parts
        and is_of_this_machine(one.name)
        and now - one.seen_at <= timedelta(seconds=SILENT_AFTER_S)
    }


def port_problems(settings: Settings) -> list[str]:
    """Ports of ours that another program has, or that we may not take.

    While a Firstread serves this data folder, or the part that listens gives signs of life on this
    machine, the port is its own and is not tried.
    """
    if server_of(settings.data_folder) is not None:
        return []
    running = parts_here(settings)
    return [
        f"{name}: {why}"
        for name, part, host, port in own_ports(settings)
        if part not in running and (why := _why_not_taken(host, port)) is not None
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
