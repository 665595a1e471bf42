"""The documentation keeps step with the code: a setting or an error that is not described fails."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import dicom_node.status
import radiology.errors
from dicom_node.presentation_contexts import ANALYSED, VERIFICATION, decodable_transfer_syntaxes
from dicom_node.status import SUCCESS, status_of
from radiology.errors import FirstreadError, InstanceRefused, InvalidUid, Unavailable
from settings.environment import Settings
from settings.peers import Peer
from tests.peers.programs import REPOSITORY

_DOCS = REPOSITORY / "docs"
_NAME = re.compile(r"^\| `([A-Za-z0-9_]+)` \|", re.MULTILINE)


def _named_in_tables(page: str) -> list[str]:
    return _NAME.findall((_DOCS / page).read_text())


def _error_classes(module: ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, FirstreadError)
    }


def _table(page: str, heading: str) -> list[tuple[str, ...]]:
    """Give the rows of the first table after a heading, without its head."""
    text = (_DOCS / page).read_text()
    assert heading in text, f"{page} has no heading {heading!r}"
    lines = iter(text.split(heading, 1)[1].splitlines())
    rows = itertools.takewhile(
        lambda line: line.startswith("|"),
        itertools.dropwhile(lambda line: not line.startswith("|"), lines),
    )
    return [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows][2:]


def _tracked_files() -> list[Path]:
    """Give the files that git tracks or would track; every file when this is no checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout
    paths = [REPOSITORY / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_every_setting_is_documented_and_nothing_else() -> None:
    """docs/settings.md has one row for each setting and each entry of a peer."""
    expected = [*Settings.model_fields, *Peer.model_fields]
    expected.remove("peers")
    named = _named_in_tables("settings.md")
    named.remove("peers")
    assert sorted(named) == sorted(expected)


def test_documented_defaults_are_the_defaults() -> None:
    """A number, a word or a switch in the column "default" is what the code has."""
    page = (_DOCS / "settings.md").read_text()
    for name, shown in re.findall(r"^\| `([a-z0-9_]+)` \| `([^`]+)` ", page, re.MULTILINE):
        if name not in Settings.model_fields:
            continue
        default = Settings.model_fields[name].default
        if isinstance(default, bool):
            assert shown == str(default).lower(), name
        elif isinstance(default, int | float):
            assert float(shown) == default, name
        elif isinstance(default, tuple):
            assert shown == json.dumps(list(default)), name
        elif name != "bundles_folder":
            assert shown == str(default), name


def test_every_error_is_documented_and_nothing_else() -> None:
    """docs/errors.md has one row for each class of the exception tree."""
    expected = _error_classes(radiology.errors) | _error_classes(dicom_node.status)
    assert sorted(_named_in_tables("errors.md")) == sorted(expected)


def test_the_drawing_of_the_errors_is_the_tree() -> None:
    """The tree at the head of radiology/errors.py names every class."""
    drawn = set(re.findall(r"[A-Z]\w+", radiology.errors.__doc__ or ""))
    assert not _error_classes(radiology.errors) - drawn


def test_the_conformance_statement_lists_the_sop_classes_that_are_kept() -> None:
    """docs/conformance.md says the same as dicom_node/presentation_contexts.py."""
    rows = _table("conformance.md", "### SOP classes that are kept")
    assert {uid for _, uid in rows} == {VERIFICATION, *ANALYSED}


def test_the_conformance_statement_lists_the_transfer_syntaxes() -> None:
    """What is claimed to be decodable is what the installed decoders decode."""
    rows = _table("conformance.md", "### Transfer syntaxes that can be decoded")
    assert {uid for _, uid in rows} == set(decodable_transfer_syntaxes())


def test_the_conformance_statement_lists_every_status() -> None:
    """Every status with which a C-STORE of ours can end is explained."""
    errors = [
        value()
        for module in (radiology.errors, dicom_node.status)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, FirstreadError)
        if issubclass(value, InstanceRefused | Unavailable)
    ]
    answers = {status_of(error) for error in errors}
    answers |= {SUCCESS, status_of(KeyError()), status_of(InvalidUid(keyword="SOPInstanceUID"))}
    rows = _table("conformance.md", "### Status codes")
    assert {int(status, 16) for status, _ in rows} == answers


def test_the_readme_names_the_two_commands() -> None:
    """Whoever opens the repository finds how to see it and how to test it."""
    readme = (REPOSITORY / "README.md").read_text()
    assert re.search(r"^    make demo$", readme, re.MULTILINE)
    assert re.search(r"^    make test$", readme, re.MULTILINE)


def test_the_readme_settings_are_settings() -> None:
    """The TOML in the README is accepted as it stands."""
    readme = (REPOSITORY / "README.md").read_text()
    block = re.search(r"(?:^    .*\n|^\n)*^    \[\[peers\]\]\n(?:^    .*\n|^\n)*", readme, re.M)
    assert block
    text = re.sub(r"^    ", "", block.group(), flags=re.MULTILINE)
    settings = Settings.model_validate(tomllib.loads(text))
    assert settings.destinations


def test_every_make_target_that_is_named_exists() -> None:
    """No page tells of a command that is not there."""
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    pages = [REPOSITORY / "README.md", *_DOCS.rglob("*.md")]
    named = {
        target
        for page in pages
        for target in re.findall(r"(?:`|^    )make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= targets


@pytest.mark.parametrize(
    "page",
    [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted(_DOCS.rglob("*.md"))],
    ids=lambda page: str(page.relative_to(REPOSITORY)),
)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a page of ours leads to a file."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    """What is committed works anywhere: no package host, no home folder, no work folder."""
    forbidden = re.compile(
        # In pieces, so that this file does not find itself.
        "|".join(
            (
                r"pypi\." + r"org",
                r"python" + r"hosted\.org",
                r"registry\." + r"npmjs",
                r"deb\." + r"debian\.org",
                r"download\." + r"pytorch",
                r"/root" + r"/",
                r"/home" + r"/[a-z]",
                r"/work" + r"/(?:main|shared|\.library)",
                r"/opt" + r"/(?:pypi|wheels)",
            )
        )
    )
    found = []
    for path in _tracked_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
            if forbidden.search(line):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}")
    assert not found


def test_the_tests_of_the_field_cases_exist() -> None:
    """Every row of docs/field-cases.md names a test; each that is named is there."""
    page = (_DOCS / "field-cases.md").read_text()
    rows = [line for line in page.splitlines() if re.match(r"\| (?!#|input|what|-)", line)]
    assert len(rows) > 40
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for path, test in named:
            assert re.search(rf"^def {test}\(", (REPOSITORY / path).read_text(), re.MULTILINE), test


def test_every_picture_is_named_and_every_named_picture_is_there() -> None:
    """A picture that no page shows or links to is forgotten when the screen changes."""
    pages = [REPOSITORY / "README.md", *_DOCS.rglob("*.md")]
    shown = {
        (page.parent / name).resolve()
        for page in pages
        for name in re.findall(r"\[[^]]+\]\(([^)]+\.png)\)", page.read_text())
    }
    assert shown == {path.resolve() for path in (_DOCS / "pictures").iterdir()}
