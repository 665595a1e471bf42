"""The upload page: what is received and how, what is refused meanwhile, who sees the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from database.file_refusal import FileRefusal
from database.session import reading, transaction
from database.states import UploadState
from database.tables import Study
from database.upload_tables import Upload
from database.uploads import claim_upload, end_upload
from settings.environment import Settings
from settings.uploads import UploadLimits
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.visitor import OWN_FORM, OWN_ORIGIN, Visitor, readable
from worklist.app import create_app

Files = list[tuple[str, tuple[str, bytes]]]
_SLICE_ANSWER = {
    "assessable": True,
    "reason": None,
    "lesion_share_percent": 12.34,
    "area_pixels": {"lung": 5000, "lesion": 617, "ground_glass": 600, "consolidation": 17},
    "area_mm2": None,
    "viral": {
        "type": "viral_suspected",
        "probability": 0.91,
        "spread": 0.02,
        "low": 0.3,
        "high": 0.7,
        "threshold": 0.5,
        "suspected": True,
    },
    "signs": [],
    "bundle": "chest-ct-pneumonia/2.0.0",
}


@pytest.fixture
def app_with(
    hospital: SeededHospital, worklist_settings: Settings
) -> Callable[..., tuple[FastAPI, Settings]]:
    def make(**limits: Any) -> tuple[FastAPI, Settings]:
        settings = worklist_settings.model_copy(
            update={"uploads": UploadLimits(**limits), "min_free_bytes": 0}
        )
        clock: Callable[[], datetime] = lambda: hospital.now  # noqa: E731 read anew each time
        return create_app(settings, hospital.engine, clock=clock), settings

    return make


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
    return [("files", (name, content))]


def row_of(hospital: SeededHospital) -> Upload:
    with reading(hospital.engine) as session:
        return session.query(Upload).one()


def stored(settings: Settings) -> dict[str, bytes]:
    found = settings.uploads_folder.rglob("received/*")
    return {path.name: path.read_bytes() for path in found}


def test_the_form_says_what_becomes_of_it(visitor: Visitor) -> None:
    """Before anything is sent: not part of the record, what is taken, when it is deleted."""
    text = visitor.text("/upload")
    assert "Not part of the patient’s record." in text
    assert "At most 2.0 GB and 5000 files." in text
    assert "the answer after 24 hours" in text


def test_files_are_received_under_numbers(
    app_with: Callable[..., Any], hospital: SeededHospital
) -> None:
    """Bytes come through as they are; names, also hostile ones, are dropped."""
    app, settings = app_with()
    content = bytes(range(256)) * 9000
    files: Files = [
        ("files", ("../../../etc/cron.d/x", content)),
        ("files", ("Roe^Richard.dcm", b"\r\n--not-the-boundary\r\n")),
        ("folder", ("", b"")),
    ]
    answer = send(app, files)
    row = row_of(hospital)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/uploads/{row.token}"
    assert (row.state, row.files, row.reader) == (UploadState.WAITING, 2, "local")
    assert stored(settings) == {"1": content, "2": b"\r\n--not-the-boundary\r\n"}
    page = Visitor(app).text(f"/uploads/{row.token}")
    assert "Waiting for a worker." in page
    assert "Roe" not in page
    assert "Roe" not in repr(vars(row))


def test_it_is_no_study(app_with: Callable[..., Any], hospital: SeededHospital) -> None:
    """An upload is in no list and has no study's page."""
    app, _ = app_with()
    send(app, one(b"abc"))
    with reading(hospital.engine) as session:
        assert session.query(Study).count() == 0
    assert row_of(hospital).token not in Visitor(app).get("/").text


@pytest.mark.parametrize(
    ("limits", "files", "reason"),
    [
        ({"most_bytes": 100_000}, one(bytes(300_000)), "larger than is allowed"),
        ({"most_bytes": 100_000}, one(bytes(5_000_000)), "larger than is allowed"),
        ({"most_files": 2}, 3 * one(b"abc"), "too many files"),
        ({}, [("folder", ("", b""))], "no file in it"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_while_it_comes(
    app_with: Callable[..., Any],
    hospital: SeededHospital,
    limits: dict[str, int],
    files: Files,
    reason: str,
) -> None:
    """The reason is on the page, and nothing is left on disk."""
    app, settings = app_with(**limits)
    assert send(app, files).status_code == 303
    row = row_of(hospital)
    assert row.state is UploadState.REFUSED
    assert reason in Visitor(app).text(f"/uploads/{row.token}")
    assert stored(settings) == {}


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/plain", b"abc"),
        ("multipart/form-data", b"abc"),
        (f"multipart/form-data; boundary={'x' * 200}", b"abc"),
        ("multipart/form-data; boundary=x", b"no boundary at all"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 500 + b"\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A" * 20_000 + b": b\r\n\r\n--x--"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n'
            + 20_000 * b"a"
            + b"\r\n--x--",
        ),
        (
            "multipart/form-data; boundary=x",
            30 * b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\na\r\n' + b"--x--",
        ),
    ],
)
def test_a_form_that_is_none_is_refused(
    app_with: Callable[..., Any], hospital: SeededHospital, content_type: str, content: bytes
) -> None:
    """Whatever comes instead of a form with files ends with a reason, not with a trace."""
    app, settings = app_with()
    answer = send(app, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 303
    row = row_of(hospital)
    assert (row.state, row.error_kind) == (UploadState.REFUSED, "UploadRefused")
    assert stored(settings) == {}


def test_a_transfer_that_takes_too_long_is_refused(
    app_with: Callable[..., Any], hospital: SeededHospital
) -> None:
    """Whoever sends a byte now and then holds nothing up for ever."""
    app, _ = app_with(receive_s=0.2)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"--x\r\n"
        await asyncio.sleep(30)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert post_stream(app, slowly(), headers) == 303
    assert row_of(hospital).error_message == "The transfer took too long"


def test_a_transfer_that_breaks_off_is_refused(
    app_with: Callable[..., Any], hospital: SeededHospital
) -> None:
    """A browser that goes away leaves a refusal and no file."""
    app, settings = app_with()

    async def broken() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nabc'
        raise ConnectionAbortedError

    post_stream(app, broken(), {"Content-Type": "multipart/form-data; boundary=x"})
    assert row_of(hospital).error_message == "The transfer was broken off"
    assert stored(settings) == {}


def post_stream(app: FastAPI, stream: AsyncIterator[bytes], headers: dict[str, str]) -> int:
    """Send a body piece by piece, as the server passes it on; gives the status."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        try:
            return {"type": "http.request", "body": await anext(stream), "more_body": True}
        except StopAsyncIteration:
            return {"type": "http.request", "body": b"", "more_body": False}
        except ConnectionAbortedError:
            return {"type": "http.disconnect"}

    async def take(message: Any) -> None:
        sent.append(message)

    given = OWN_FORM | {"Host": "127.0.0.1:8470"} | headers
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/uploads",
        "raw_path": b"/uploads",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8470),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }
    asyncio.run(app(scope, receive, take))
    return int(sent[0]["status"])


def test_only_so_many_at_a_time(app_with: Callable[..., Any]) -> None:
    """Beyond that an upload is not even read, and the answer says when to come again."""
    app, _ = app_with(most_open=2)
    assert [send(app, one(b"abc")).status_code for _ in range(3)] == [303, 303, 503]


def test_another_site_cannot_upload(app_with: Callable[..., Any]) -> None:
    """A page of another site that posts a form here is refused before anything is read."""
    app, settings = app_with()
    answer = send(app, one(b"abc"), headers={"Origin": "http://x.example", "Sec-Fetch-Site": ""})
    assert answer.status_code == 403
    assert not settings.uploads_folder.exists()


@pytest.mark.parametrize("path", ["/uploads/", "/live/uploads/", "/uploads/x"])
def test_an_address_cannot_be_guessed(visitor: Visitor, path: str) -> None:
    """An address without its token, or with another one, shows nothing."""
    assert visitor.get(path).status_code in (400, 404)
    assert visitor.get(f"/uploads/{'A' * 32}").status_code == 404
    assert visitor.get(f"/uploads/{'A' * 32}/picture").status_code == 404


def answered(hospital: SeededHospital, **values: Any) -> str:
    with transaction(hospital.engine) as session:
        claim = claim_upload(session, worker="w", lease_s=15, now=hospital.now)
        assert claim is not None
        end_upload(session, claim, UploadState.ANSWERED, hospital.now, **values)
    return row_of(hospital).token


def test_the_answer_of_a_slice(app_with: Callable[..., Any], hospital: SeededHospital) -> None:
    """The figure, what one slice cannot tell, a QR code, and that it is in no record."""
    app, _ = app_with()
    send(app, one(b"abc"))
    refusals = (FileRefusal("1.2", 77, "UploadRefused", "The file is <b>text</b>"),)
    token = answered(hospital, kind="slice", answer=_SLICE_ANSWER, refusals=refusals)
    html = Visitor(app).get(f"/uploads/{token}").text
    text = readable(html)
    assert "Lesions cover 12.3 % of the lung in this slice" in text
    assert "A single slice can tell little" in text
    assert "Not part of the patient’s record." in text
    assert "Viral pattern suspected probability 0.91" in text
    assert "The file is <b>text</b>" in text  # escaped, hence readable
    assert "&lt;b&gt;text" in html
    assert f"{OWN_ORIGIN}/uploads/{token}" in text
    assert "<svg" in html
    assert " style=" not in html
    assert "Urgent" not in text
    assert "Routine" not in text


def test_a_picture_comes_from_the_uploads_folder_only(
    app_with: Callable[..., Any], hospital: SeededHospital, tmp_path: Path
) -> None:
    """A row that names a file elsewhere shows nothing."""
    app, settings = app_with()
    send(app, one(b"abc"))
    folder = row_of(hospital).folder
    (settings.uploads_folder / folder / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "elsewhere.png").write_bytes(b"\x89PNG")
    token = answered(hospital, kind="slice", answer=_SLICE_ANSWER, picture=f"{folder}/picture.png")
    assert Visitor(app).get(f"/uploads/{token}/picture").content == b"\x89PNG"
    with transaction(hospital.engine) as session:
        session.query(Upload).one().picture = "../elsewhere.png"
    assert Visitor(app).get(f"/uploads/{token}/picture").status_code == 404


def test_it_is_deleted_when_somebody_asks(
    app_with: Callable[..., Any], hospital: SeededHospital
) -> None:
    """The button lets the next sweep delete it."""
    app, _ = app_with()
    send(app, one(b"abc"))
    token = row_of(hospital).token
    assert Visitor(app).post(f"/uploads/{token}/delete").status_code == 303
    assert row_of(hospital).expires_at <= hospital.now
