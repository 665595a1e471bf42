"""The conformance statement: the repository has that of the defaults, a site its own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firstread.__main__ import app
from firstread.conformance.statement import as_page, conformance_statement, places
from settings.environment import Settings
from tests.peers.programs import REPOSITORY

SITE = """
ae_title = "CT|AI"
dicom_port = 104
max_associations = 7

[dicom_tls]
certificate_file = "/etc/tls/ours.pem"
key_file = "/etc/tls/ours.key"
ca_file = "/etc/tls/ca.pem"
profile = "modified-bcp-195"
plain_port = 11112

[stow_secrets]
archive = "not-to-be-seen"

[[peers]]
name = "ct-1"
ae_title = "CT1"
host = "10.0.0.11"

[[peers]]
name = "pacs"
ae_title = "PACS"
host = "10.0.0.20"
port = 4242
roles = ["source", "destination", "query", "worklist-client"]
storage_commitment = true
profile = "machine"
segmentation = "labelmap-rle"
encapsulated_pdf = true
[peers.tls]

[[peers]]
name = "archive"
ae_title = "ARCHIVE"
roles = ["destination"]
stow_url = "https://archive.example/dicom-web"

[hl7_listener]
port = 2576
senders = ["10.0.0.0/24"]
"""


@pytest.fixture
def site() -> Settings:
    """One with two scanners of its own, TLS, HL7, and secrets."""
    return Settings.model_validate(tomllib.loads(SITE))


def _section(statement: str, heading: str) -> dict[str, list[str]]:
    """The rows below a heading by their first cell, without the vertical lines."""
    below = statement.split(heading + "\n", 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]
    rows = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in below.splitlines() if "|" in line]
    return {first: rest for first, *rest in rows}


def test_the_page_of_the_repository_is_that_of_the_defaults() -> None:
    """After a change of code or prose: `make conformance`."""
    page = (REPOSITORY / "docs" / "conformance.md").read_text(encoding="utf-8")
    assert page == conformance_statement(Settings(), linked=True)


def test_every_table_has_its_place() -> None:
    """None is made and left out, and no place stays empty."""
    prose = (REPOSITORY / "firstread" / "conformance" / "statement.md").read_text()
    named = re.findall(r"\{\{ (\w+) \}\}", prose)
    assert sorted(named) == sorted(places())
    assert "{{" not in conformance_statement(Settings())


def test_a_site_finds_its_titles_ports_and_peers(site: Settings) -> None:
    statement = conformance_statement(site)
    here = _section(statement, "### This installation")
    assert here["AE title, called and calling"] == [r"`CT\|AI`"]
    assert here["DICOM port"] == ["104, TLS; 11112, in clear"]
    assert here["secure transport profile"] == ["`modified-bcp-195`"]
    assert here["associations at a time"] == ["7"]
    assert here["HL7 port"] == ["2576, in clear"]
    assert here["`ct-1`"] == ["`CT1`", "`10.0.0.11`", "source", "in clear", "–"]
    assert here["`pacs`"][2:4] == ["destination, query, source, worklist-client", "TLS"]
    assert here["`pacs`"][4] == (
        "profile `machine`, segmentation `labelmap-rle`, PDF, storage commitment"
    )
    assert here["`archive`"][1] == "`https://archive.example/dicom-web`"
    assert "not-to-be-seen" not in statement


def test_a_site_finds_which_services_are_in_use(site: Settings) -> None:
    used = {
        name: row[-1]
        for name, row in _section(conformance_statement(site), "## 1. Overview").items()
    }
    off = _section(conformance_statement(Settings()), "## 1. Overview")
    for service in (
        "Storage Commitment, Push Model",
        "Study Root Query/Retrieve, FIND and MOVE",
        "HL7 v2.5.1 over MLLP",
        "Unified Procedure Step: Event",
        "Unified Procedure Step: Pull, Watch, Query",
    ):
        assert used[service] == "yes"
        assert off[service][-1] == "no"
    assert used["Unified Procedure Step: Push"] == "no"
    assert used["STOW-RS (PS3.18 Section 10.5)"] == "yes"


def test_elsewhere_no_link_leads_to_a_page_that_is_not_there(site: Settings) -> None:
    """Neither in the text nor in the page of HTML, which needs nothing beside it."""
    statement = conformance_statement(site)
    assert not re.search(r"\]\((?!https?:)", statement)
    page = as_page(statement, "Conformance")
    assert "<table>" in page
    assert "href=" not in page
    assert "src=" not in page
    assert "CT|AI" in page


def test_the_command_writes_both_forms(tmp_path: Path) -> None:
    runner = CliRunner()
    for name, begins in (("one.html", "<!doctype html>"), ("one.md", "# DICOM conformance")):
        result = runner.invoke(app, ["conformance", "--out", str(tmp_path / name)])
        assert result.exit_code == 0, result.output
        assert (tmp_path / name).read_text().startswith(begins)
    assert runner.invoke(app, ["conformance", "--out", str(tmp_path / "one.pdf")]).exit_code == 2
    assert runner.invoke(app, ["conformance"]).stdout == (tmp_path / "one.md").read_text()


def test_no_module_proposes_what_the_statement_does_not_know() -> None:
    """Contexts come from the table; Storage proposes what it sends, and no other module its own."""
    room = REPOSITORY / "dicom_node"
    building = {
        str(path.relative_to(room))
        for path in room.rglob("*.py")
        if re.search(r"\bbuild_context\(", path.read_text())
    }
    assert building == {"presentation_contexts.py", "proposed_contexts.py", "request/c_store.py"}
