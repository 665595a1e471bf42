"""Judged studies leave as a set that training reads, and nothing says whose they are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from sqlalchemy import select
from typer.testing import CliRunner

from database.feedback.given import give_feedback
from database.session import query, transaction
from database.tables.study.analysis import Event
from firstread.__main__ import app
from firstread.feedback_set.pseudonyms import KEY_FILE
from radiology.feedback import Fault
from radiology.urgency import Urgency
from settings.environment import read_settings
from tests.builders.dicom.identified import said_by
from tests.builders.stored.judged_site import (
    JudgedSite,
    disagree,
    judged_site,
)
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.seeding import open_hospital
from training.site.cases import read_site_cases
from worklist.app import create_app

pytestmark = pytest.mark.timeout(600)  # half a minute alone: ten studies are read


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> JudgedSite:
    """Ten studies, read and judged."""
    return judged_site(tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("bundles"))


def _export(site: JudgedSite, folder: Path, *options: str) -> Mapping[str, Any]:
    environment = {"FIRSTREAD_DATA_FOLDER": str(site.folder)}
    done = CliRunner().invoke(app, ["feedback", "export", str(folder), *options], env=environment)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def exported(site: JudgedSite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set with agreements."""
    folder = tmp_path_factory.mktemp("set") / "cases"
    found = _export(site, folder, "--agreements", "--slices", "6")
    assert (found["cases_ready"], found["cases_to_draw"], found["left_out"]) == (8, 2, {})
    return folder


def _labels(folder: Path) -> dict[str, list[str]]:
    by_case: dict[str, list[str]] = {}
    with (folder / "labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            by_case.setdefault(row["patient"], []).append(row["covid"])
    return by_case


def test_nothing_of_the_sources_is_left(site: JudgedSite, exported: Path) -> None:
    """No word, name, day or UID of a source, and no comment or reader, in any byte or name."""
    technical = {"CT", "HU", "ORIGINAL", "PRIMARY", "AXIAL", "MONOCHROME2", "YES", "NO"}
    technical.add("Firstread")  # made the phantom, and says so of the method too
    # Standard UIDs, not those of anything that was made.
    words = {one for one in site.said - technical if not one.startswith("1.2.840.10008.")}
    assert len(words) > 3000
    files = [path for path in exported.rglob("*") if path.is_file()]
    written = b"\n".join(path.read_bytes() for path in files)
    written += "\n".join(str(path.relative_to(exported)) for path in files).encode()
    short = {one for one in words if len(one) < 5}
    assert not [one for one in words - short if one.encode() in written]
    lowered = written.lower()
    for word in ("leak", "pat-", *site.uids, *(one.removeprefix("2.25.") for one in site.uids)):
        assert word.encode() not in lowered
    # A word of three or four signs may stand in pixels by chance: so look at the values.
    for path in exported.rglob("*.dcm"):
        said = set(said_by(dcmread(path)))
        assert not {one for one in said & words if one not in technical}


def test_the_manifest_says_what_was_judged_and_of_which_bundle(exported: Path) -> None:
    """Cases go by their stand-ins; no day, no reader, no comment."""
    cases = json.loads((exported / "manifest.json").read_text())["cases"]
    assert len(cases) == 10
    assert set(cases[0]) == {
        "case", "files", "to_draw", "judgement", "faults", "urgency", "bundle", "bundle_digest",
    }  # fmt: skip
    assert sum(one["to_draw"] for one in cases) == 2


def test_masks_are_what_the_reader_says(exported: Path) -> None:
    """A false positive has none; what is agreed with keeps ours; what is wrong waits as a draft."""
    cases = {
        (one["judgement"], *one["faults"], one["urgency"] == "routine"): one
        for one in json.loads((exported / "manifest.json").read_text())["cases"]
    }

    def drawn(case: Mapping[str, Any], part: str) -> list[bool]:
        masks = [(exported / part / name).with_suffix(".png") for name in case["files"]]
        return [bool(np.asarray(Image.open(path)).any()) for path in masks]

    assert not any(drawn(cases["disagree", "false-positive", False], "masks"))
    wrong_type = drawn(cases["disagree", "wrong-type", False], "masks")
    assert any(wrong_type)
    assert not all(wrong_type)
    assert any(drawn(cases["disagree", "missed", "wrong-region", False], "to-draw/drafts"))
    assert not any(drawn(cases["agree", True], "masks"))
    assert {one for group in _labels(exported).values() for one in group} <= {"", "0", "1"}
    false_positive = cases["disagree", "false-positive", False]["case"]
    assert set(_labels(exported)[false_positive]) == {"0"}


def test_outlines_lie_on_the_lesions_of_their_slice(exported: Path) -> None:
    """Where a mask says lesion the slice is denser than the lung around it."""
    checked = 0
    for path in sorted((exported / "masks").glob("*.png")):
        mask = np.asarray(Image.open(path))
        if mask.any():
            dataset = dcmread((exported / "images" / path.name).with_suffix(".dcm"))
            hu = dataset.pixel_array * float(dataset.RescaleSlope)
            hu = hu + float(dataset.RescaleIntercept)
            for level, low, high in ((1, -750, -300), (2, -200, 200)):
                drawn = hu[mask == level]
                assert drawn.size == 0 or low < np.median(drawn) < high
            checked += 1
    assert checked >= 6


def test_training_reads_the_set(exported: Path) -> None:
    """What `firstread models train --new-cases` reads first takes it as it is, patients known."""
    cases = read_site_cases(exported)
    assert cases.named
    assert cases.masked
    assert len({one.case for one in cases.slices}) == 8
    assert all(one.picture().true_hu for one in cases.slices[:5])


def test_a_patient_has_the_same_name_in_every_export_of_a_site(
    site: JudgedSite, exported: Path, tmp_path: Path
) -> None:
    """Cases stay on their side of the split; another site's key gives other names."""
    found = _export(site, tmp_path / "again", "--agreements")
    assert found["cases_ready"] == 8
    assert set(_labels(tmp_path / "again")) == set(_labels(exported))
    key = site.folder / KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600
    kept = key.read_bytes()
    try:
        key.write_bytes(b"k" * 32)
        _export(site, tmp_path / "other", "--agreements")
    finally:
        key.write_bytes(kept)
    assert not set(_labels(tmp_path / "other")) & set(_labels(exported))


def test_without_agreements_only_what_was_wrong_leaves(site: JudgedSite, tmp_path: Path) -> None:
    """The default; and the event that is left names no study."""
    found = _export(site, tmp_path / "cases")
    assert (found["cases_ready"], found["cases_to_draw"]) == (2, 2)
    with query(site.room.engine) as session:
        event = session.scalars(
            select(Event).where(Event.name == "feedback_exported").order_by(Event.id.desc())
        ).first()
    assert event is not None
    assert (event.study_id, event.facts) == (None, {"studies": 4})


def test_images_that_are_gone_are_told(site: JudgedSite, tmp_path: Path) -> None:
    """The others are exported; nothing of the study is left behind."""
    folder = site.room.settings.spool_folder / site.uids[1]
    moved = folder.rename(tmp_path / "moved")
    try:
        found = _export(site, tmp_path / "cases")
    finally:
        moved.rename(folder)
    assert found["left_out"] == {"the images are not kept any more": 1}
    assert found["cases_ready"] == 1


def test_a_folder_with_something_in_it_is_refused(site: JudgedSite, tmp_path: Path) -> None:
    """Nothing is mixed with what lies there."""
    (tmp_path / "notes.txt").write_text("mine")
    environment = {"FIRSTREAD_DATA_FOLDER": str(site.folder)}
    done = CliRunner().invoke(app, ["feedback", "export", str(tmp_path)], env=environment)
    assert done.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_administrator_downloads_the_same(site: JudgedSite) -> None:
    """The button on the page gives a zip of what the command line writes."""
    visitor = Visitor(create_app(site.room.settings, site.room.engine))
    answer = visitor.post("/feedback/export", form={"agreements": "true"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    with ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        assert "cases/labels.csv" in names
        assert sum(name.endswith(".dcm") for name in names) > 40
        assert not [name for name in names if ".." in name or name.startswith("/")]


def test_what_cannot_be_downloaded_is_told(site: JudgedSite, tmp_path: Path) -> None:
    """Nothing to export, or refused by the command line: a page that says so, and no file."""
    empty = open_hospital(tmp_path)
    visitor = Visitor(create_app(read_settings(data_folder=tmp_path), empty.engine))
    assert "nothing to export" in visitor.post("/feedback/export", form={}).text
    uid, claim = empty.claimed()
    result = empty.answer(claim, Urgency.URGENT)
    with transaction(empty.engine) as session:
        give_feedback(session, result, disagree(Fault.MISSED), reader="reader", now=empty.now)
    refused = visitor.post("/feedback/export", form={})  # no migration has been here
    assert refused.status_code == 409
    assert "firstread feedback export ./cases" in refused.text
    assert uid not in refused.text
