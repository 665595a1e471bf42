"""The listener as a part of `firstread serve`, and the commands, as programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hl7
import pytest
from hl7.client import MLLPClient

from database.session import open_engine
from settings.environment import Settings
from settings.hl7 import Hl7Listener
from settings.served_process import ServedProcess, needed_parts
from tests.builders.hl7_messages import order
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import claim, finish, queue_job
from tests.peers.hl7_listener import Behaviour, hl7_listener
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.unit.hl7_node.running_listener import code

pytestmark = pytest.mark.integration


def environment(folder: Path, toml: str) -> dict[str, str]:
    """Settings in a file, as an installation has them."""
    file = folder / "firstread.toml"
    file.write_text(f'data_folder = "{folder}"\n{toml}')
    return {**os.environ, "FIRSTREAD_SETTINGS_FILE": str(file)}


def firstread(folder: Path, toml: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "firstread", *arguments],
        env=environment(folder, toml),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_listener_is_a_part_of_its_own(tmp_path: Path) -> None:
    """`serve --only hl7` takes a message, and ends cleanly when it is told to."""
    port = free_port()
    make_tables(open_engine(f"sqlite:///{tmp_path / 'firstread.sqlite'}"))
    toml = f'[hl7_listener]\nhost = "127.0.0.1"\nport = {port}\nsenders = ["127.0.0.1"]\n'
    with ServerProcess(
        "hl7",
        [sys.executable, "-m", "firstread", "serve", "--only", "hl7"],
        folder=tmp_path,
        environment=environment(tmp_path, toml),
    ) as process:
        process.wait_until_ready(lambda: answers(port))
        with MLLPClient("127.0.0.1", port) as client:
            answer = client.send_message(order()).strip(b"\x0b\x1c\r")
            assert code(hl7.parse(answer, encoding="utf-8")) == "AA"
            assert process.stop() == 0
        assert "Muster" not in process.log()


def test_the_part_is_only_started_where_it_is_set_up() -> None:
    """Without `hl7_listener` nobody listens."""
    listener = Hl7Listener(port=2575, senders=("10.0.0.0/8",))
    assert ServedProcess.HL7 in needed_parts(Settings(hl7_listener=listener))
    assert ServedProcess.HL7 not in needed_parts(Settings())


def test_a_test_message_shows_whether_the_receiver_answers(tmp_path: Path) -> None:
    """Its answer is printed; a refusal is an error. MSH-11 says that it is a test."""
    with hl7_listener(Behaviour.ACCEPT, Behaviour.REJECT) as received:
        toml = (
            f'[[flags]]\nname = "ris"\nkind = "hl7"\nhost = "127.0.0.1"\nport = {received.port}\n'
        )
        taken = firstread(tmp_path, toml, "hl7", "send-test", "ris")
        refused = firstread(tmp_path, toml, "hl7", "send-test", "ris")
        unknown = firstread(tmp_path, toml, "hl7", "send-test", "other")
    assert (taken.returncode, refused.returncode, unknown.returncode) == (0, 2, 2), taken.stderr
    assert "answered AA" in taken.stdout
    assert "PeerRefused" in refused.stderr
    assert str(received.messages[0].segment("MSH")(11)) == "T"


def test_a_channel_that_is_tried_out_hears_that_it_is_a_test(tmp_path: Path) -> None:
    """`flags test`: MSH-11 is T and the finding says TEST, in the notice and in its withdrawal."""
    with hl7_listener() as received:
        toml = (
            f'[[flags]]\nname = "ris"\nkind = "hl7"\nhost = "127.0.0.1"\nport = {received.port}\n'
        )
        tried = firstread(tmp_path, toml, "flags", "test", "ris")
    assert tried.returncode == 0, tried.stderr
    assert len(received.messages) == 2
    for message in received.messages:
        assert str(message.segment("MSH")(11)) == "T"
        assert str(message.segments("OBX")[1](5)).startswith("TEST")
        assert "suspected" not in str(message)


def test_the_message_for_a_study_can_be_looked_at(tmp_path: Path) -> None:
    """`hl7 show` prints it; a study that is not there is an error."""
    engine = open_engine(f"sqlite:///{tmp_path / 'firstread.sqlite'}")
    make_tables(engine)
    queue_job(engine, study=1)
    finish(engine, claim(engine), [])
    engine.dispose()
    shown = firstread(tmp_path, "", "hl7", "show", "2.25.1")
    missing = firstread(tmp_path, "", "hl7", "show", "2.25.2")
    assert shown.returncode == 0, shown.stderr
    message = hl7.parse(shown.stdout.replace("\n", "\r"))
    assert str(message.segment("OBX")(5)) == "2.25.1"
    assert missing.returncode == 2
