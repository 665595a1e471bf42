"""The upload page: what is received and how, and what is refused meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from database.session import query
from database.states import UploadState
from database.tables.study.analysis import Study
from tests.unit.worklist.access.visitor import OWN_FORM, Visitor
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.upload.sent_upload import Files, one, row_of, send, stored


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
    with query(hospital.engine) as session:
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
        (  # its end is missing, and the file with it
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nabc',
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
