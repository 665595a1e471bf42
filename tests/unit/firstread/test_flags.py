"""`firstread flags`: listing, acknowledging, telling again, trying a channel out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from database.flag_states import FlagState, NoticeState
from database.flags.notices import end_notice
from database.session import open_engine, transaction
from firstread.__main__ import app
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.flags import FlaggedStudy, claim_for, rules, webhook
from tests.builders.stored.rows import later
from tests.peers.flag_receivers import answers_with, running_web_receiver


@pytest.fixture
def flagged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaggedStudy:
    """An urgent study whose only channel has refused it, in the data folder of the command."""
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    engine = open_engine(Settings(data_folder=tmp_path).database_address)
    make_tables(engine)
    study = FlaggedStudy(engine, rules(webhook()))
    study.result(Urgency.URGENT, 1)
    notice = claim_for(engine, "pager", later(2))
    with transaction(engine) as session:
        end_notice(
            session,
            notice,
            NoticeState.REFUSED,
            later(3),
            error_kind="PeerRefused",
            error_message="no",
        )
    return study


def run(*arguments: str) -> tuple[int, str]:
    """Run the command; gives its exit code and what it printed."""
    result = CliRunner().invoke(app, ["flags", *arguments])
    return result.exit_code, result.output


def test_what_is_open_is_listed_until_somebody_has_seen_it(flagged: FlaggedStudy) -> None:
    """The list names flag and channel; an acknowledged flag is listed on request only."""
    uid = flagged.flag().flag_uid
    code, text = run("list")
    assert code == 0
    assert uid in text
    assert "pager: raised refused" in text
    assert run("acknowledge", uid, "--by", "dr")[0] == 0
    assert run("acknowledge", uid)[0] == 1
    assert flagged.flag().state is FlagState.ACKNOWLEDGED
    code, text = run("list")
    assert code == 0
    assert text.strip() == "No open flag; --all shows the others."
    assert "dr (command line)" in run("list", "--all")[1]


def test_a_refused_notice_is_tried_again(flagged: FlaggedStudy) -> None:
    """Once it waits there is nothing more to do."""
    uid = flagged.flag().flag_uid
    assert run("retry", uid, "--channel", "another")[0] == 1
    assert run("retry", uid)[0] == 0
    assert run("retry", uid)[0] == 1
    assert flagged.notices()[0][1] is NoticeState.WAITING


def test_a_channel_is_tried_out(flagged: FlaggedStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up notice and its withdrawal go out; what goes wrong is said."""
    with running_web_receiver(answers_with(200), answers_with(204), answers_with(404)) as receiver:
        channel = webhook(port=receiver.port).model_dump(mode="json")
        monkeypatch.setenv("FIRSTREAD_FLAGS", json.dumps([channel]))
        code, text = run("test", "pager")
        assert code == 0
        assert "raised: 200" in text
        assert "withdrawn: 204" in text
        assert receiver.received[0].said["data"]["patient_id"] == "FIRSTREAD-TEST"
        code, text = run("test", "pager")
        assert code != 0
        assert "no such address" in text
    code, text = run("test", "nobody")
    assert code != 0
    assert "pager" in text
