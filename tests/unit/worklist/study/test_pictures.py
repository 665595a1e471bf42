"""Key pictures: the right file, and never another one."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from database.session import transaction
from database.tables.study.analysis import Result
from radiology.image.key_picture import KEYWORD
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import SEVERE
from tests.unit.worklist.seeding import SeededHospital


@pytest.fixture
def result_id(hospital: SeededHospital) -> int:
    """Give a result with a key picture."""
    _, claim = hospital.claimed()
    return hospital.answer(claim, Urgency.URGENT, SEVERE)


def _point_to(hospital: SeededHospital, result_id: int, path: str) -> None:
    with transaction(hospital.engine) as session:
        session.query(Result).filter_by(id=result_id).update({"key_picture": path})


def test_picture_and_thumbnail(visitor: Visitor, result_id: int) -> None:
    """The picture comes as it is, the thumbnail small."""
    whole = visitor.get(f"/pictures/{result_id}")
    small = visitor.get(f"/pictures/{result_id}/thumbnail")
    assert whole.headers["content-type"] == small.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(whole.content)).size == (512, 512)
    assert Image.open(io.BytesIO(small.content)).size == (160, 160)
    assert "private" in small.headers["cache-control"]


@pytest.mark.parametrize(
    ("entry", "green"),
    [
        ("16 8 48 24", True),
        (None, False),
        ("16 8 48", False),
        ("0 0 0 0", False),
        ("-4 0 8 8", False),
        ("0 0 9999999999 8", False),
        ("0 0 ٤ ٤", False),
    ],
)
def test_the_thumbnail_is_the_key_slice(
    hospital: SeededHospital, visitor: Visitor, result_id: int, entry: str | None, green: bool
) -> None:
    """A montage at the size of a stamp says nothing; without a panel it is the whole picture."""
    picture, texts = Image.new("RGB", (64, 48), "red"), PngInfo()
    picture.paste("green", (16, 8, 48, 24))
    if entry is not None:
        texts.add_itxt(KEYWORD, entry)
    picture.save(hospital.results_folder / "key.png", pnginfo=texts)
    _point_to(hospital, result_id, "key.png")
    small = visitor.get(f"/pictures/{result_id}/thumbnail").content
    colours = {colour for _, colour in Image.open(io.BytesIO(small)).getcolors() or ()}
    assert colours == ({(0, 128, 0)} if green else {(0, 128, 0), (255, 0, 0)})


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png",
        "/etc/passwd",
        "job-1/../../secret.png",
        "link.png",
        ".",
        "key.dcm",
        "gone.png",
    ],
)
def test_only_pictures_inside_the_results_folder(
    hospital: SeededHospital, visitor: Visitor, result_id: int, path: str
) -> None:
    """A row that names something else, or a link that leads out, gives nothing."""
    secret = hospital.results_folder.parent / "secret.png"
    Image.new("RGB", (4, 4)).save(secret)
    (hospital.results_folder / "link.png").symlink_to(secret)
    (hospital.results_folder / "key.dcm").write_bytes(b"DICM")
    _point_to(hospital, result_id, path)
    assert visitor.get(f"/pictures/{result_id}").status_code == 404
    assert visitor.get(f"/pictures/{result_id}/thumbnail").status_code == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/pictures/77", 404),
        ("/pictures/0", 400),
        ("/pictures/-1", 400),
        ("/pictures/99999999999", 400),
        ("/pictures/..%2f..%2fetc%2fpasswd", 404),
        ("/pictures/key.png", 400),
        ("/static/page/../templates.py", 404),
        ("/static/page/%2e%2e/templates.py", 404),
    ],
)
def test_the_browser_names_no_path(visitor: Visitor, address: str, status: int) -> None:
    """A picture is found by its number only."""
    assert visitor.get(address).status_code == status


def test_damaged_picture(hospital: SeededHospital, visitor: Visitor, result_id: int) -> None:
    """A file that is no picture is missing, not a defect."""
    (hospital.results_folder / "broken.png").write_bytes(b"not a picture")
    _point_to(hospital, result_id, "broken.png")
    assert visitor.get(f"/pictures/{result_id}/thumbnail").status_code == 404
