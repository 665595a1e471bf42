"""A bundle that is damaged, mislabelled or misdeclared is refused, and says why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from models.catalogue import read_catalogue
from models.declared.network_files import Precision
from models.declared.released import bundle_digest, file_digest
from models.schema_2.bundle import Bundle, read_bundle
from models.schema_2.case import OperatingPoint
from models.schema_2.golden import check_golden
from models.schema_2.network_sessions import ClassifierSession, NetworkSession, check_networks
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected
from tests.builders.bundles import classification_network, declare, segmentation_network

Damage = Callable[[Path], None]


def _replace(old: str, new: str) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "bundle.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return damage


def _drop_table(heading: str) -> Damage:
    """Leave out a table, from its heading to the next one."""

    def damage(folder: Path) -> None:
        path = folder / "bundle.toml"
        before, _, after = path.read_text(encoding="utf-8").partition(f"[{heading}]\n")
        assert after
        path.write_text(before + after[after.index("\n[") :], encoding="utf-8")

    return damage


def _flip_a_bit(name: str) -> Damage:
    def damage(folder: Path) -> None:
        raw = bytearray((folder / name).read_bytes())
        raw[len(raw) // 2] ^= 1
        (folder / name).write_bytes(raw)

    return damage


def _relabel(folder: Path, name: str, content: bytes) -> None:
    """Another network under a correct digest."""
    before = file_digest(folder / name)
    (folder / name).write_bytes(content)
    _replace(before, file_digest(folder / name))(folder)


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
        (_flip_a_bit("segmentation.onnx"), "not the one that was released"),
        (_flip_a_bit("classification.onnx"), "not the one that was released"),
        (_flip_a_bit("classification-int8.onnx"), "not the one that was released"),
        (_drop_golden, r"files\.golden\.json: the file .* is missing"),
        (_add_a_file, "not listed"),
        (_drop_declaration, "missing or cannot be read"),
        (_not_toml, "line 1: the bytes are not UTF-8"),
        (_replace("schema = 2", "schema = 3"), "line 1, schema: schema 3 is not read here"),
        (_replace('version = "2.0.0"', 'version = "2.0.1"'), r"version: .* lies in a folder"),
        (_replace('name = "chest-ct-pneumonia"', 'name = "head"'), r"name: .* lies in a folder"),
        (_replace("research_only = true\n", ""), 'the key "research_only" is missing'),
        (
            _replace("research_only = true", 'research_only = "yes"'),
            "research_only: .* is not true",
        ),
        (
            _replace("research_only", "research_use = true\nresearch_only"),
            "research_use. is not a key",
        ),
        (
            _replace('comparison = "equals"', 'comparison = "eval"'),
            "comparison: .eval. is not",
        ),
        (
            _replace('comparison = "equals"', 'comparison = "at_most"'),
            "limit: .* compares with a number",
        ),
        (_replace('"golden.json" = "', '"../golden.json" = "'), "is missing"),
        # segmentation
        (
            _replace("window_low_hu = -1250.0", "window_low_hu = 250.0"),
            "low_hu: the window is empty",
        ),
        (_replace('"row", "column"]', '"column", "row"]'), r"input\.axes: these are other axes"),
        (
            _replace('"right", "left"]', '"left", "right"]'),
            r"lung\.classes: these are other",
        ),
        (_replace('"segmentation.onnx"\non', '"other.onnx"\non'), r'"other\.onnx" is not listed'),
        (_replace('on_cpu = "float32"', 'on_cpu = "int8"'), "on_cpu: the network has no int8 file"),
        (_replace('on_cpu = "float32"', 'on_cpu = "float16"'), 'on_cpu: "float16" is not known'),
        # classification
        (_drop_table("networks.classification"), 'viral_low" is not a key'),
        (_drop_table("classification.outputs"), 'the key "outputs" is missing'),
        (_replace('int8 = "classification-int8', 'int8 = "other'), r"int8: .* is not listed"),
        (
            _replace('"lung", "lesion", ', '"lesion", "lung", '),
            "channels: these are other",
        ),
        (
            _replace('"ground_glass", "consolidation", "c', '"consolidation", "c'),
            "sign_classes: these are other",
        ),
        (_replace("thresholds = [0.5, ", "thresholds = ["), "sign_thresholds: there are 4 numbers"),
        (_replace("thresholds = [0.5", "thresholds = [1.5"), "1.5 is out of range"),
        (_replace("thresholds = [0.5", 'thresholds = ["high"'), "'high' is not a number"),
        (_replace("size = 48", "size = 50"), "size: 50 is not a multiple of 8"),
        # case
        (_replace("slope = ", "slope = -"), r"case\.slope: .* is out of range"),
        (_replace('rule = "lesion_share"', 'rule = "majority"'), 'rule: "majority" is not known'),
        (
            _replace("viral_low = 0.35", "viral_low = 0.85"),
            "viral_low: .* the wrong way round",
        ),
        (_replace("greatest_spread = 0.25\n", ""), r'case: the key "greatest_spread" is missing'),
    ],
)
def test_damaged_bundle_is_refused_with_the_reason(
    copied: Path, damage: Damage, reason: str
) -> None:
    damage(copied)
    with pytest.raises(BundleRejected, match=reason):
        read_bundle(copied)


def test_untouched_copy_has_the_digest_of_the_original(copied: Path, tiny: Bundle) -> None:
    assert read_bundle(copied).digest == tiny.digest


def test_digest_covers_the_declaration(copied: Path, tiny: Bundle) -> None:
    _replace("suspicion_threshold = 0.5", "suspicion_threshold = 0.6")(copied)
    assert read_bundle(copied).digest != tiny.digest


def test_digest_does_not_depend_on_order() -> None:
    one, two = "1" * 64, "2" * 64
    assert bundle_digest({"a": one, "b": two}) == bundle_digest({"b": two, "a": one})
    assert bundle_digest({"a": one, "b": two}) != bundle_digest({"a": two, "b": one})


NETWORKS = ["segmentation.onnx", "classification.onnx", "classification-int8.onnx"]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("content", [b"", b"not a network"])
def test_file_that_is_no_network_is_refused(copied: Path, name: str, content: bytes) -> None:
    _relabel(copied, name, content)
    with pytest.raises(BundleRejected, match=r"can load|declared"):
        check_networks(read_bundle(copied))


@pytest.mark.parametrize(
    ("name", "other", "reason"),
    [
        (NETWORKS[0], segmentation_network(size=32), "network's input is not the declared"),
        (NETWORKS[0], classification_network(), "network's input is not the declared"),
        (NETWORKS[1], classification_network(size=56), "classifier's input is not the declared"),
        (NETWORKS[1], segmentation_network(), "classifier's input is not the declared"),
        (NETWORKS[2], classification_network(size=56), "classifier's input is not the declared"),
    ],
)
def test_network_of_another_shape_than_declared_is_refused(
    copied: Path, name: str, other: onnx.ModelProto, reason: str
) -> None:
    """In whichever precision it was released: all are looked at, not only the one that runs."""
    _relabel(copied, name, other.SerializeToString())
    with pytest.raises(BundleRejected, match=reason):
        check_networks(read_bundle(copied))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('viral = "viral"', 'viral = "heat"', "viral"),
        ('viral = "viral"', 'viral = "cough"', "viral"),
        ('signs = "signs"', 'signs = "viral"', "signs"),
        ('heat = "heat"', 'heat = "signs"', "heat"),
        ('name = "lesion"', 'name = "lesions"', "lesion"),
    ],
)
def test_output_that_the_network_does_not_have_is_refused(
    copied: Path, old: str, new: str, kind: str
) -> None:
    _replace(old, new)(copied)
    with pytest.raises(BundleRejected, match=rf"output is not the declared one \(kind={kind}"):
        check_networks(read_bundle(copied))


def test_bundle_without_a_classifier_is_legal(copied: Path) -> None:
    """Then nothing may be declared that only a classifier could answer to."""
    for heading in ("networks.classification", "classification.input", "classification.outputs"):
        _drop_table(heading)(copied)
    for limit in ("viral_low = 0.35\n", "viral_high = 0.65\n"):
        _replace(limit, "")(copied)
    with pytest.raises(BundleRejected, match=r"case\.greatest_spread: .* is not a key"):
        read_bundle(copied)
    _replace("greatest_spread = 0.25\n", "")(copied)
    bundle = read_bundle(copied)
    assert bundle.classification is None
    assert bundle.case.viral is None
    check_networks(bundle)
    with pytest.raises(BundleRejected, match="has no classifier"):
        ClassifierSession(bundle)


def test_cpu_runs_the_declared_precision(tiny: Bundle) -> None:
    assert NetworkSession(tiny, provider=ExecutionProvider.CPU).precision is Precision.FLOAT32
    assert ClassifierSession(tiny, provider=ExecutionProvider.CPU).precision is Precision.INT8
    with pytest.raises(BundleRejected, match="not released in this precision"):
        NetworkSession(tiny, precision=Precision.INT8)


def test_golden_test_covers_every_network_in_every_precision(tiny: Bundle) -> None:
    assert set(check_golden(tiny)) == {Precision.FLOAT32, Precision.INT8}


@pytest.mark.parametrize("name", NETWORKS[1:])
def test_network_that_answers_otherwise_fails_the_golden_test(copied: Path, name: str) -> None:
    """Right shapes, right digests, other weights."""
    model = onnx.load(copied / name)
    for constant in model.graph.initializer:
        if constant.name.startswith("two"):
            constant.raw_data = b"\0\0\0\0"
    onnx.save(model, copied / name)
    declare(copied)
    check_networks(read_bundle(copied))
    with pytest.raises(BundleRejected, match="not the released one"):
        check_golden(read_bundle(copied))


def test_golden_answer_that_leaves_a_network_out_is_refused(copied: Path) -> None:
    golden = copied / "golden.json"
    golden.write_text(golden.read_text().replace('"heat"', '"warmth"'))
    declare(copied)
    with pytest.raises(BundleRejected, match=r"does not cover the whole bundle \(output=heat"):
        check_golden(read_bundle(copied))


def test_a_bad_bundle_does_not_spoil_the_others(copied: Path) -> None:
    """The catalogue keeps the good one, and shows the refusal of the other."""
    shutil.copytree(copied, copied.parent / "2.1.0")
    catalogue = read_catalogue(copied.parents[1])
    assert list(catalogue.bundles) == [("chest-ct-pneumonia", "2.0.0")]
    assert "lies in a folder" in str(catalogue.refused["chest-ct-pneumonia/2.1.0"])


def test_newest_version_is_found_by_number_and_a_missing_name_says_so(copied: Path) -> None:
    for version in ("2.10.0", "2.9.0"):
        shutil.copytree(copied, copied.parent / version)
        declare(copied.parent / version)
    catalogue = read_catalogue(copied.parents[1])
    assert catalogue.newest("chest-ct-pneumonia").version == "2.10.0"
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


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_least_value_is_where_suspicion_reaches_its_threshold(threshold: float) -> None:
    point = OperatingPoint(even_share_percent=2.0, slope=5.0, suspicion_threshold=threshold)
    assert point.suspicion(point.least_value) == pytest.approx(threshold)
