"""The server of the worklist page: one port, taken before anything else, and a quick end."""

from __future__ import annotations

import contextlib
import errno
import socket

import uvicorn
from fastapi import FastAPI

from radiology.errors import SettingsRefused
from settings.environment import Settings
from settings.log_events import get_logger
from worklist.request_guard import is_loopback

_STOP_LIMIT_S = 3  # a request that takes longer than this is cut off when we are told to stop
_BACKLOG = 128

_log = get_logger("worklist")


def open_socket(settings: Settings, *, published_on_loopback: bool = False) -> socket.socket:
    """Take the page's port.

    Parameters
    ----------
    published_on_loopback : the caller vouches that the address can be reached only through a port
        that a container engine publishes on the loopback interface of its host

    Raises
    ------
    SettingsRefused
        The address would show the page to the network, where there is no sign-in yet; or the port
        is taken, or not ours to take. The message says which setting to change.
    """
    host, port = settings.worklist_host, settings.worklist_port
    if not is_loopback(host) and not published_on_loopback:
        raise SettingsRefused(
            "The worklist page has no sign-in yet and is served on this machine only: set "
            "FIRSTREAD_WORKLIST_HOST to 127.0.0.1, and use an SSH tunnel from elsewhere",
            worklist_host=host,
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsRefused(_why_not(error), worklist_host=host, worklist_port=port) from error


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    config = uvicorn.Config(
        app,
        access_log=False,  # addresses hold identifiers
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_STOP_LIMIT_S,
    )
    address, port = listener.getsockname()[:2]
    _log.info("worklist_page", host=address, port=port)
    with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn after a clean end
        StreamEndingServer(config).run(sockets=[listener])


class StreamEndingServer(uvicorn.Server):
    """A server that ends the live streams when it stops, instead of waiting for the browsers."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop as usual."""
        app = self.config.app
        if isinstance(app, FastAPI):
            app.state.live.close()
        await super().shutdown(sockets)


def _why_not(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            "The port of the worklist page is taken by another program: stop it, or set "
            "FIRSTREAD_WORKLIST_PORT to a free one"
        )
    if error.errno == errno.EACCES:
        return "The port of the worklist page needs more rights: set FIRSTREAD_WORKLIST_PORT"
    return f"The address of the worklist page cannot be used: {error.strerror or error}"
