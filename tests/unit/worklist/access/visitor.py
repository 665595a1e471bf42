"""A browser without a screen: asks the application itself, and reads what it answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser

import httpx
from fastapi import FastAPI

OWN_ORIGIN = "http://127.0.0.1:8470"
OWN_FORM = {"Origin": OWN_ORIGIN, "Sec-Fetch-Site": "same-origin"}


class Visitor:
    """Sends requests to an application as a browser on the same machine does."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def get(self, address: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Open an address."""
        return self._send("GET", address, headers or {})

    def post(
        self,
        address: str,
        headers: dict[str, str] | None = None,
        form: Mapping[str, str | list[str]] | None = None,
    ) -> httpx.Response:
        """Press a button of our own page, or of another one with other headers."""
        return self._send("POST", address, OWN_FORM if headers is None else headers, form)

    def text(self, address: str) -> str:
        """What a person reads at an address."""
        answer = self.get(address)
        assert answer.status_code == 200, answer.text
        return readable(answer.text)

    def _send(
        self,
        method: str,
        address: str,
        headers: dict[str, str],
        form: Mapping[str, str | list[str]] | None = None,
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=OWN_ORIGIN) as client:
                return await client.request(method, address, headers=headers, data=form)

        return asyncio.run(send())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("title", "style", "script", "noscript")
        if tag in ("tr", "section", "li", "p", "h1", "h2", "h3", "div", "article"):
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("title", "style", "script", "noscript")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(re.sub(r"\s+", " ", data) + " ")


def readable(html: str) -> str:
    """The text of a page, one line for each block."""
    reader = _Reader()
    reader.feed(html)
    lines = (re.sub(r"\s+", " ", line).strip() for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def rows_of(html: str) -> list[str]:
    """The UIDs of the rows of the list, in their order."""
    return [unescape(uid) for uid in re.findall(r'<tr role="row"[^>]* data-part="([^"]+)"', html)]


def row_text(html: str, uid: str) -> str:
    """What a person reads in one row."""
    found = re.search(rf'<tr role="row"[^>]* data-part="{re.escape(uid)}".*?</tr>', html, re.DOTALL)
    assert found is not None, f"no row for {uid}"
    return readable(found[0]).replace("\n", " ")
