"""OHIF below `/ohif/`: its package as it came, said otherwise only where its address matters."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from settings.environment import Settings
from settings.page.study_page import StudyPageSettings, ViewerLink
from tests.peers.programs import REPOSITORY
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import study_with_slices
from worklist.app import create_app
from worklist.viewer.slice_stack import SliceStack

_PAGE = """<!doctype html><html><head><meta name="x" content="/assets/a.png"><title>OHIF</title>
<script>console.time("scriptToView"),window.PUBLIC_URL="/"</script>
<link rel="icon" href="/assets/a.png"><script>function importIt(n){return import(n)}</script>
<script defer src="/app.bundle.0f6159c501addfe9.js"></script>
<a href="//other.example/">x</a></head><body></body></html>"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a folder with the parts of the package that are looked at."""
    folder = tmp_path / "ohif"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(_PAGE)
    (folder / "app.bundle.0f6159c501addfe9.js").write_text('x;__webpack_require__.p = "/";y')
    (folder / "1602.css").write_text('a{src:url(/a34f9d1faa5f3315.woff2)}b{c:url("data:x")}')
    (folder / "assets" / "a.png").write_bytes(b"png")
    (folder / "app-config.js").write_text("of the package")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def _visitor(hospital: SeededHospital, settings: Settings, **page: object) -> Visitor:
    study_page = StudyPageSettings(**page)  # type: ignore[arg-type]
    settings = settings.model_copy(update={"study_page": study_page})
    return Visitor(create_app(settings, hospital.engine, clock=lambda: hospital.now))


@pytest.fixture
def visitor(hospital: SeededHospital, worklist_settings: Settings, package: Path) -> Visitor:
    """Give a visitor of a page with OHIF."""
    return _visitor(hospital, worklist_settings, ohif_folder=package)


def test_the_start_page_leads_to_our_addresses(visitor: Visitor) -> None:
    """At every address within the application; nothing is written in it that would be run."""
    page = visitor.get("/ohif/viewer?StudyInstanceUIDs=1.2").text
    assert visitor.get("/ohif/index.html").text == page
    assert visitor.get("/ohif/").headers["location"] == "/"
    addresses = re.findall(r'(?:src|href|content)="([^"]+)"', page)
    assert addresses == [
        "/ohif/assets/a.png",
        "/ohif/firstread-start.js",
        "/ohif/assets/a.png",
        "/ohif/app.bundle.0f6159c501addfe9.js",
        "//other.example/",
    ]
    assert re.findall(r"<script>", page) == []
    start = visitor.get("/ohif/firstread-start.js")
    assert start.headers["content-type"].startswith("text/javascript")
    assert 'window.PUBLIC_URL="/ohif/"' in start.text
    assert "function importIt" in start.text


def test_scripts_and_styles_load_from_our_addresses(visitor: Visitor) -> None:
    """The rest of them is as it came, and may be kept for ever where its name has its digest."""
    script = visitor.get("/ohif/app.bundle.0f6159c501addfe9.js")
    assert script.text == 'x;__webpack_require__.p = "/ohif/";y'
    assert "immutable" in script.headers["cache-control"]
    assert "private" in script.headers["cache-control"]
    style = visitor.get("/ohif/1602.css")
    assert style.text == 'a{src:url(/ohif/a34f9d1faa5f3315.woff2)}b{c:url("data:x")}'
    assert visitor.get("/ohif/assets/a.png").content == b"png"


def test_its_configuration_is_ours(visitor: Visitor) -> None:
    """Its only source are our services; it stores nothing and takes no configuration elsewhere."""
    script = visitor.get("/ohif/app-config.js").text
    found = re.match(r"window\.config = (\{.*\});\n", script)
    assert found
    # OHIF calls it for each image whose loading ended, and calls null without it.
    assert "window.config.httpErrorHandler = error =>" in script
    configuration = json.loads(found[1])
    (source,) = configuration["dataSources"]
    assert source["configuration"]["wadoRoot"] == "/dicom-web"
    assert source["configuration"]["supportsStow"] is False
    assert configuration["routerBasename"] == "/ohif"
    assert configuration["customizationService"] == {"ohif.tours": {"$set": []}}
    assert configuration["dangerouslyUseDynamicConfig"] == {"enabled": False}


def test_its_policy_is_for_its_addresses_alone(visitor: Visitor) -> None:
    """It compiles and shares memory there; the page itself does not, and nothing is loaded from
    elsewhere by either."""
    for address in ("/ohif/viewer", "/ohif/app.bundle.0f6159c501addfe9.js", "/ohif/nothing.js"):
        headers = visitor.get(address).headers
        policy = headers["content-security-policy"]
        assert "'unsafe-eval'" in policy
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "http" not in policy
        assert "default-src 'none'" in policy
    for address in ("/", "/dicom-web/studies", "/ohifx"):
        headers = visitor.get(address).headers
        assert "unsafe" not in headers["content-security-policy"]
        assert "cross-origin-embedder-policy" not in headers


@pytest.mark.parametrize(
    "address",
    ["..%2Fsecret.txt", "%2e%2e/secret.txt", "..%2f..%2f..%2fetc%2fpasswd", "a%00b", "x" * 5000],
)
def test_nothing_outside_is_served(visitor: Visitor, address: str) -> None:
    """Whatever the address: the start page at the most."""
    answer = visitor.get(f"/ohif/{address}")
    assert "secret" not in answer.text
    assert "root:" not in answer.text
    assert answer.status_code in (200, 404)


def test_it_is_offered_where_the_site_names_no_viewer(
    hospital: SeededHospital, worklist_settings: Settings, package: Path
) -> None:
    """By one click from the study; not where it is not installed, and not beside the site's own."""
    uid = hospital.receive(accession_number="A1", patient_id="P1")
    link = f'href="/ohif/viewer?StudyInstanceUIDs={uid}"'
    offered = _visitor(hospital, worklist_settings, ohif_folder=package)
    assert link in offered.get(f"/studies/{uid}").text
    read = study_with_slices(hospital)
    key = SliceStack(read.slices).key_instance
    assert key
    link_to_key = (
        f'href="/ohif/viewer?StudyInstanceUIDs={read.uid}&amp;initialSOPInstanceUID={key}"'
    )
    assert link_to_key in offered.get(f"/studies/{read.uid}").text
    absent = _visitor(hospital, worklist_settings, ohif_folder=package / "nothing")
    assert link not in absent.get(f"/studies/{uid}").text
    assert absent.get("/ohif/viewer").status_code == 404
    other = ViewerLink(name="PACS", url="https://pacs.example/{study_instance_uid}")
    named = _visitor(hospital, worklist_settings, ohif_folder=package, viewers=(other,))
    assert link not in named.get(f"/studies/{uid}").text


def test_it_is_looked_for_where_make_viewer_unpacks_it() -> None:
    """Beside Firstread's own code, whatever folder the settings stand in."""
    assert StudyPageSettings().ohif_folder == REPOSITORY / "build" / "ohif" / "package" / "dist"
