"""The administrator's page: what waits, who works, whom we talk to, what is in force; no secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, SecretStr

from database.jobs.requeue import waiting_jobs
from database.process_signs import forget_silent, process_signs, record_sign
from database.session import Session, query, transaction
from database.studies.instances import open_association
from database.views.administration_rows import count_disk_use, disk_use_is_due
from models.catalogue import versions_on_disk
from radiology.identity import AETitle
from settings.environment import Settings
from settings.flags import MailChannel, WebhookChannel
from settings.peers import Peer, PeerRole
from settings.uploads import UploadLimits
from tests.unit.worklist.access.visitor import Visitor, readable, rows_of
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.administration.settings_lines import NOT_SET, SET, settings_lines
from worklist.app import create_app
from worklist.page.screens import make_part
from worklist.page.templates import make_templates


def _part(html: str, key: str) -> str:
    """What a person reads in one part of the page."""
    start = html.index(f'data-part="{key}"')
    return readable(html[start - 20 : html.index("</section>", start)])


def _page(visitor: Visitor, key: str) -> str:
    answer = visitor.get("/administration")
    assert answer.status_code == 200, answer.text
    return _part(answer.text, key)


def test_queues_say_what_waits(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Each queue with its depth, what is in hand, and since when the oldest waits."""
    text = _page(visitor, "queues")
    for name in ("analysis", "delivery", "retrieval", "uploads"):
        assert name in text
    assert "analysis 1 1" in text.replace("\n", " ")


def test_workers_and_what_they_hold(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, visitor: Visitor
) -> None:
    """A process that gave a sign runs; one that has not for long is silent, then forgotten."""
    long_ago = hospital.now - timedelta(minutes=5)
    with transaction(hospital.engine) as session:
        record_sign(session, "a:1", "analysis", started_at=long_ago, now=hospital.now)
        record_sign(session, "a:2", "delivery", started_at=long_ago, now=long_ago)
    text = _page(visitor, "workers").replace("\n", " ")
    assert "analysis a:1 yes" in text
    assert "delivery a:2 silent; its last sign came" in text
    with transaction(hospital.engine) as session:
        forget_silent(session, long_ago + timedelta(minutes=61))
    with query(hospital.engine) as session:
        assert [one.name for one in process_signs(session)] == ["a:1"]


def test_a_worker_that_was_replaced_is_not_missed(hospital: SeededHospital) -> None:
    """The old one goes with its successor's signs; one without a successor stays as silent."""
    now = hospital.now
    with transaction(hospital.engine) as session:
        for name, part in (("a:1", "analysis"), ("b:1", "analysis"), ("a:9", "delivery")):
            record_sign(session, name, part, started_at=now, now=now)
        began = now + timedelta(seconds=20)
        record_sign(session, "a:2", "analysis", started_at=began, now=began)
    with query(hospital.engine) as session:
        assert len(process_signs(session)) == 4, "it may yet be heard of"
    with transaction(hospital.engine) as session:
        record_sign(session, "a:2", "analysis", started_at=began, now=now + timedelta(seconds=40))
    with query(hospital.engine) as session:
        assert [one.name for one in process_signs(session)] == ["a:2", "b:1", "a:9"]


def test_a_process_that_starts_again_is_another_one(hospital: SeededHospital) -> None:
    """A process id that comes round again does not keep the age of the old one."""
    for minutes in (0, 7):
        with transaction(hospital.engine) as session:
            at = hospital.now + timedelta(minutes=minutes)
            record_sign(session, "a:1", "analysis", started_at=at, now=at)
    with query(hospital.engine) as session:
        (one,) = process_signs(session)
    assert one.started_at == hospital.now + timedelta(minutes=7)


def test_disk_is_counted_now_and_then(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, visitor: Visitor
) -> None:
    """What the folders hold stands on the page; it is counted from rows, every ten minutes."""
    with transaction(hospital.engine) as session:
        assert disk_use_is_due(session, hospital.now)
        count_disk_use(session, hospital.now)
        assert not disk_use_is_due(session, hospital.now + timedelta(minutes=9))
        assert disk_use_is_due(session, hospital.now + timedelta(minutes=10))
    text = _page(visitor, "disk")
    assert "free of" in text
    for folder in ("spool", "results", "quarantine", "uploads"):
        assert folder in text


def test_peers_and_when_they_were_last_here(hospital: SeededHospital, visitor: Visitor) -> None:
    """A peer's last association counts, whoever else calls."""
    assert "never" in _page(visitor, "peers")
    with transaction(hospital.engine) as session:
        open_association(
            session,
            hospital.now,
            calling_ae_title="ORTHANC",
            called_ae_title="FIRSTREAD",
            address="10.1.4.20",
        )
    assert "never" not in _page(visitor, "peers")


def test_c_echo_on_request(hospital: SeededHospital, worklist_settings: Settings) -> None:
    """The button asks the peer; its answer stands on the page with how long it took."""
    nobody = Peer(
        name="nobody",
        ae_title=AETitle("NOBODY"),
        host="127.0.0.1",
        port=1,  # where nothing listens
        roles=frozenset({PeerRole.DESTINATION}),
    )
    settings = worklist_settings.model_copy(update={"peers": (nobody,)})
    clock: Callable[[], datetime] = lambda: hospital.now  # noqa: E731 read anew each time
    visitor = Visitor(create_app(settings, hospital.engine, clock=clock))
    answer = visitor.post("/administration/peers/nobody/echo")
    assert answer.status_code == 303
    text = _page(visitor, "peers")
    assert "Nothing listens at the peer's address" in text
    assert " ms, " in text
    assert visitor.post("/administration/peers/other/echo").status_code == 404


def test_all_failed_jobs_again(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, visitor: Visitor
) -> None:
    """One button sends every failed job back; a second press has nothing to do."""

    def waiting(session: Session) -> int:
        return waiting_jobs(session)

    with query(hospital.engine) as session:
        before = waiting(session)
    assert "Try all failed jobs again" in _page(visitor, "failed")
    assert visitor.post("/administration/jobs/retry").status_code == 303
    with query(hospital.engine) as session:
        assert waiting(session) == before + 1
    assert "No job has failed." in _page(visitor, "failed")
    assert visitor.post("/administration/jobs/retry").status_code == 409


def test_defects_with_their_trace(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """What failed by a fault of ours stands there with the lines to report."""
    text = _page(visitor, "defects")
    assert "jobs" in text
    assert "WorkerLost" in text
    assert "secret-of-the-trace" in text


def test_version_and_bundle(
    ordinary_day: OrdinaryDay, visitor: Visitor, worklist_settings: Settings
) -> None:
    """Which software runs, which bundles there are, and which gave the newest reading."""
    newest = versions_on_disk(worklist_settings.bundles_folder, "chest-ct-pneumonia")[-1]
    bundles = _page(visitor, "bundles").replace("\n", " ")
    assert f"chest-ct-pneumonia yes {newest} Firstread" in bundles
    assert "Nobody vouches" not in bundles
    assert "sha256" in _page(visitor, "version")


def test_a_number_of_studies_leads_to_them(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, visitor: Visitor
) -> None:
    """Beside the word that explains itself; older ones than the list shows by itself are there."""
    hospital.later(20 * 86400)
    page = visitor.get("/administration").text
    address = re.search(r'<a href="([^"]+)" id="studies-refused">1<', page)
    assert address
    listed = rows_of(visitor.get(unescape(address[1])).text)
    assert listed == [ordinary_day.refused]
    assert 'id="studies-committed"' not in page, "nothing is in this state"


def test_a_refusal_is_not_the_newest_reading(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, visitor: Visitor
) -> None:
    """No bundle saw a study that was refused: the reading before it stays the newest."""
    before = _page(visitor, "version")
    hospital.refuse(hospital.claimed()[1], "SliceMissing", "A slice is missing.")
    assert _page(visitor, "version") == before
    assert "Newest reading chest-ct-pneumonia" in before.replace("\n", " ")


def test_another_site_cannot_press(visitor: Visitor) -> None:
    """The buttons are for our own page only."""
    for path in ("/administration/jobs/retry", "/administration/peers/pacs/echo"):
        assert visitor.post(path, {"Origin": "http://x.example"}).status_code == 403


def test_settings_in_force(visitor: Visitor) -> None:
    """Every setting stands there; which secrets are set is told, not what they are."""
    text = _page(visitor, "settings").replace("\n", " ")
    assert "ae_title FIRSTREAD" in text
    assert "peers.pacs.host 10.1.4.20" in text
    assert f"database_url {SET}" in text
    assert "uploads.most_files 5000" in text


_secret = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<>&'\"@/\\?#%:[]{}|^` "),
    min_size=8,
    max_size=30,
).map(lambda text: f"S3{text}")


@given(st.lists(_secret, min_size=8, max_size=8, unique=True))
def test_no_secret_is_on_the_page(secrets: list[str]) -> None:
    """Whatever a secret is and wherever it stands, its text does not occur."""
    database, broker, stow, file_name, user, password, path, asked = secrets
    settings = Settings(
        data_folder=Path("data"),
        database_url=SecretStr(f"postgresql://firstread:{database}@db/firstread"),
        broker_url=SecretStr(f"redis://:{broker}@redis:6379/0"),
        stow_secrets={"archive": SecretStr(stow)},
        peers=(
            Peer(name="archive", ae_title=AETitle("A"), stow_url=AnyHttpUrl("https://pacs/web")),
            Peer(
                name="other",
                ae_title=AETitle("B"),
                stow_url=AnyHttpUrl("https://other/web"),
                stow_secret_file=Path(file_name),
            ),
        ),
        flags=(
            WebhookChannel(
                kind="webhook",
                name="hook",
                url=AnyHttpUrl(f"https://hook.example/{path}?token={asked}"),
                secret_file=Path(file_name),
            ),
            MailChannel(
                kind="mail",
                name="mail",
                host=f"smtp://x:{password}@mail.example",
                sender="a@b.example",
                recipients=("c@d.example",),
                user=user,
                secret_file=Path(file_name),
            ),
        ),
    )
    lines = settings_lines(settings)
    html = make_part(
        make_templates(), "administration/settings.html", "settings", settings=lines
    ).html
    for secret in secrets:
        assert secret not in html
        assert secret not in readable(html)
        assert secret not in repr(lines)
    shown = dict(lines)
    assert shown["stow_secrets.archive"] == SET
    assert shown["peers.other.stow_secret_file"] == SET
    assert shown["peers.archive.stow_secret_file"] == NOT_SET
    assert shown["flags.hook.url"] == "https://hook.example/…"


def test_every_setting_has_a_line() -> None:
    """A setting that is added later cannot be forgotten here."""
    shown = {name.split(".")[0] for name, _ in settings_lines(Settings())}
    assert shown == set(Settings.model_fields)
    nested = {name for name, _ in settings_lines(Settings()) if name.startswith("uploads.")}
    assert len(nested) == len(UploadLimits.model_fields)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql://a:b@c:5432/d", "postgresql://c:5432/…"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("see https://u:p@x.example/y?z=1 there", "see https://x.example/… there"),
    ],
)
def test_an_address_in_a_text_is_masked_too(value: str, shown: str) -> None:
    """A web address in a plain text setting shows only where it leads."""
    assert dict(settings_lines(Settings(dicom_host=value)))["dicom_host"] == shown
