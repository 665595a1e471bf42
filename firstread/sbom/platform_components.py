"""What Firstread stands on here: Python, the operating system, and its packages."""

from __future__ import annotations

import platform
import re
import sqlite3
import ssl
from pathlib import Path
from typing import Final

from cyclonedx.model.component import Component, ComponentType
from packageurl import PackageURL

from firstread.sbom.described import package
from radiology.errors import SettingsRefused

_STATUS: Final = Path("/var/lib/dpkg/status")
_INSTALLED: Final = "install ok installed"
_FIELD: Final = re.compile(r"^(Package|Version|Architecture|Status): (.*)$", re.MULTILINE)


def platform_components() -> tuple[Component, ...]:
    """Python with the libraries that are linked into it, and the operating system."""
    return (
        Component(
            name="python",
            version=platform.python_version(),
            type=ComponentType.PLATFORM,
            description=platform.python_implementation(),
            bom_ref="platform:python",
        ),
        _linked("openssl", ssl.OPENSSL_VERSION.split()[1]),
        _linked("sqlite", sqlite3.sqlite_version),
        _operating_system(),
    )


def _linked(name: str, version: str) -> Component:
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        description="as Python uses it",
        purl=PackageURL("generic", None, name, version),
        bom_ref=f"platform:{name}",
    )


def _operating_system() -> Component:
    try:
        said = platform.freedesktop_os_release()
    except OSError:
        said = {"ID": platform.system().lower(), "VERSION_ID": platform.release()}
    return Component(
        name=said["ID"],
        version=said.get("VERSION_ID"),
        type=ComponentType.OPERATING_SYSTEM,
        description=said.get("PRETTY_NAME"),
        bom_ref="platform:operating-system",
    )


def debian_packages(status: Path = _STATUS) -> tuple[Component, ...]:
    """Every package that dpkg has installed on this machine, or in this container.

    Raises
    ------
    SettingsRefused
        This is not Debian, or its list cannot be read.
    """
    try:
        text = status.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SettingsRefused(
            f"{status} cannot be read, so that the packages of the operating system are not known: "
            "--system works on Debian and what is made of it"
        ) from error
    listed = [dict(_FIELD.findall(block)) for block in text.split("\n\n")]
    found = {
        (one["Package"], one.get("Architecture", "all")): one["Version"]
        for one in listed
        if one.get("Status") == _INSTALLED
    }
    return tuple(
        package("deb/debian", name, version, inside=f"{architecture}/")
        for (name, architecture), version in sorted(found.items())
    )
