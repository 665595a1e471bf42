"""Bundles: what each is for, its files, who vouches for it, and what it was trained on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cyclonedx.model import Property
from cyclonedx.model.component import Component, ComponentType, Pedigree

from firstread.sbom.described import file_component, licence_of, licences_of, own_property, sha256
from models.catalogue import Catalogue, UsableBundle, read_catalogue
from radiology.errors import BundleRejected
from settings.bundle_signatures import BundleSignatures


def bundle_components(
    folder: Path, bundle_signatures: BundleSignatures, in_use: tuple[str, ...]
) -> tuple[Component, ...]:
    """Every bundle of a folder, those that were refused with the reason.

    Parameters
    ----------
    in_use : names of the bundles that studies are read with, the newest version of each
    """
    catalogue = read_catalogue(folder, bundle_signatures)
    used = {id(one) for one in _used(catalogue, in_use)}
    found = [
        _component(catalogue, bundle, used=id(bundle) in used)
        for _, bundle in sorted(catalogue.usable.items())
    ]
    refused = [_refused(label, error) for label, error in sorted(catalogue.refused.items())]
    return (*found, *refused)


def _used(catalogue: Catalogue, names: tuple[str, ...]) -> list[UsableBundle]:
    return [
        catalogue.newest(name) for name in names if any(name == one for one, _ in catalogue.usable)
    ]


def _component(catalogue: Catalogue, bundle: UsableBundle, *, used: bool) -> Component:
    label = f"{bundle.name}/{bundle.version}"
    signature = catalogue.signatures[bundle.name, bundle.version]
    files = sorted(path for path in bundle.folder.iterdir() if path.is_file())
    return Component(
        name=bundle.name,
        version=bundle.version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        description=bundle.intended_use,
        publisher=bundle.algorithm.manufacturer,
        hashes=[sha256(bundle.digest)],
        # A bundle has no licence of its own: what it was trained on says what it may be used for.
        licenses=licences_of(one.licence for one in bundle.licences),
        properties=[
            own_property("licences", "those of what it was trained on, all of which hold"),
            own_property("in-use", _word(used)),
            own_property("research-only", _word(bundle.research_only)),
            own_property("signed-by", ", ".join(signature.signers) or signature.warning),
        ],
        components=[file_component(path, path.name, inside=f"{label}/") for path in files],
        pedigree=Pedigree(ancestors=_trained_on(bundle, label)),
        bom_ref=f"bundle:{label}",
    )


def _trained_on(bundle: UsableBundle, label: str) -> list[Component]:
    """What it was made of: none of it is shipped, and its terms bind whoever uses the bundle."""
    return [
        Component(
            name=one.data,
            type=ComponentType.DATA,
            licenses=licence_of(one.licence),
            bom_ref=f"trained-on:{label}/{hashlib.sha256(one.data.encode()).hexdigest()[:16]}",
        )
        for one in bundle.licences
    ]


def _refused(label: str, error: BundleRejected) -> Component:
    name, _, version = label.partition("/")
    reasons: list[Property] = [own_property("in-use", "false"), own_property("refused", str(error))]
    return Component(
        name=name,
        version=version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        properties=reasons,
        bom_ref=f"bundle:{label}",
    )


def _word(is_so: bool) -> str:
    return "true" if is_so else "false"
