"""Connections to the page: whoever opens them and says nothing keeps nobody else out.

RFC 9112 Section 9.5 (time limits). A process has so many connections as it may have files open, and
the server by itself waits for the first request of each without end.
"""

from __future__ import annotations

import asyncio
import ipaddress
import resource
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from dicom_node.places import Places
from settings.log.log_events import get_logger
from settings.page.worklist_network import WorklistNetwork

HEAD_S: Final = 20.0
"""From the connection, or the last answer, to the end of the headers of the next request."""
_FEWEST: Final = 64  # of one address, however few files the process may open
_SHARE: Final = 4  # of all, that one address may have

_log = get_logger("worklist")


class PromptConnection(H11Protocol):
    """A connection with an end, if no request begins on it.

    Attributes
    ----------
    head_s : how long that is
    places : for the connections of each address
    is_free : whether an address has as many as it wants
    """

    head_s: float
    places: Places
    is_free: Callable[[str], bool]
    _due: asyncio.TimerHandle | None = None
    _place: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or hang up where its address has too many."""
        super().connection_made(transport)
        address = str(self.client[0]) if self.client else ""
        if not self.is_free(address):
            if not self.places.begin(address):
                _log.warning("too_many_connections", address=address)
                transport.abort()
                return
            self._place = address
        self._expect_request()

    def on_response_complete(self) -> None:
        """An answer has gone out: the next request may come."""
        super().on_response_complete()
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._due is not None:
            self._due.cancel()
        if self._place is not None:
            self.places.end(self._place)
            self._place = None
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = self.loop.call_later(self.head_s, self._hang_up)

    def _hang_up(self) -> None:
        cycle: Any = self.cycle  # None before the first request
        if cycle is None or cycle.response_complete:  # otherwise one has come
            self.transport.abort()


def connections_for(network: WorklistNetwork, *, head_s: float = HEAD_S) -> type[PromptConnection]:
    """The protocol of the connections of one page.

    An address has a quarter of the connections that there can be; this machine, and a reverse
    proxy, as many as they want.

    Parameters
    ----------
    head_s : how long a caller may take to begin a request
    """
    most = max(_FEWEST, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    shared = Places(most, of_one=max(_FEWEST, most // _SHARE))

    def of_machine_or_proxy(address: str) -> bool:
        try:
            given = ipaddress.ip_address(address)
        except ValueError:
            return False
        return given.is_loopback or any(given in one for one in network.behind_proxy)

    class Connection(PromptConnection):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.head_s, self.places, self.is_free = head_s, shared, of_machine_or_proxy

    return Connection
