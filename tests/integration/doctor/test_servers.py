"""The doctor at hospital size: a real PostgreSQL and a real Redis, with their clocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from database.doctor.runs import begin_run
from database.process_signs import record_sign
from database.session import transaction
from firstread.checks.check import Health
from firstread.doctor.checks.broker import look_at_broker
from firstread.doctor.checks.clocks import look_at_clocks
from firstread.doctor.checks.database import look_at_database
from firstread.doctor.checks.parts import look_at_parts
from firstread.doctor.examined_site import ExaminedSite
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables

pytestmark = pytest.mark.integration


@pytest.fixture
def site(
    tmp_path: Path, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ExaminedSite]:
    """Give a site of the hospital size whose servers are well."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(
        data_folder=tmp_path,
        database_url=SecretStr(postgres_url),
        broker_url=SecretStr(redis_url),
    )
    site = ExaminedSite(settings)
    make_tables(site.engine)
    with transaction(site.engine) as session:
        run = begin_run(session, datetime.now(UTC), asked_by="chief", machine="ct-ai")
    assert run is not None
    running = replace(site, run_id=run.run_id)
    yield running
    running.engine.dispose()
    site.engine.dispose()


def test_both_answer_and_are_compared(site: ExaminedSite) -> None:
    """Each is asked for its clock; ours being a minute late is named for both, and stops work."""
    assert {one.health for one in look_at_database(site)} == {Health.FINE}
    assert [str(one.said)[:20] for one in look_at_broker(site)] == ["Redis answers within"]
    lines = list(look_at_clocks(site))
    assert {(one.of, one.health) for one in lines} == {
        ("database", Health.FINE), ("redis", Health.FINE),
    }  # fmt: skip
    late = replace(site, clock=lambda: datetime.now(UTC) - timedelta(minutes=1))
    apart = list(look_at_clocks(late))
    late.engine.dispose()
    assert [one.health for one in apart] == [Health.BROKEN, Health.BROKEN]
    assert all(re.search(r"(59|6[0-9])\.[0-9] s ahead of ours", str(one.said)) for one in apart)


def test_what_may_run_twice(site: ExaminedSite) -> None:
    """A second beat is no fault where sweeps wait for none; a second node is one. 0.1 s."""
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        for part in ("beat", "node"):
            for machine in ("a", "b"):
                record_sign(session, f"{machine}:{part}", part, started_at=now, now=now)
    looking = replace(site, sign_s=0.0, clock=lambda: now)
    lines = list(look_at_parts(looking))
    looking.engine.dispose()
    assert [one.of for one in lines if one.name == "parts.twice"] == ["node"]


def test_a_wrong_password(site: ExaminedSite, redis_url: str) -> None:
    """Redis runs and does not let us in: that is said, and no password with it."""
    there = redis_url.partition("://")[2].rpartition("@")[2]
    wrong = site.settings.model_copy(
        update={"broker_url": SecretStr(f"redis://:not-the-one@{there}")}
    )
    with redis.Redis.from_url(redis_url, single_connection_client=True) as client:
        client.config_set("requirepass", "the-one")
        try:
            (line,) = look_at_broker(replace(site, settings=wrong))
        finally:
            client.config_set("requirepass", "")
    assert line.health is Health.BROKEN
    assert "is the password of broker_url right?" in str(line.said)
    assert "not-the-one" not in f"{line.said} {line.cure}"
