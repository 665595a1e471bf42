"""A bundle that is damaged, mislabelled or misdeclared is refused, and says why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models.bundle import Bundle, OperatingPoint, bundle_digest, file_digest, read_bundle
from models.catalogue import read_catalogue
from models.onnx_session import check_network
from radiology.errors import BundleRejected

Damage = Callable[[Path], None]


def _replace(old: str, new: str) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "bundle.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return damage


def _flip_a_bit(folder: Path) -> None:
    path = folder / "network.onnx"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def _relabel_network(folder: Path, content: bytes) -> None:
    """Another network under a correct digest."""
    path = folder / "network.onnx"
    before = file_digest(path)
    path.write_bytes(content)
    _replace(before, file_digest(path))(folder)


def _drop_golden(folder: Path) -> None:
    (folder / "golden.json").unlink()


def _add_a_file(folder: Path) -> None:
    (folder / "weights.bin").write_bytes(b"?")


def _drop_declaration(folder: Path) -> None:
    (folder / "bundle.toml").unlink()


def _not_toml(folder: Path) -> None:
    (folder / "bundle.toml").write_bytes(b"\xff\x00 = [")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_flip_a_bit, "not the one that was released"),
        (_drop_golden, "listed file is missing"),
        (_add_a_file, "not listed"),
        (_drop_declaration, "no declaration"),
        (_not_toml, "not TOML"),
        (_replace("schema = 1", "schema = 2"), "another schema"),
        (_replace('version = "1.0.0"', 'version = "1.0.1"'), "another name or version"),
        (_replace('name = "chest-ct-pneumonia"', 'name = "head"'), "another name or version"),
        (_replace("research_only = true\n", ""), "lacks bundle.research_only"),
        (_replace("research_only = true", 'research_only = "yes"'), "not true or false"),
        (_replace("research_only", "research_use = true\nresearch_only"), "unknown keys"),
        (_replace("window_low_hu = -1250.0", "window_low_hu = 250.0"), "window is empty"),
        (_replace('"row", "column"]', '"column", "row"]'), "axes"),
        (_replace('"right", "left"]', '"left", "right"]'), "lung output's classes"),
        (_replace('comparison = "at_most"', 'comparison = "eval"'), "comparison is unknown"),
        (_replace("limit = 10.0", 'limit = "10.0"'), "wrong type"),
        (_replace("slope = ", "slope = -"), "not between"),
        (_replace('network = "network.onnx"', 'network = "other.onnx"'), "not among the listed"),
        (_replace('"golden.json" = "', '"../golden.json" = "'), "not listed"),
    ],
)
def test_damaged_bundle_is_refused_with_the_reason(
    copied: Path, damage: Damage, reason: str
) -> None:
    damage(copied)
    with pytest.raises(BundleRejected, match=reason):
        read_bundle(copied)


def test_untouched_copy_has_the_digest_of_the_original(copied: Path, shipped: Bundle) -> None:
    assert read_bundle(copied).digest == shipped.digest


def test_digest_covers_the_declaration(copied: Path, shipped: Bundle) -> None:
    _replace("suspicion_threshold = 0.5", "suspicion_threshold = 0.6")(copied)
    assert read_bundle(copied).digest != shipped.digest


def test_digest_does_not_depend_on_order() -> None:
    one, two = "1" * 64, "2" * 64
    assert bundle_digest({"a": one, "b": two}) == bundle_digest({"b": two, "a": one})
    assert bundle_digest({"a": one, "b": two}) != bundle_digest({"a": two, "b": one})


@pytest.mark.parametrize("content", [b"", b"not a network"])
def test_file_that_is_no_network_is_refused(copied: Path, content: bytes) -> None:
    _relabel_network(copied, content)
    with pytest.raises(BundleRejected, match=r"can load|declared"):
        check_network(read_bundle(copied))


def test_network_of_another_shape_than_declared_is_refused(copied: Path) -> None:
    _replace("size = 256", "size = 128")(copied)
    with pytest.raises(BundleRejected, match="input is not the declared one"):
        check_network(read_bundle(copied))


def test_a_bad_bundle_does_not_spoil_the_others(copied: Path) -> None:
    """The catalogue keeps the good one, and shows the refusal of the other."""
    bad = copied.parent / "1.1.0"
    shutil.copytree(copied, bad)
    catalogue = read_catalogue(copied.parents[1])
    assert list(catalogue.bundles) == [("chest-ct-pneumonia", "1.0.0")]
    assert "another name or version" in str(catalogue.refused["chest-ct-pneumonia/1.1.0"])


def test_newest_version_is_found_by_number_and_a_missing_name_says_so(copied: Path) -> None:
    newer = copied.parent / "1.10.0"
    shutil.copytree(copied, newer)
    _replace('version = "1.0.0"', 'version = "1.10.0"')(newer)
    older = copied.parent / "1.9.0"
    shutil.copytree(copied, older)
    _replace('version = "1.0.0"', 'version = "1.9.0"')(older)
    catalogue = read_catalogue(copied.parents[1])
    assert catalogue.newest("chest-ct-pneumonia").version == "1.10.0"
    with pytest.raises(BundleRejected, match="No usable bundle named head"):
        catalogue.newest("head")


def test_suspicion_rises_with_the_share_and_is_even_where_declared() -> None:
    point = OperatingPoint(even_share_percent=1.0, slope=3.0, suspicion_threshold=0.5)
    shares = [0.0, 0.1, 1.0, 10.0, 100.0]
    scores = [point.suspicion(share) for share in shares]
    assert scores == sorted(scores)
    assert point.suspicion(1.0) == pytest.approx(0.5)
    assert 0.0 <= scores[0] < 0.01
    assert 0.99 < scores[-1] <= 1.0
