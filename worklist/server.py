"""The server of the worklist page: one port, taken before anything else, and a quick end.

To other machines the page is only shown encrypted, and to people who sign in; what is missing for
that is said before the port is taken.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from radiology.errors import SettingsRefused
from settings.certificates.watched import Watched
from settings.environment import Settings
from settings.log.log_events import get_logger
from settings.page.worklist_network import WorklistNetwork
from worklist.access.request_guard import is_loopback
from worklist.connections import connections_for

_STOP_LIMIT_S = 3  # a request that takes longer than this is cut off when we are told to stop
_BACKLOG = 128

_log = get_logger("worklist")


def needs_sign_in(settings: Settings, *, published_on_loopback: bool = False) -> bool:
    """Whether people must sign in even while no account exists.

    Parameters
    ----------
    published_on_loopback : as `open_socket` has it
    """
    shown = not is_loopback(settings.worklist_host) and not published_on_loopback
    return (
        shown
        or settings.worklist_network.encrypted
        or bool(settings.worklist_network.names)
        or settings.sign_in.provider is not None
    )


def open_socket(
    settings: Settings, *, anybody_has_an_account: bool, published_on_loopback: bool = False
) -> socket.socket:
    """Take the page's port.

    Parameters
    ----------
    published_on_loopback : the caller vouches that the address can be reached only through a port
        that a container engine publishes on the loopback interface of its host

    Raises
    ------
    SettingsRefused
        The page would be shown to the network unencrypted, under no name, or with nobody who
        could sign in; the identity provider's secret cannot be read; or the port is taken, or not
        ours to take. The message says what to set.
    """
    host, port = settings.worklist_host, settings.worklist_port
    check_network(settings, published_on_loopback=published_on_loopback)
    provider = settings.sign_in.provider
    if provider is not None:
        provider.client_secret()  # said now, and not to the first who wants to sign in
    settings.monitoring.token()  # as well
    somebody = anybody_has_an_account or provider is not None
    if needs_sign_in(settings, published_on_loopback=published_on_loopback) and not somebody:
        raise SettingsRefused(
            "Nobody could sign in to the worklist page: make an account with "
            "'firstread users add NAME --role administrator', or set sign_in.provider",
            worklist_host=host,
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsRefused(_why_not(error), worklist_host=host, worklist_port=port) from error
    # Connections inherit it. asyncio sets it only where a socket names its protocol, and an answer
    # in two segments would wait 40 ms for the client to acknowledge the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def check_network(settings: Settings, *, published_on_loopback: bool = False) -> None:
    """Make sure that the page is shown to other machines only as it may be.

    Raises
    ------
    SettingsRefused
        It would be unencrypted, or under no name, or its certificate cannot be read.
    """
    network, host = settings.worklist_network, settings.worklist_host
    _check_certificate(network)
    if is_loopback(host) or (published_on_loopback and not network.names):
        return
    if not network.encrypted:
        raise SettingsRefused(
            "The worklist page would be shown to the network unencrypted: set certificate and key "
            "of worklist_network, or behind_proxy to the address of the reverse proxy that "
            "encrypts it; or set FIRSTREAD_WORKLIST_HOST to 127.0.0.1 and use an SSH tunnel from "
            "elsewhere",
            worklist_host=host,
        )
    if not network.names:
        raise SettingsRefused(
            "The worklist page would answer to nobody: set names of worklist_network to the host "
            "names that browsers ask for",
            worklist_host=host,
        )


def serve(app: FastAPI, listener: socket.socket, network: WorklistNetwork) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    config = uvicorn.Config(
        app,
        http=connections_for(network),
        ssl_certfile=network.certificate,
        ssl_keyfile=network.key,
        proxy_headers=False,  # the application looks at them itself, where there is a proxy
        access_log=False,  # addresses hold identifiers
        log_level="warning",
        log_config=None,  # its lines go where those of all libraries go
        server_header=False,
        timeout_graceful_shutdown=_STOP_LIMIT_S,
    )
    if network.certificate is not None:
        config.load()
        _renew(config, network.certificate, network.key)
    address, port = listener.getsockname()[:2]
    _log.info("worklist_page", host=address, port=port)
    with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn after a clean end
        StreamEndingServer(config).run(sockets=[listener])


def _renew(config: uvicorn.Config, certificate: Path, key: Path | None) -> None:
    """Let each new connection have the certificate that lies in the files by then."""

    def load() -> ssl.SSLContext:
        _check_certificate(WorklistNetwork(certificate=certificate, key=key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    files = [certificate] if key is None else [certificate, key]
    in_force = Watched(load, files, "worklist_network")

    def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = in_force()

    assert config.ssl is not None
    config.ssl.sni_callback = choose  # asked at each handshake, whether or not a name is told


def _check_certificate(network: WorklistNetwork) -> None:
    if network.certificate is None:
        return
    try:
        # A key with a passphrase would otherwise ask a terminal that is not there.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            network.certificate, network.key, password=lambda: ""
        )
    except OSError as error:  # ssl.SSLError is one
        raise SettingsRefused(
            "Certificate and key of worklist_network cannot be used together: are both PEM files, "
            "readable, without a passphrase, and do they belong to each other?",
            certificate=str(network.certificate),
        ) from error


class StreamEndingServer(uvicorn.Server):
    """A server that ends the live streams when it stops, instead of waiting for the browsers."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop as usual, and let go of the spool."""
        app = self.config.app
        if isinstance(app, FastAPI):
            app.state.live.close()
        await super().shutdown(sockets)
        if isinstance(app, FastAPI):
            app.state.store.close()


def _why_not(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            "The port of the worklist page is taken by another program: stop it, or set "
            "FIRSTREAD_WORKLIST_PORT to a free one"
        )
    if error.errno == errno.EACCES:
        return "The port of the worklist page needs more rights: set FIRSTREAD_WORKLIST_PORT"
    return f"The address of the worklist page cannot be used: {error.strerror or error}"
