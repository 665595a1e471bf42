"""Asks a database of known vulnerabilities about every package of a bill of materials.

    .venv/bin/python .ci/audit.py build/sbom.json [URL]

The bill is CycloneDX in JSON: that of a release (`make sbom`), or of an installation
(`firstread sbom`). The database is OSV (https://google.github.io/osv.dev/api/), or one that answers
in the same form at URL. What is told it are names and versions of packages.

Exit status: 0 nothing is known; 1 something is; 2 nobody was asked, or not about everything.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OSV = "https://api.osv.dev"
KNOWN, NOT_ASKED = 1, 2
_AT_A_TIME = 500  # OSV takes 1,000
_TIMEOUT_S = 30.0
_ASKED = ("pkg:pypi/", "pkg:npm/")


class NotAsked(Exception):
    """The question was not answered: that is not the answer that nothing is known."""


def package_urls(bill: dict[str, Any]) -> list[str]:
    """The package URLs with a version, those of parts of packages too, each once."""
    return sorted(set(_walk(bill.get("components", []))))


def _walk(components: list[dict[str, Any]]) -> Iterator[str]:
    for one in components:
        url = one.get("purl", "")
        if url.startswith(_ASKED) and one.get("version"):
            yield url
        yield from _walk(one.get("components", []))


def known_vulnerabilities(urls: list[str], database: str) -> dict[str, list[str]]:
    """Identifiers by package URL; packages of which none is known are left out.

    Raises
    ------
    NotAsked
        The database does not answer, or not about each package.
    """
    found: dict[str, list[str]] = {}
    for start in range(0, len(urls), _AT_A_TIME):
        asked = urls[start : start + _AT_A_TIME]
        for url, answer in zip(asked, _ask(asked, database), strict=True):
            names = [str(one["id"]) for one in answer.get("vulns", [])]
            if names:
                found[url] = sorted(names)
    return found


def _ask(urls: list[str], database: str) -> list[dict[str, Any]]:
    question = {"queries": [{"package": {"purl": url}} for url in urls]}
    request = urllib.request.Request(  # noqa: S310 the address is the maintainer's
        f"{database}/v1/querybatch",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
            answers = json.load(response)["results"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "reason", None) or error
        raise NotAsked(f"{database} did not answer: {reason}") from error
    if not isinstance(answers, list) or len(answers) != len(urls):
        raise NotAsked(f"{database} did not answer about each package")
    return [one or {} for one in answers]


def main(words: list[str]) -> int:
    """Ask, and say what is known."""
    bill, database = Path(words[0]), (words[1] if len(words) > 1 else OSV)
    urls = package_urls(json.loads(bill.read_text(encoding="utf-8")))
    try:
        if not urls:
            raise NotAsked(f"{bill} names no package")
        found = known_vulnerabilities(urls, database)
    except NotAsked as error:
        sys.stderr.write(
            f"NOTHING WAS CHECKED. {error}.\nRun this where the database can be reached, or give "
            "build/sbom.json to a scanner that has one of its own.\n"
        )
        return NOT_ASKED
    for url, names in found.items():
        sys.stdout.write(f"{url}: {', '.join(names)}\n")
    sys.stdout.write(
        f"{len(urls)} packages asked about at {database}; {len(found)} have entries.\n"
    )
    return KNOWN if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
