"""A worklist page in this process, served by the real server in a thread of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from settings.environment import Settings
from tests.peers.waiting import wait_until
from worklist.server import StreamEndingServer, open_socket


@dataclass
class RunningPage:
    """A page; `start` serves it."""

    app: FastAPI
    settings: Settings

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings.worklist_port}"

    def start(self) -> None:
        """Serve, on the same port each time."""
        config = uvicorn.Config(self.app, log_level="warning", access_log=False)
        self._server = StreamEndingServer(config)
        listener = open_socket(self.settings, anybody_has_an_account=True)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, daemon=True
        )
        self._thread.start()
        wait_until(lambda: self._server.started, what="the page to be served")

    def stop(self) -> None:
        """Stop serving, however many browsers listen."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        assert not self._thread.is_alive(), "the server did not stop"
