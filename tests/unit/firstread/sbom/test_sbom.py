"""The bill of materials: CycloneDX by its schema, and nothing that is shipped is missing."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import jsonschema
import pytest
from referencing import Registry, Resource
from typer.testing import CliRunner

from firstread.__main__ import app
from firstread.sbom.collect import of_the_release
from firstread.sbom.document import bill_of
from firstread.sbom.platform_components import debian_packages
from tests.builders.bundles import NAME, write_bundle
from tests.peers.programs import REPOSITORY

Document = dict[str, Any]


def _bill(*words: object) -> Document:
    result = CliRunner().invoke(app, ["sbom", *map(str, words)])
    assert result.exit_code == 0, result.output
    whole: Document = json.loads(result.stdout)
    return whole


@pytest.fixture(scope="module")
def of_release() -> Document:
    """That of the repository; made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1790000000")
        return _bill("--release", REPOSITORY)


def _check_against_schema(bill: Document) -> None:
    """CycloneDX 1.6, and the schemas that it refers to."""
    folder = files("cyclonedx.schema") / "_res"
    names = [f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.6", "spdx", "jsf-0.82")]
    schemas = {name: json.loads((folder / name).read_text()) for name in names}
    whole = schemas[names[0]]
    registry = Registry().with_resources(
        (urljoin(whole["$id"], name), Resource.from_contents(schema))
        for name, schema in schemas.items()
    )
    jsonschema.Draft7Validator(whole, registry=registry).validate(bill)


def _all_parts(bill: Document) -> list[Document]:
    """Every component, those within others too."""
    found, waiting = [], list(bill["components"])
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += [*one.get("components", []), *one.get("pedigree", {}).get("ancestors", [])]
    return found


def _own(one: Document) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in one.get("properties", [])}


def test_the_bill_of_the_release_is_cyclonedx(of_release: Document) -> None:
    _check_against_schema(of_release)
    refs = [one["bom-ref"] for one in _all_parts(of_release)]
    assert len(refs) == len(set(refs))
    broken = json.loads(json.dumps(of_release))
    broken["components"][0]["type"] = "nothing"
    with pytest.raises(jsonschema.ValidationError):
        _check_against_schema(broken)


def test_it_names_every_package_of_the_lock_file(of_release: Document) -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    pinned = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() + "@" + line.split("==")[1].split()[0]
        for line in lock.splitlines()
        if re.match(r"[a-z].*==", line)
    }
    named = {
        one["purl"].removeprefix("pkg:pypi/")
        for one in of_release["components"]
        if one.get("purl", "").startswith("pkg:pypi/")
    }
    assert len(pinned) > 80
    assert named == pinned


def test_it_names_each_bundle_with_what_it_was_trained_on(of_release: Document) -> None:
    """Digest, files, signature, and the terms that the card states."""
    bundles = {
        f"{one['name']}/{one['version']}": one
        for one in of_release["components"]
        if one["type"] == "machine-learning-model"
    }
    folders = {path.parent for path in (REPOSITORY / "models" / "bundles").glob("*/*/bundle.toml")}
    assert set(bundles) == {f"{path.parent.name}/{path.name}" for path in folders}
    for folder in folders:
        one = bundles[f"{folder.parent.name}/{folder.name}"]
        for part in one["components"]:
            found = hashlib.sha256((folder / part["name"]).read_bytes()).hexdigest()
            assert part["hashes"] == [{"alg": "SHA-256", "content": found}]
        assert len(one["components"]) == len(list(folder.iterdir()))
        assert _own(one)["firstread:signed-by"] == "Firstread"
        card = (folder / "MODEL_CARD.md").read_text()
        for data in one["pedigree"]["ancestors"]:
            (licence,) = data["licenses"]
            named = licence["license"].get("name") or licence["license"]["id"]
            assert f"| {data['name']} | {named} |" in card
            assert named in {entry["license"]["name"] for entry in one["licenses"]}


def test_it_names_every_font_and_foreign_script_that_is_shipped(of_release: Document) -> None:
    """A further font or library in the repository needs a line in the bill."""
    shipped = {
        str(path.relative_to(REPOSITORY))
        for pattern in ("*.woff2", "*.woff", "*.ttf", "*.otf", "cornerstone.js")
        for room in ("worklist", "worker", "evaluation", "chest", "firstread")
        for path in (REPOSITORY / room).rglob(pattern)
    }
    assert shipped
    named = {one["name"]: one for one in of_release["components"] if one["type"] == "file"}
    assert set(named) == shipped
    for name, one in named.items():
        found = hashlib.sha256((REPOSITORY / name).read_bytes()).hexdigest()
        assert one["hashes"] == [{"alg": "SHA-256", "content": found}]
    inside = {part["name"] for part in named["worklist/viewer/static/cornerstone.js"]["components"]}
    assert {"core", "vtk.js", "gl-matrix"} <= inside


def test_it_names_ohif_by_the_digest_that_make_checks(of_release: Document) -> None:
    (ohif,) = (one for one in of_release["components"] if one.get("group") == "@ohif")
    makefile = (REPOSITORY / "Makefile").read_text()
    assert f"OHIF := @ohif/app@{ohif['version']}\n" in makefile
    assert len(bytes.fromhex(ohif["hashes"][0]["content"])) == 64


def test_it_names_the_images_that_compose_starts(of_release: Document) -> None:
    images = {one["bom-ref"] for one in of_release["components"] if one["type"] == "container"}
    named = set(re.findall(r"image: (\S+)", (REPOSITORY / "docker-compose.yml").read_text()))
    named |= set(re.findall(r"^FROM (\S+)", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE))
    assert images == {f"container:{one}" for one in named if not one.startswith("firstread:")}


def test_the_same_release_gives_the_same_bytes(of_release: Document) -> None:
    """So that two people can compare theirs; another moment changes moment and serial number."""
    components, needs = of_the_release(REPOSITORY)
    at = datetime.fromtimestamp(1_790_000_000, UTC)
    again = bill_of(components, needs, at=at)
    assert again == bill_of(tuple(reversed(components)), needs, at=at)
    assert json.loads(again) == of_release
    later = json.loads(bill_of(components, needs, at=at + timedelta(seconds=1)))
    assert later["serialNumber"] != of_release["serialNumber"]
    assert later["components"] == of_release["components"]


def test_the_bill_of_an_installation_is_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own bundles, one that was refused, what is installed beside it, and no setting."""
    folder = tmp_path / "bundles"
    write_bundle(folder, version="2.0.0")
    write_bundle(folder, version="2.1.0")
    (folder / NAME / "2.1.0" / "segmentation.onnx").write_bytes(b"damaged")
    monkeypatch.setenv("FIRSTREAD_BUNDLES_FOLDER", str(folder))
    monkeypatch.setenv("FIRSTREAD_DATABASE_URL", "postgresql+psycopg://u:not-to-be-seen@db/f")
    bill = _bill()
    _check_against_schema(bill)
    assert "not-to-be-seen" not in json.dumps(bill)
    found = {(one["name"], one.get("version", "")): one for one in bill["components"]}
    assert _own(found[NAME, "2.0.0"]) == {
        "firstread:in-use": "true",
        "firstread:licences": "those of what it was trained on, all of which hold",
        "firstread:research-only": "true",
        "firstread:signed-by": "not signed",
    }
    assert "not the one that was released" in _own(found[NAME, "2.1.0"])["firstread:refused"]
    for name in ("pydicom", "pytest", "cyclonedx-python-lib"):
        assert (name, version(name)) in found
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    pynetdicom = found["pynetdicom", version("pynetdicom")]["bom-ref"]
    assert found["pydicom", version("pydicom")]["bom-ref"] in needs[pynetdicom]
    assert pynetdicom in needs["firstread"]


def test_debian_packages_are_those_that_are_installed(tmp_path: Path) -> None:
    """Not what was removed and left its settings behind."""
    status = tmp_path / "status"
    status.write_text(
        "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.19-1\n"
        "Description: toolkit\n Version: 9 is not a field here\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n"
    )
    (one,) = debian_packages(status)
    assert str(one.purl) == "pkg:deb/debian/openssl@3.0.19-1"


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["sbom", "--release", str(tmp_path)])
    assert result.exit_code == 2
    assert "lock file" in result.stderr
