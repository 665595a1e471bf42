"""What a release is made of, read from the files of its repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cyclonedx.model.component import Component, ComponentType
from packageurl import PackageURL

from firstread.sbom.described import own_property
from firstread.sbom.front_end import ohif_package
from radiology.errors import SettingsRefused

_BUILT_ON: Final = re.compile(r"^FROM (\S+)", re.MULTILINE)
_STARTED: Final = re.compile(r"^\s+image: (\S+)$", re.MULTILINE)
_OHIF: Final = re.compile(r"^OHIF := (@?[\w/.-]+)@([\w.-]+)\nOHIF_SHA512 := (\S+)$", re.MULTILINE)
_OURS: Final = "firstread"


def container_images(repository: Path) -> tuple[Component, ...]:
    """The images that ours is built on, and those that Compose starts beside it.

    They are named by a tag, which moves: what is in an image says `firstread sbom --system` in a
    container of it.
    """
    names = dict.fromkeys(_BUILT_ON.findall(_read(repository / "Dockerfile")), "Dockerfile") | {
        name: "docker-compose.yml"
        for name in _STARTED.findall(_read(repository / "docker-compose.yml"))
        if not name.startswith(f"{_OURS}:")
    }
    return tuple(_image(name, named_by) for name, named_by in sorted(names.items()))


def _image(named: str, named_by: str) -> Component:
    name, _, tag = named.partition(":")
    space, _, bare = name.rpartition("/")
    return Component(
        name=name,
        version=tag or None,
        type=ComponentType.CONTAINER,
        purl=PackageURL("docker", space or None, bare, tag or None),
        properties=[own_property("named-by", named_by)],
        bom_ref=f"container:{named}",
    )


def released_ohif(repository: Path) -> Component:
    """The version of OHIF that `make viewer` unpacks, by its digest."""
    found = _OHIF.search(_read(repository / "Makefile"))
    if found is None:
        raise SettingsRefused("The Makefile does not say which OHIF is released")
    name, version, sha512 = found.groups()
    return ohif_package(name, version, licence="MIT", needed={}, sha512=sha512)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read: is its folder the repository?") from error
