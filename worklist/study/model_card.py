"""The model card of the bundle that made a result, as a page.

The card is Markdown and comes with the bundle, which may be somebody else's: it is rendered
without raw HTML, without pictures, and with links to web pages only.
"""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import APIRouter, HTTPException
from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.responses import HTMLResponse

from database.results.facts import result_reading
from database.session import query
from models.older_readings import reading_if_readable
from radiology.algorithm import AlgorithmIdentity
from worklist.page.current_reader import CurrentReader
from worklist.page.pictures import ResultId
from worklist.page.screens import PageContext

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CARD = "MODEL_CARD.md"
_MOST_BYTES = 1_000_000
_LOWEST_HEADING = 6


class _Card(MarkdownIt):
    """Markdown whose links lead to web pages only."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 the library's name
        return url.startswith(("https://", "http://"))


def model_card_routes(context: PageContext) -> APIRouter:
    """`GET /results/{result_id}/model-card`."""
    router = APIRouter(default_response_class=HTMLResponse)

    @router.get("/results/{result_id}/model-card")
    def model_card(result_id: ResultId, _reader: CurrentReader) -> str:
        with query(context.engine) as session:
            found = result_reading(session, result_id)
        if found is None:
            raise HTTPException(404)
        uid, facts = found
        reading = reading_if_readable(facts)
        algorithm = None if reading is None else reading.algorithm
        path = card_of(context.settings.bundles_folder, algorithm)
        text = None if path is None else _read(path)
        return context.templates.get_template("study/model_card.html").render(
            title="" if algorithm is None else f"{algorithm.name} {algorithm.version}",
            urgent=None,
            algorithm=algorithm,
            uid=uid,
            card=None if text is None else render_card(text),
        )

    return router


def card_of(bundles_folder: Path, algorithm: AlgorithmIdentity | None) -> Path | None:
    """Where the card of a reading's bundle lies; None where the bundle is no longer there."""
    if algorithm is None or not (
        _NAME.fullmatch(algorithm.name) and _NAME.fullmatch(algorithm.version)
    ):
        return None
    folder = bundles_folder.resolve()
    path = (folder / algorithm.name / algorithm.version / _CARD).resolve()
    return path if path.is_relative_to(folder) and path.is_file() else None


def render_card(text: str) -> str:
    """Markdown as HTML that may stand in a page.

    Its headings begin one level below that of the page, and each table scrolls by itself.
    """
    markdown = _Card("js-default", {"html": False, "linkify": False, "typographer": False})
    markdown.disable("image")
    tokens = markdown.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + 1, _LOWEST_HEADING)}"
    for token in tokens:
        token.attrs.pop("style", None)  # the page allows no style in its markup
    _open_elsewhere(tokens)
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    table = (
        '<div class="wide" tabindex="0" role="group" aria-label="Table, scrolls sideways"><table>'
    )
    return html.replace("<table>", table).replace("</table>", "</table></div>")


def _open_elsewhere(tokens: list[Token]) -> None:
    """What a card links to is somebody else's: it does not learn where the reader came from."""
    for token in tokens:
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("rel", "noopener noreferrer")


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
