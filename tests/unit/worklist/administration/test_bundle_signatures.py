"""The administrator sees who vouches for each bundle, and what nobody vouches for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from models.signatures.signature_file import signature_path
from settings.bundle_signatures import BundleSignatures
from settings.environment import Settings
from tests.peers.programs import REPOSITORY
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app

NAME, VERSION = "chest-ct-pneumonia", "3.0.0"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A released bundle's declaration and signature; the page looks at nothing else."""
    released = REPOSITORY / "models" / "bundles" / NAME / VERSION
    folder = tmp_path / "bundles" / NAME / VERSION
    folder.mkdir(parents=True)
    shutil.copy(released / "bundle.toml", folder)
    shutil.copy(signature_path(released), folder.parent)
    return folder


def _part(hospital: SeededHospital, settings: Settings) -> str:
    clock: Callable[[], datetime] = lambda: hospital.now  # noqa: E731 read anew each time
    html = Visitor(create_app(settings, hospital.engine, clock=clock)).get("/administration").text
    start = html.index('data-part="bundles"')
    return " ".join(readable(html[start : html.index("</section>", start)]).split())


def test_the_page_says_who_vouches_for_a_bundle(
    hospital: SeededHospital, worklist_settings: Settings, copied: Path
) -> None:
    """Firstread; nobody; and what is refused, because it was changed or none is allowed without."""
    settings = worklist_settings.model_copy(update={"bundles_folder": copied.parent.parent})
    said = _part(hospital, settings)
    assert f"yes {VERSION} Firstread" in said
    assert "Nobody vouches" not in said

    declaration = (copied / "bundle.toml").read_bytes()
    (copied / "bundle.toml").write_bytes(declaration + b"\n")
    assert f"yes {VERSION} wrong or missing: refused" in _part(hospital, settings)

    (copied / "bundle.toml").write_bytes(declaration)
    signature_path(copied).unlink()
    said = _part(hospital, settings)
    assert f"yes {VERSION} nobody" in said
    assert f"Nobody vouches that {NAME} {VERSION} is what was released." in said

    strict = settings.model_copy(update={"bundle_signatures": BundleSignatures(required=True)})
    assert f"yes {VERSION} wrong or missing: refused" in _part(hospital, strict)
