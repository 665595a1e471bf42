"""Somebody with a browser without a screen: keeps cookies, and sends the forms that pages hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from html import unescape

import httpx
from fastapi import FastAPI

from database.session import query
from database.tables.readers.account import AuditEvent
from tests.builders.stored.readers import PASSWORD, SESSION_COOKIE
from tests.unit.worklist.seeding import SeededHospital

ADDRESS = "10.1.2.3"


class Person:
    """A person at a browser.

    Attributes
    ----------
    cookies : of the browser, by name
    origin : under which the page is opened
    """

    def __init__(
        self, app: FastAPI, *, origin: str = "http://127.0.0.1:8470", address: str = ADDRESS
    ) -> None:
        self.app = app
        self.origin = origin
        self.address = address
        self.cookies: dict[str, str] = {}

    @property
    def session(self) -> str | None:
        """The token of the session, if the browser has one."""
        return self.cookies.get(SESSION_COOKIE) or self.cookies.get("__Host-" + SESSION_COOKIE)

    def get(self, address: str, **headers: str | bytes) -> httpx.Response:
        """Open an address, as one that was typed."""
        return self._send("GET", address, None, {"Accept": "text/html", **headers})

    def post(self, address: str, form: dict[str, str], **headers: str | bytes) -> httpx.Response:
        """Send a form from a page of the same origin."""
        same = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        return self._send("POST", address, form, {**same, **headers})

    def form(self, address: str, action: str | None = None) -> dict[str, str]:
        """The hidden fields of a form on a page."""
        html = self.get(address).text
        forms = re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', html, re.DOTALL)
        body = next(body for found, body in forms if found == (action or address.split("?")[0]))
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', body)
        return {name: unescape(value) for name, value in hidden}

    def sign_in(
        self, name: str = "reader", password: str = PASSWORD, at: str = "/sign-in"
    ) -> httpx.Response:
        """Fill in the sign-in page and send it."""
        return self.post("/sign-in", {**self.form(at), "name": name, "password": password})

    def _send(
        self,
        method: str,
        address: str,
        form: dict[str, str] | None,
        headers: Mapping[str, str | bytes],
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            # Bytes, because a cookie may hold any.
            raw = [
                (name.encode(), value if isinstance(value, bytes) else value.encode())
                for name, value in headers.items()
            ]
            transport = httpx.ASGITransport(
                self.app, raise_app_exceptions=False, client=(self.address, 50_000)
            )
            async with httpx.AsyncClient(
                transport=transport, base_url=self.origin, cookies=self.cookies
            ) as client:
                return await client.request(method, address, data=form, headers=raw)

        answer = asyncio.run(send())
        for cookie in answer.headers.get_list("set-cookie"):
            name, value = cookie.split(";")[0].split("=", 1)
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer


def audit_events(hospital: SeededHospital) -> list[tuple[str, str, bool]]:
    """What the audit trail tells: name, reader, and whether it succeeded; the oldest first."""
    with query(hospital.engine) as session:
        rows = session.query(AuditEvent).order_by(AuditEvent.id)
        return [(row.name, row.reader, row.succeeded) for row in rows]
