"""`firstread results resend`."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from database.session import open_engine, query, transaction
from database.states import DeliveryState
from database.tables.study.analysis import Delivery
from firstread.__main__ import app
from settings.environment import read_settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import claim, finish, queue_job


def test_one_command_sends_everything_that_a_destination_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was given up and what was refused wait again; that of another destination does not."""
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(tmp_path))
    engine = open_engine(read_settings().database_address)
    make_tables(engine)
    for study, state in ((1, DeliveryState.FAILED), (2, DeliveryState.REFUSED)):
        queue_job(engine, study=study)
        finish(engine, claim(engine), destinations=["pacs", "archive"])
        with transaction(engine) as session:
            waiting = Delivery.state == DeliveryState.WAITING
            session.execute(update(Delivery).where(waiting).values(state=state))
    done = CliRunner().invoke(app, ["results", "resend", "pacs"])
    assert done.exit_code == 0, done.output
    assert "2 deliveries to pacs wait again" in done.output
    with query(engine) as session:
        states = {
            name: {
                one.value
                for one in session.scalars(
                    select(Delivery.state).where(Delivery.destination == name)
                )
            }
            for name in ("pacs", "archive")
        }
    assert states == {"pacs": {"waiting"}, "archive": {"failed", "refused"}}
    wrong = CliRunner().invoke(app, ["results", "resend", "PACS"])
    assert wrong.exit_code == 1
    assert "archive, pacs" in wrong.output
