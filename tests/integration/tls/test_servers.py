"""Database and broker by TLS, as between several hosts: checked, or not used at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from pydantic import SecretStr
from sqlalchemy import text

from database.session import open_engine, query
from radiology.errors import DatabaseUnavailable
from settings.environment import Settings
from settings.tls import ClientTls
from tests.integration.tls.hospital import Hospital
from tests.peers.postgres import PostgresServer, start_postgres
from tests.peers.redis import RedisServer, start_redis_with_tls
from worker.celery_app import ANALYSIS, make_app, wake_up_waits

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def postgres(hospital: Hospital) -> Iterator[PostgresServer]:
    """A server whose certificate is for 127.0.0.1."""
    theirs = hospital["pacs"]
    server = start_postgres(certificate=theirs.certificate, key=theirs.key)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def redis_by_tls(
    hospital: Hospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisServer]:
    """A server that asks who calls."""
    theirs = hospital["pacs"]
    server = start_redis_with_tls(
        tmp_path_factory.mktemp("redis"),
        certificate=theirs.certificate,
        key=theirs.key,
        ca_file=hospital.issuer.file,
    )
    yield server
    server.stop()


def test_the_database_is_encrypted_and_checked(
    postgres: PostgresServer, hospital: Hospital
) -> None:
    """By the right issuer and for the host; with another issuer, or another name, not at all."""
    url = postgres.new_database()

    def encrypted(address: str, ca_file: Path) -> bool:
        tls = ClientTls(ca_file=ca_file)
        settings = Settings(database_url=SecretStr(address), database_tls=tls)
        engine = open_engine(settings.database_address)
        try:
            with query(engine) as session:
                asked = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                return bool(session.execute(asked).scalar_one())
        finally:
            engine.dispose()

    assert encrypted(url, hospital.issuer.file)
    with pytest.raises(DatabaseUnavailable):
        encrypted(url, hospital.strange_issuer.file)
    with pytest.raises(DatabaseUnavailable):  # the certificate is not for this name
        encrypted(url.replace("127.0.0.1", "localhost"), hospital.issuer.file)


def app_settings(redis: RedisServer, folder: Path, tls: ClientTls | None) -> Settings:
    """A site whose broker is at the other end of a network."""
    url = SecretStr(f"rediss://{redis.host}:{redis.port}/0")
    return Settings(data_folder=folder, broker_url=url, broker_tls=tls)


def test_the_broker_is_encrypted_and_checked(
    redis_by_tls: RedisServer, hospital: Hospital, tmp_path: Path
) -> None:
    """A wake-up goes through with our certificate."""
    ours = hospital["firstread"]
    files: dict[str, Any] = {"certificate_file": ours.certificate, "key_file": ours.key}
    tls = ClientTls(ca_file=hospital.issuer.file, **files)
    app = make_app(app_settings(redis_by_tls, tmp_path, tls))
    app.send_task("worker.tasks.analyse_next")
    assert wake_up_waits(app, ANALYSIS)


@pytest.mark.parametrize("ca", ["of nobody", "of another issuer"])
def test_a_broker_that_anybody_could_be(
    redis_by_tls: RedisServer, hospital: Hospital, tmp_path: Path, ca: str
) -> None:
    """rediss:// alone was no check: kombu takes any certificate unless it is told otherwise."""
    ours = hospital["firstread"]
    tls = ClientTls(
        ca_file=None if ca == "of nobody" else hospital.strange_issuer.file,
        certificate_file=ours.certificate,
        key_file=ours.key,
    )
    app = make_app(app_settings(redis_by_tls, tmp_path, tls))
    with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        wake_up_waits(app, ANALYSIS)
