"""`firstread forget` that died somewhere: called again, it goes on and says the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query
from database.tables.operation.retention import FileRemoval, Forgetting
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Study
from database.tables.study.hl7 import ImagingOrder
from tests.builders.marked_patient import ACCESSION, PATIENT_ID
from tests.builders.stored.kept_studies import KeptRows, KeptSite, write
from tests.integration.queue.retention.forget_command import forget, marks, of_two_issuers
from tests.integration.queue.retention.killed import is_killed_at, require_agreement
from worklist.administration.problems import find_problems


def _die_after_the_rows(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    import worker.forget.forget as forgetting

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "remove_marked", die)
        assert forget(*words).exit_code == 130


def test_called_again_it_goes_on(
    site: KeptSite, marked: KeptRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that died after the rows: the files, the database and the proof follow.

    What others hold is said then, although the rows that told of it are gone.
    """
    _die_after_the_rows(monkeypatch, PATIENT_ID, "--yes")
    with query(site.engine) as session:
        assert session.scalars(select(Study.id)).all() != [marked.study_id]
        assert len(session.scalars(select(FileRemoval.id)).all()) > 0
        assert session.scalars(select(Forgetting.asked)).all() == [f"patient:{PATIENT_ID}"]
        names = [one.name for one in find_problems(session, site.settings, datetime.now(UTC))]
        assert "forgetting_unfinished" in names
    said = forget(PATIENT_ID, "--yes", "--thorough")
    assert said.exit_code == 0, said.output
    assert f"Held by pacs: SR {marked.uid}.7" in said.stdout
    assert marks(site, tmp_path) == set()


def test_killed_again_and_again_it_comes_to_its_end(
    site: KeptSite, marked: KeptRows, tmp_path: Path
) -> None:
    """Each call is killed one moment later than the one before: at commits, around removals.

    In between, every file has a row or a mark, and every row its file. In the end all is proved,
    what others hold is said once, and the audit has one event of it.
    """

    def call() -> None:
        # By its kind: the last call may come when nothing here goes by the name any more.
        assert forget(f"patient:{PATIENT_ID}", "--yes", "--thorough").exit_code == 0

    for moment in range(1, 60):
        if not is_killed_at(moment, call):
            break
        require_agreement(site)
    else:
        pytest.fail("it has no end")
    assert moment > 8, "it was not killed often enough to show anything"
    assert marks(site, tmp_path) == set()
    with query(site.engine) as session:
        assert session.scalars(select(Forgetting.id)).all() == []
        names = session.scalars(select(AuditEvent.name).order_by(AuditEvent.id)).all()
    assert names[0] == "study_opened"
    assert "record_forgotten" in names


def test_what_was_left_is_looked_for_again(site: KeptSite, marked: KeptRows) -> None:
    """A file stood in the way of the proof: when it is gone, the same command ends it."""
    note = write(site.settings.data_folder / "notes" / "today.txt", f"see {marked.uid}".encode())
    said = forget(marked.uid, "--yes")
    assert said.exit_code == 1
    assert "Left: notes/today.txt" in said.stdout
    note.unlink()
    again = forget(marked.uid, "--yes")
    assert again.exit_code == 0, again.output
    assert f"Held by pacs: SR {marked.uid}.7" in again.stdout
    with query(site.engine) as session:
        assert session.scalars(select(Forgetting.id)).all() == []


def test_a_name_of_which_nothing_is_left_is_searched_for(site: KeptSite, marked: KeptRows) -> None:
    """Whoever asks for it by its kind is not told that it is gone without a look."""
    write(site.settings.data_folder / "notes" / "today.txt", b"see 2.25.4711.0815")
    for kind in ("study", "accession"):
        said = forget(f"{kind}:2.25.4711.0815", "--yes")
        assert said.exit_code == 1
        assert "Left: notes/today.txt" in said.stdout


def test_an_order_goes_too_when_it_is_called_again(
    site: KeptSite, marked: KeptRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its accession number: whose order it was, the rows of the study had said."""
    _die_after_the_rows(monkeypatch, f"accession:{ACCESSION}", "--yes")
    said = forget(f"accession:{ACCESSION}", "--yes", "--json")
    with query(site.engine) as session:
        assert session.scalars(select(ImagingOrder.id)).all() == []
    assert json.loads(said.stdout.splitlines()[-1])["forgotten"]["rows_left"] == []


def test_the_other_of_two_with_the_same_patient_id_is_not_taken_for_the_first(
    site: KeptSite, marked: KeptRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the other issuer's patient is left: the call goes on all the same, and leaves them."""
    other = site.study(patient_id="TWICE-4711")
    of_two_issuers(site, marked, other, "TWICE-4711")
    words = ("patient:TWICE-4711", "--yes")
    _die_after_the_rows(monkeypatch, *words, "--issuer", "NORTH")
    for mistaken in ((), ("--issuer", "SOUTH")):
        said = forget(*words, *mistaken)
        assert said.exit_code == 2
        assert "call it again as before" in said.stderr
    forget(*words, "--issuer", "NORTH")
    with query(site.engine) as session:
        assert session.scalars(select(Forgetting.id)).all() == []
        left = session.scalars(select(Study.id).where(Study.patient_id == "TWICE-4711")).all()
    assert left == [other.study_id]
    assert all(path.exists() for path in other.originals)
