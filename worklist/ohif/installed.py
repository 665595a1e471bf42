"""Where OHIF's built package lies, and what of it has to be said otherwise for our address.

The package is built to be served at the root of a host (`make viewer` unpacks it). We serve it
below `/ohif/`, so the addresses in its start page, and the one from which its scripts load others,
are written anew as they are served; the files stay as they came. What stands within its start page
as a script is served as a file, because our policy lets no page run what is written in it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from settings.environment import Settings

OHIF: Final = "/ohif"
START_PAGE: Final = "index.html"
START_SCRIPT: Final = "firstread-start.js"
CONFIGURATION: Final = "app-config.js"
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_ROOT_ADDRESS = re.compile(rb'\b(src|href|content)="/(?!/)')
_IN_STYLES = re.compile(rb"url\((['\"]?)/(?!/)")
_PUBLIC_PATH: Final = b'__webpack_require__.p = "/"'
_PUBLIC_URL: Final = b'window.PUBLIC_URL="/"'


def ohif_folder(settings: Settings) -> Path | None:
    """The folder of the built package; None where it is not installed."""
    folder = settings.study_page.ohif_folder.resolve()
    return folder if (folder / START_PAGE).is_file() else None


def file_within(folder: Path, name: str) -> Path | None:
    """A file of the package; None when there is none of that name in it."""
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def start_page(folder: Path) -> bytes:
    """The start page, with our addresses and without scripts written in it."""
    page = (folder / START_PAGE).read_bytes()
    script = f'<script src="{OHIF}/{START_SCRIPT}"></script>'.encode()
    page = _ROOT_ADDRESS.sub(rb'\1="' + OHIF.encode() + b"/", page)
    page = _INLINE.sub(b"", page)
    return page.replace(b"</title>", b"</title>" + script, 1)


def start_script(folder: Path) -> bytes:
    """What the start page has as scripts written in it, in their order."""
    scripts = _INLINE.findall((folder / START_PAGE).read_bytes())
    return b";\n".join(scripts).replace(_PUBLIC_URL, f'window.PUBLIC_URL="{OHIF}/"'.encode())


def text(path: Path) -> bytes:
    """A script or a style sheet of the package, loading others from our address."""
    return _text(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=128)
def _text(path: Path, _modified_ns: int) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".css":
        return _IN_STYLES.sub(rb"url(\1" + OHIF.encode() + b"/", content)
    return content.replace(_PUBLIC_PATH, f'__webpack_require__.p = "{OHIF}/"'.encode())
