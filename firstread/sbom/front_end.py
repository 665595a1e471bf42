"""What the page brings into the browser: the viewer's library, OHIF, and the fonts."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any, Final

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.component import Component

import worklist
from firstread.sbom.described import file_component, own_property, package
from radiology.errors import SettingsRefused

_ROOT: Final = Path(worklist.__file__).parent.parent
_LIBRARY: Final = "worklist/viewer/static/cornerstone.js"
_LICENCES: Final = "worklist/viewer/static/cornerstone.LICENSES.txt"
_BETWEEN: Final = re.compile(r"^-{80}\n", re.MULTILINE)
_EXACT: Final = re.compile(r"\d+\.\d+\.\d+[\w.+-]*")
_OFL: Final = "OFL-1.1"
FONTS: Final = {
    "worklist/page/static/inter.woff2": ("Inter", ""),
    "worker/encode/picture/fonts/noto-sans-sc-subset.ttf": ("Noto Sans SC, subset", "2.004"),
}
"""Every font that is shipped: what it is called, and its version where it is known."""


def viewer_library() -> Component:
    """The one module of others that the slice viewer loads, and each package that is in it."""
    blocks = _BETWEEN.split((_ROOT / _LICENCES).read_text(encoding="utf-8"))
    parts = []
    for block in blocks:
        head, licence, *_ = block.strip().splitlines()
        name, _, version = head.rpartition(" ")
        parts.append(package("npm", name, version, licence=licence, inside="cornerstone.js/"))
    library = file_component(_ROOT / _LIBRARY, _LIBRARY)
    library.components = parts
    return library


def fonts() -> tuple[Component, ...]:
    """The fonts of the page and of the pictures."""
    found = []
    for name, (title, version) in FONTS.items():
        one = file_component(_ROOT / name, name, licence=_OFL)
        one.description = title
        one.version = version or None
        found.append(one)
    return tuple(found)


def ohif(folder: Path) -> Component:
    """OHIF as it is unpacked, and what its package says that it was built from.

    Parameters
    ----------
    folder : of the built package, `package/dist`

    Raises
    ------
    SettingsRefused
        Its package.json is missing or damaged.
    """
    try:
        whole: dict[str, Any] = json.loads((folder.parent / "package.json").read_bytes())
        name, version, licence = (str(whole[key]) for key in ("name", "version", "license"))
        needed = {str(one): str(at) for one, at in whole.get("dependencies", {}).items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise SettingsRefused(
            f"{folder.parent / 'package.json'} does not say what OHIF is: install it again with "
            "make viewer"
        ) from error
    return ohif_package(name, version, licence=licence, needed=needed)


def ohif_package(
    name: str, version: str, *, licence: str, needed: dict[str, str], sha512: str = ""
) -> Component:
    """OHIF by its npm package.

    Parameters
    ----------
    needed : versions by name, as its package.json has them; a range is left out, because the
        version that was built in is not told
    sha512 : of the package in base64, as npm writes it; "" where it is no longer at hand
    """
    basis = [own_property("named-by", "package.json of OHIF")]
    digest = base64.b64decode(sha512).hex()
    return package(
        "npm",
        name,
        version,
        licence=licence,
        hashes=[HashType(alg=HashAlgorithm.SHA_512, content=digest)] if digest else [],
        parts=[
            package(
                "npm", one, at if _EXACT.fullmatch(at) else "", inside="ohif/", properties=basis
            )
            for one, at in sorted(needed.items())
        ],
    )


def shipped() -> tuple[Component, ...]:
    """What every installation has."""
    return (viewer_library(), *fonts())
