"""The page of one upload: who sees the answer, what it says, and that it is deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from database.session import transaction
from database.states import UploadState
from database.tables.readers.upload import Upload
from database.uploads.file_refusal import FileRefusal
from database.uploads.received import claim_upload, end_upload
from tests.unit.worklist.access.visitor import OWN_ORIGIN, Visitor, readable
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.upload.sent_upload import one, row_of, send

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


def test_a_slice_is_told_in_the_readers_language(
    app_with: Callable[..., Any], hospital: SeededHospital
) -> None:
    """Sentence, areas, type and signs come from whose answer it is, and are translated here."""
    app, _ = app_with()
    send(app, one(b"abc"))
    sign = {"sign": "crazy_paving", "probability": 0.71, "threshold": 0.5, "present": True}
    token = answered(hospital, kind="slice", answer={**_SLICE_ANSWER, "signs": [sign]})
    html = Visitor(app).get(f"/uploads/{token}", {"Cookie": "firstread_language=zh"}).text
    text = readable(html)
    for said in ("此切片中病灶占肺 12.3 %", "磨玻璃", "0.91", "0.71"):
        assert said in text
    for english in ("Lesions cover", "Viral pattern", "Crazy paving", "Consolidation"):
        assert english not in text


def test_a_slice_without_lungs_says_so(
    app_with: Callable[..., Any], hospital: SeededHospital
) -> None:
    """It is not assessable, with the reason, and has no figures."""
    app, _ = app_with()
    send(app, one(b"abc"))
    reason = "no lungs were found in the slice"
    unread = {**_SLICE_ANSWER, "assessable": False, "reason": reason, "viral": None}
    token = answered(hospital, kind="slice", answer=unread)
    text = readable(Visitor(app).get(f"/uploads/{token}").text)
    assert "Not assessable" in text
    assert "No lungs were found in the slice" in text
    assert "There is no answer, and that is no negative" in text
    assert "Lesions cover" not in text


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
