"""An installation without a network: the script that is carried over, with a folder of two wheels.

The whole folder, with everything in it, is made and installed by hand (docs/air-gapped.md).
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.peers.programs import REPOSITORY, require_program

_NOWHERE = "http://127.0.0.1:9"  # the port of discard: nobody answers


def _wheel(folder: Path, name: str, version: str, source: str, script: str = "") -> Path:
    """The smallest wheel that pip installs (PEP 427)."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{script}\n"
    lines = [f"{path},sha256={_urlsafe(text)},{len(text.encode())}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return target


def _urlsafe(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def carried(tmp_path: Path) -> Path:
    """A folder as `make wheelhouse` leaves it, of a Firstread that can only say its version."""
    folder = tmp_path / "carried"
    needed = _wheel(folder / "wheels", "needed", "1.5", "WORD = 'needed'\n")
    _wheel(
        folder / "firstread",
        "firstread",
        "9.9",
        "import needed\n\ndef main():\n    print('firstread 9.9 with', needed.WORD)\n",
        script="firstread = firstread:main\nstorescu = firstread:main",
    )
    digest = hashlib.sha256(needed.read_bytes()).hexdigest()
    (folder / "requirements.lock").write_text(f"needed==1.5 \\\n    --hash=sha256:{digest}\n")
    (folder / "docs").mkdir()
    (folder / "docs" / "day.md").write_text("# Day\n")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / "python").write_text(f"{sys.implementation.name} {version} {platform.machine()}\n")
    shutil.copy(REPOSITORY / ".ci" / "install-without-network", folder / "install")
    _sum(folder)
    return folder


def _sum(folder: Path) -> None:
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"
    )
    (folder / "SHA256SUMS").write_text(
        "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(folder)}\n"
            for path in files
        )
    )


def _install(folder: Path, prefix: Path) -> subprocess.CompletedProcess[str]:
    """Install where every way to an index leads nowhere."""
    require_program("bash", package="bash")
    nowhere = dict.fromkeys(("PIP_INDEX_URL", "http_proxy", "https_proxy"), _NOWHERE)
    return subprocess.run(
        [folder / "install", prefix, sys.executable],
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(300)  # pip is slow where others compute too
def test_it_is_installed_and_brought_to_a_newer_version(carried: Path, tmp_path: Path) -> None:
    """From the folder alone; what is exchanged with its sum is refused by the lock file."""
    prefix = tmp_path / "opt"
    done = _install(carried, prefix)
    assert done.returncode == 0, done.stderr
    assert "firstread 9.9 with needed" in done.stdout
    assert (prefix / "docs" / "day.md").is_file()
    assert not (prefix / "bin" / "storescu").exists()  # it would hide dcmtk's

    (old,) = (carried / "firstread").iterdir()
    old.unlink()
    _wheel(
        carried / "firstread",
        "firstread",
        "10.0",
        "def main():\n    print('firstread 10.0')\n",
        script="firstread = firstread:main",
    )
    _sum(carried)
    done = _install(carried, prefix)
    assert done.returncode == 0, done.stderr
    assert "firstread 10.0" in done.stdout

    (needed,) = (carried / "wheels").iterdir()
    needed.unlink()
    _wheel(carried / "wheels", "needed", "1.6", "WORD = 'exchanged'\n")
    lock = carried / "requirements.lock"
    lock.write_text(lock.read_text().replace("needed==1.5", "needed==1.6"))
    _sum(carried)
    done = _install(carried, prefix)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr


def _damaged(folder: Path) -> str:
    with next((folder / "wheels").iterdir()).open("ab") as file:
        file.write(b" ")
    return "not the one that was packed"


def _added(folder: Path) -> str:
    _wheel(folder / "wheels", "needed", "1.6", "WORD = 'another'\n")
    return "was added that was not packed: ./wheels/needed-1.6"


def _for_another_python(folder: Path) -> str:
    (folder / "python").write_text("cpython 3.99 x86_64\n")
    _sum(folder)
    return "the wheels are for cpython 3.99 x86_64"


@pytest.mark.parametrize("fault", [_damaged, _added, _for_another_python])
def test_what_did_not_arrive_whole_is_not_installed(
    carried: Path, tmp_path: Path, fault: object
) -> None:
    assert callable(fault)
    said = fault(carried)
    done = _install(carried, tmp_path / "opt")
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "opt").exists()
