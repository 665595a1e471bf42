"""Audit messages on their way to rsyslog, by TLS and with both sides' certificates.

What arrives is parsed by rsyslog, and its XML by lxml with the schema of PS3.15 A.5.1
(`audit_message.rng`, written for these tests from the standard).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from database.accounts.audit import AUDIT_EVENTS, Actor, StudyReference, record_audit
from database.audit.sending import events_to_send, follow_repository, sending_facts
from database.audit.verify import Kept, verify_chain
from database.retention.old_rows import delete_old_audit
from database.session import Engine, query, transaction
from settings.audit import Audit, AuditRepository
from settings.environment import Settings
from settings.tls import ClientTls
from tests.builders.dicom.issuer import Issued, Issuer
from tests.integration.queue.audit.schema import read_message
from tests.peers.ports import free_port
from tests.peers.rsyslog import Repository, running_rsyslog
from tests.peers.stalling_proxy import StallingProxy
from tests.peers.waiting import wait_until
from worker.audit.send_audit import send_audit_one
from worker.equipment import Equipment

pytestmark = pytest.mark.integration

_ONE_DATABASE = pytest.mark.parametrize("empty_engine", ["sqlite"], indirect=True)

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Issued | Path]:
    """Certificates of the hospital: of the repository, and of ours."""
    issuer = Issuer.new(tmp_path_factory.mktemp("hospital"))
    return {
        "issuer": issuer.file,
        "repository": issuer.issue("audit.hospital", "127.0.0.1"),
        "firstread": issuer.issue("firstread.hospital", "firstread.hospital"),
        "other_name": issuer.issue("other.hospital", "other.hospital"),
        "other_issuer": _another_issuer(tmp_path_factory.mktemp("elsewhere")).issue(
            "firstread.hospital", "firstread.hospital"
        ),
    }


class Site:
    """A Firstread with a repository, as a worker of the deliveries sees it."""

    def __init__(self, engine: Engine, certificates: dict[str, Issued | Path], port: int) -> None:
        self.engine, self.certificates, self.port = engine, certificates, port
        self.now = NOW
        self.who = "firstread"

    @property
    def equipment(self) -> Equipment:
        """With the settings as they are now."""
        ours, issuer = self.certificates[self.who], self.certificates["issuer"]
        assert isinstance(ours, Issued)
        assert isinstance(issuer, Path)
        tls = ClientTls(ca_file=issuer, certificate_file=ours.certificate, key_file=ours.key)
        repository = AuditRepository(host="127.0.0.1", port=self.port, tls=tls, timeout_s=10)
        settings = Settings(
            database_url=SecretStr(self.engine.url.render_as_string(hide_password=False)),
            audit=Audit(source="FIRSTREAD-1", site="north", repository=repository),
        )
        return Equipment(settings, self.engine, "worker", lambda: self.now, jitter=lambda: 0.0)

    def record(self, *names: str) -> None:
        """An event of each name, about a study; their number is told by a fact."""
        for name in names:
            with transaction(self.engine) as session:
                record_audit(
                    session,
                    name,
                    self.now,
                    Actor("wu", "reader,administrator", "10.0.0.7"),
                    study=StudyReference("1.2.840.99.7", "P-4711"),
                    route="/studies/{study_instance_uid}",
                    reason="Ünicode & <markup> \x01",
                    instances=3,
                )

    def send(self) -> None:
        """Do what a worker does when it is woken."""
        equipment = self.equipment
        while send_audit_one(equipment):
            pass

    def waiting(self) -> int:
        """How many events the repository does not have, by our rows."""
        with query(self.engine) as session:
            facts = sending_facts(session, self.now)
            assert facts is not None
            assert (facts.oldest is None) is (facts.waiting == 0)
            return facts.waiting


@pytest.fixture
def site(engine: Engine, certificates: dict[str, Issued | Path]) -> Site:
    """A site whose repository does not run yet."""
    with transaction(engine) as session:
        follow_repository(session, wanted=True, now=NOW)
    return Site(engine, certificates, free_port())


@pytest.fixture
def start(
    site: Site, certificates: dict[str, Issued | Path], tmp_path: Path
) -> Callable[[], Iterator[Repository]]:
    """Give a function that starts the repository of the site, again and again."""

    def running() -> Iterator[Repository]:
        ours, issuer = certificates["repository"], certificates["issuer"]
        assert isinstance(ours, Issued)
        assert isinstance(issuer, Path)
        return running_rsyslog(
            tmp_path / "repository",
            port=site.port,
            ours=ours,
            issuer=issuer,
            permitted="firstread.hospital",
        )

    return running


def _numbers(repository: Repository) -> list[int]:
    """The numbers of the events that have come, as the XML has them."""
    return [_number(one["msg"]) for one in repository.messages()]


def _number(content: str) -> int:
    message = read_message(_without_mark(content))
    (place,) = message.xpath(
        "ParticipantObjectIdentification"
        "[ParticipantObjectIDTypeCode/@csd-code='AUDIT_EVENT']/@ParticipantObjectID"
    )
    return int(place)


def _without_mark(content: str) -> bytes:
    return content.strip().removeprefix("\ufeff").encode()


def _arrived(repository: Repository, count: int) -> list[int]:
    return wait_until(
        lambda: _numbers(repository) if len(repository.messages()) >= count else [],
        what=f"{count} messages at the repository",
    )


@_ONE_DATABASE
def test_every_kind_of_event_arrives_as_the_standard_has_it(
    site: Site, start: Callable[[], Iterator[Repository]]
) -> None:
    """In order, framed and headed by RFC 5424 and 5425, with XML that fits the schema."""
    site.record(*AUDIT_EVENTS)
    with start() as repository:
        site.send()
        assert _arrived(repository, len(AUDIT_EVENTS)) == list(range(1, len(AUDIT_EVENTS) + 1))
        messages = repository.messages()
    assert site.waiting() == 0
    for number, (name, one) in enumerate(zip(AUDIT_EVENTS, messages, strict=True), start=1):
        assert one["pri"] == "85"  # facility 10, severity 5
        assert (one["app-name"], one["msgid"], one["procid"]) == ("firstread", "DICOM+RFC3881", "-")
        assert one["structured-data"] == f'[meta sequenceId="{number}"]'
        assert datetime.fromisoformat(one["timestamp"]) == NOW
        message = read_message(_without_mark(one["msg"]))
        code = AUDIT_EVENTS[name]
        assert message.xpath("string(EventIdentification/EventID/@csd-code)") == code.event_id[0]
        assert message.xpath("string(EventIdentification/@EventActionCode)") == code.action
        assert len(message.xpath("ActiveParticipant[@UserIsRequestor='true']")) == 1
        assert message.xpath("string(//@AuditSourceID)") == "FIRSTREAD-1"
        (study,) = message.xpath(
            "ParticipantObjectIdentification[ParticipantObjectIDTypeCode/@csd-code='110180']"
        )
        assert study.get("ParticipantObjectID") == "1.2.840.99.7"
        assert "P-4711" in one["msg"]
        (said,) = message.xpath("//ParticipantObjectDetail[@type='reason']/@value")
        assert base64.b64decode(said).decode() == "Ünicode & <markup> \x01"


@_ONE_DATABASE
def test_a_head_at_the_repository_proves_the_chain(
    site: Site, start: Callable[[], Iterator[Repository]]
) -> None:
    """Number and hash in a message are those of the event, and show a chain that was made anew."""
    site.record("study_opened", "signed_out")
    with start() as repository:
        site.send()
        _arrived(repository, 2)
        message = read_message(_without_mark(repository.messages()[-1]["msg"]))
    (sha256,) = message.xpath("//ParticipantObjectDetail[@type='sha256']/@value")
    kept = Kept(2, base64.b64decode(sha256).decode())
    with query(site.engine) as session:
        assert list(verify_chain(session, kept)[1]) == []
        other = Kept(2, "0" * 64)
        assert [one.fault for one in verify_chain(session, other)[1]] == ["kept_head"]


def test_what_waits_is_sent_when_the_repository_is_back(
    site: Site, start: Callable[[], Iterator[Repository]]
) -> None:
    """Away at first, killed in between: nothing is lost, and the order stays."""
    site.record("study_opened", "study_opened")
    site.send()
    assert site.waiting() == 2
    with query(site.engine) as session:
        facts = sending_facts(session, site.now)
        assert facts is not None
        assert (facts.error_kind, facts.oldest) == ("PeerUnreachable", NOW)
        assert not events_to_send(session, site.now)  # not at once again
    site.now += timedelta(minutes=10)
    with start() as repository:
        site.send()
        assert _arrived(repository, 2) == [1, 2]
        repository.process.kill()
    site.record("signed_out")
    site.send()
    site.record("signed_in")
    assert site.waiting() == 2
    site.now += timedelta(minutes=10)
    with start() as repository:
        site.send()
        assert _arrived(repository, 4) == [1, 2, 3, 4]
    assert site.waiting() == 0


@_ONE_DATABASE
def test_a_batch_that_breaks_off_comes_again(
    site: Site, start: Callable[[], Iterator[Repository]]
) -> None:
    """A network that stops in the middle: what is not known to be there is sent once more."""
    site.record(*["study_opened"] * 30)
    with start() as repository:
        real = site.port
        proxy = StallingProxy(real, after_bytes=20_000)
        try:
            site.port = proxy.port
            site.send()
            assert proxy.stalled.is_set()
            assert site.waiting() == 30
        finally:
            proxy.close()
        site.port = real
        site.now += timedelta(minutes=10)
        site.send()
        wait_until(lambda: 30 in _numbers(repository), what="the last message")
        numbers = _numbers(repository)
    assert set(numbers) == set(range(1, 31))
    assert numbers[-30:] == list(range(1, 31))  # whole and in order, whatever came before
    assert site.waiting() == 0


@_ONE_DATABASE
def test_nothing_goes_to_a_repository_that_is_not_trusted_or_does_not_trust_us(
    site: Site, start: Callable[[], Iterator[Repository]], tmp_path: Path
) -> None:
    """Both sides' certificates are looked at, and what is refused waits."""
    site.record("study_opened")
    site.who = "other_issuer"
    with start() as repository:
        site.send()
        assert site.waiting() == 1
        assert repository.messages() == []
    site.who = "firstread"
    site.now += timedelta(minutes=10)
    real = site.certificates["repository"]
    site.certificates = {**site.certificates, "issuer": _another_issuer(tmp_path).file}
    assert isinstance(real, Issued)
    with start():
        site.send()
    assert site.waiting() == 1
    with query(site.engine) as session:
        facts = sending_facts(session, site.now)
        assert facts is not None
        assert "cannot be trusted" in facts.error_message


@_ONE_DATABASE
def test_what_is_dropped_for_its_name_is_not_taken_for_sent(
    site: Site, start: Callable[[], Iterator[Repository]]
) -> None:
    """Our rows say what the repository wrote.

    rsyslog looks at the name after our handshake, reads what has come by then, and drops it.
    Version 8.2302 takes some of these messages all the same.
    """
    site.who = "other_name"
    with start() as repository:
        for number in range(1, 6):
            site.record("study_opened")
            site.now += timedelta(minutes=10)
            site.send()
            if site.waiting() == 0:
                _arrived(repository, number)
            else:
                assert len(repository.messages()) < number
            site.who = "firstread"
            site.now += timedelta(minutes=10)
            site.send()
            assert _arrived(repository, number) == list(range(1, number + 1))
            site.who = "other_name"
    assert site.waiting() == 0


def _another_issuer(folder: Path) -> Issuer:
    return Issuer.new(folder / "another", "Another")


@_ONE_DATABASE
def test_what_is_not_sent_does_not_go_by_its_age(site: Site) -> None:
    """Retention waits for the repository."""
    site.record("study_opened", "study_opened")
    later = NOW + timedelta(days=100)
    with transaction(site.engine) as session:
        assert delete_old_audit(session, later, later, keep_unsent=True) == 0
    with transaction(site.engine) as session:
        assert delete_old_audit(session, later, later, keep_unsent=False) == 2


@_ONE_DATABASE
def test_a_repository_that_is_named_no_more_is_forgotten(site: Site) -> None:
    """And one that is named again gets everything that is kept."""
    site.record("study_opened")
    with transaction(site.engine) as session:
        follow_repository(session, wanted=False, now=NOW)
    with query(site.engine) as session:
        assert sending_facts(session, NOW) is None
        assert not events_to_send(session, NOW)
    with transaction(site.engine) as session:
        follow_repository(session, wanted=True, now=NOW)
    assert site.waiting() == 1
