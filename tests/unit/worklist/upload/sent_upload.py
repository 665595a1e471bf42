"""An upload as a browser sends it, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI

from database.session import query
from database.tables.readers.upload import Upload
from settings.environment import Settings
from tests.unit.worklist.access.visitor import OWN_FORM, OWN_ORIGIN
from tests.unit.worklist.seeding import SeededHospital

Files = list[tuple[str, tuple[str, bytes]]]


def send(
    app: FastAPI,
    files: Files | None = None,
    *,
    content: bytes | AsyncIterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
    data: dict[str, str] | None = None,
) -> httpx.Response:
    """Send a form as a browser does."""

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=OWN_ORIGIN) as client:
            return await client.post(
                "/uploads",
                files=files,
                data=data,
                content=content,
                headers=OWN_FORM | (headers or {}),
            )

    return asyncio.run(request())


def one(content: bytes, name: str = "slice.dcm") -> Files:
    """The form of one file."""
    return [("files", (name, content))]


def row_of(hospital: SeededHospital) -> Upload:
    """The one upload that there is."""
    with query(hospital.engine) as session:
        return session.query(Upload).one()


def stored(settings: Settings) -> dict[str, bytes]:
    """What lies on disk of uploads, by its number."""
    found = settings.uploads_folder.rglob("received/*")
    return {path.name: path.read_bytes() for path in found}
