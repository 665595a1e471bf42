"""Components as the bill names them: licences, references and properties in one form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement
from packageurl import PackageURL

from models.declared.released import file_digest

_LICENCES: Final = LicenseFactory()
_OURS: Final = "firstread:"
_MOST_LICENCE: Final = 200  # characters: longer is the text of a licence, not its name


def licence_of(text: str) -> tuple[License, ...]:
    """A licence as its owner declares it: by SPDX where that knows it, otherwise by name."""
    line = " ".join(text.split())
    if not line or line.upper() == "UNKNOWN":
        return ()
    name = line if len(line) <= _MOST_LICENCE else line[: _MOST_LICENCE - 1] + "…"
    declared = LicenseAcknowledgement.DECLARED
    return (_LICENCES.make_from_string(name, license_acknowledgement=declared),)


def licences_of(names: Iterable[str]) -> tuple[License, ...]:
    """Several licences that hold together, each by its name: an expression stands alone."""
    declared = LicenseAcknowledgement.DECLARED
    return tuple(
        DisjunctiveLicense(name=name, acknowledgement=declared) for name in sorted(set(names))
    )


def own_property(name: str, value: str) -> Property:
    """A property of ours; the CycloneDX property taxonomy asks for a name space."""
    return Property(name=_OURS + name, value=value)


def sha256(hexadecimal: str) -> HashType:
    """A digest that is known."""
    return HashType(alg=HashAlgorithm.SHA_256, content=hexadecimal)


def package(
    kind: str,
    name: str,
    version: str,
    *,
    licence: str = "",
    hashes: Iterable[HashType] = (),
    properties: Iterable[Property] = (),
    parts: Iterable[Component] = (),
    inside: str = "",
) -> Component:
    """A package of a registry, by its package URL.

    Parameters
    ----------
    kind : a type of package URLs: "pypi", "npm", "deb"
    inside : of what it is a part; the same package may be in the bill twice, in two bundles
    """
    space, _, bare = name.rpartition("/")
    qualified, _, distribution = kind.partition("/")
    url = PackageURL(qualified, distribution or space or None, bare, version or None)
    return Component(
        name=bare,
        group=space or None,
        version=version or None,
        type=ComponentType.LIBRARY,
        licenses=licence_of(licence),
        hashes=hashes,
        properties=properties,
        components=parts,
        purl=url,
        bom_ref=f"{inside}{url}",
    )


def file_component(path: Path, name: str, *, inside: str = "", licence: str = "") -> Component:
    """A file by its sha256."""
    return Component(
        name=name,
        type=ComponentType.FILE,
        hashes=[sha256(file_digest(path))],
        licenses=licence_of(licence),
        bom_ref=f"file:{inside}{name}",
    )


def normalised(name: str) -> str:
    """A name of a Python package as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
