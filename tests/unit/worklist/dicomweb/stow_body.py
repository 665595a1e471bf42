"""Bodies of STOW-RS requests, written by the letter of RFC 2046, and requests that carry them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterable, Iterable, Mapping
from io import BytesIO

import httpx
from fastapi import FastAPI
from pydicom.dataset import Dataset

from tests.builders.stored.readers import PASSWORD

BOUNDARY = "firstread-test"
STOW_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def file_of(data_set: Dataset) -> bytes:
    """A data set as a file (PS3.10)."""
    content = BytesIO()
    data_set.save_as(content, enforce_file_format=True)
    return content.getvalue()


def body_of(files: Iterable[bytes], kind: str = "application/dicom") -> bytes:
    """A body with a part for each file."""
    parts = [
        f"--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n".encode() + file + b"\r\n" for file in files
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    """The header of HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def ask(
    app: FastAPI,
    method: str,
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | AsyncIterable[bytes] | None = None,
) -> httpx.Response:
    """Send a request as a program does: without the headers of a browser."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("10.1.2.3", 5000))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8470"
        ) as client:
            return await client.request(
                method, address, headers=dict(headers or {}), content=content
            )

    return asyncio.run(send())


def stow(
    app: FastAPI,
    files: Iterable[bytes],
    *,
    study: str = "",
    headers: Mapping[str, str] | None = None,
    content_type: str = STOW_TYPE,
) -> httpx.Response:
    """Store files."""
    address = f"/dicom-web/studies/{study}" if study else "/dicom-web/studies"
    given = {"Content-Type": content_type, "Accept": "application/dicom+json", **(headers or {})}
    return ask(app, "POST", address, headers=given, content=body_of(files))
