"""The model card: readable, and harmless whoever wrote it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.catalogue import read_catalogue
from radiology.algorithm import AlgorithmIdentity
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from worklist.app import create_app
from worklist.study.model_card import render_card


def _visitor(hospital: SeededHospital, settings: Settings, bundles: Path) -> Visitor:
    of_bundles = settings.model_copy(update={"bundles_folder": bundles})
    return Visitor(create_app(of_bundles, hospital.engine, clock=lambda: hospital.now))


def _answered(hospital: SeededHospital, name: str, version: str) -> tuple[str, int]:
    uid, claim = hospital.claimed()
    algorithm = AlgorithmIdentity(name, version, "ab" * 32)
    reading = replace(full_reading(), algorithm=algorithm)
    return uid, hospital.answer(claim, Urgency.URGENT, reading=reading, picture=False)


def test_the_card_of_the_released_bundle(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """The study links to the card of the very version that read it; tables are tables."""
    bundle = read_catalogue(worklist_settings.bundles_folder).newest("chest-ct-pneumonia")
    uid, result_id = _answered(hospital, bundle.name, bundle.version)
    visitor = _visitor(hospital, worklist_settings, worklist_settings.bundles_folder)
    assert f'href="/results/{result_id}/model-card"' in visitor.get(f"/studies/{uid}").text
    html = visitor.get(f"/results/{result_id}/model-card").text
    text = readable(html)
    assert "RESEARCH USE ONLY." in text
    card = (bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    rows = [line for line in card.splitlines() if line.startswith("| lesions, Dice")]
    assert rows
    for row in rows:
        assert " ".join(cell.strip() for cell in row.strip("|").split("|")) in text
    assert "<th>what</th>" in html
    assert " style=" not in html
    assert html.count("<h1>") == 1


def test_a_bundle_that_is_gone(
    hospital: SeededHospital, worklist_settings: Settings, tmp_path: Path
) -> None:
    """After the bundle was removed the page says so."""
    uid, result_id = _answered(hospital, "chest-ct-pneumonia", "0.9.0")
    visitor = _visitor(hospital, worklist_settings, tmp_path)
    assert "model-card" not in visitor.get(f"/studies/{uid}").text
    text = visitor.text(f"/results/{result_id}/model-card")
    assert "chest-ct-pneumonia 0.9.0 is no longer installed" in text
    assert visitor.get("/results/99/model-card").status_code == 404


@pytest.mark.parametrize(
    ("name", "version"), [("..", "secret"), ("a/../..", "1"), ("", ""), (".hidden", "1")]
)
def test_names_do_not_lead_out_of_the_folder(
    hospital: SeededHospital,
    worklist_settings: Settings,
    tmp_path: Path,
    name: str,
    version: str,
) -> None:
    """A stored name is no path."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "MODEL_CARD.md").write_text("the secret")
    _, result_id = _answered(hospital, name, version)
    visitor = _visitor(hospital, worklist_settings, tmp_path / "bundles")
    assert "the secret" not in visitor.text(f"/results/{result_id}/model-card")


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "![a](https://elsewhere.example/pixel.png)",
        "[a]: javascript:alert(1)\n\n[a]",
        "<javascript:alert(1)>",
        "| a |\n|--:|\n| <b onclick=x>1</b> |",
        "# <style>*{display:none}</style>",
        "[a](//elsewhere.example)",
        "[a](/jobs/1/retry)",
    ],
)
def test_a_hostile_card_is_only_text(markdown: str) -> None:
    """No markup of its own, no picture from elsewhere, no address that runs something."""
    html = render_card(markdown)
    for bad in ("<script", "<img", "<style", "<b ", 'href="javascript', 'href="data', ' href="/'):
        assert bad not in html.lower(), html
    assert " style=" not in html


def test_links_to_web_pages_stay() -> None:
    """A card may name its sources."""
    html = render_card("[paper](https://doi.org/10.1000/1)")
    assert '<a href="https://doi.org/10.1000/1" rel="noopener noreferrer">paper</a>' in html
