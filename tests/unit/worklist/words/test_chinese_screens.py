"""Every screen of a rich day in Chinese: no English word stands on it but those declared here.

The tests beside this one enumerate sentences that code can say; this one looks at what comes out,
whoever said it and however it got there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from database.uploads.file_refusal import FileRefusal
from radiology.language import Language
from settings.environment import Settings
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import study_with_slices
from tests.unit.worklist.upload.sent_upload import one, send
from tests.unit.worklist.upload.test_upload_answer import _SLICE_ANSWER, answered
from tests.unit.worklist.words.latin_words import latin_words
from tests.unit.worklist.words.rich_day import seed_rich_day
from worklist.administration.screen import administration_screen
from worklist.list.query import ListQuery
from worklist.list.screen import list_screen
from worklist.page.screens import PageContext
from worklist.page.templates import make_templates
from worklist.words.stored_words import GENERAL
from worklist.words.translations import use_language

_CHINESE = {"Cookie": "firstread_language=zh"}

UNITS = {"ml", "mm", "HU", "min", "mmHg", "mmol", "mg", "MB", "GB", "kB", "ms"}
OF_THE_FIELD = {
    *(
        "CT",
        "STAT",
        "HIGH",
        "ROUTINE",
        "DICOM",
        "HL",
        "PACS",
        "SOP",
        "UID",
        "AE",
        "SR",
        "SC",
        "SEG",
    ),
    *(
        "C-ECHO",
        "C-STORE",
        "PPV",
        "NPV",
        "Wilson",
        "PNG",
        "JPEG",
        "zip",
        "QR",
        "UTC",
        "concatenation",
    ),
    *("SpO", "PaO", "FiO", "MosMed", "CURB", "qCSI", "COVID", "StudyInstanceUID", "sha"),
}
"""Terms that Chinese radiologists and administrators write so, and DICOM's keywords."""
OF_FIRSTREAD = {
    *("Firstread", "firstread", "users", "add", "url", "CPUExecutionProvider"),
    *("docs", "hospital", "day", "md", "results", "withdraw", "dicom", "tls"),
    "OHIF",  # where it is unpacked, the page offers it
    "TEST",  # the name of the patient whom the doctor sends
}
"""Our name, commands, settings, and what computed."""
OF_THE_SITE = {
    *("pacs", "pager", "dr-a", "LAB", "local", "chest-ct-pneumonia", "ct", "ct-ai", "FIRSTREAD"),
    *("analysis", "head-ct-test"),  # in the names of processes, and of a bundle
}
CITATIONS = (
    "Morozov et al. 2020, arXiv:2005.06465 (Class C annotation)",
    "Pan et al. 2020, Radiology 295:715, doi:10.1148/radiol.2020200370",
    "Knight et al. 2020, BMJ 370:m3339, doi:10.1136/bmj.m3339",
    "Lim et al. 2003, Thorax 58:377, doi:10.1136/thorax.58.5.377",
    "Haimovich et al. 2020, Ann Emerg Med 76:442, doi:10.1016/j.annemergmed.2020.07.022",
)
"""Publications by their own names; the page marks them as English."""


def _left(html: str, *, bundles_own: bool = False) -> dict[str, str]:
    """Words that are declared nowhere, each with a text in which it stands."""
    allowed = UNITS | OF_THE_FIELD | OF_FIRSTREAD | OF_THE_SITE | set(GENERAL)
    return {
        word: text
        for word, text in latin_words(html, bundles_own=bundles_own)
        if word not in allowed and not any(text in cited for cited in CITATIONS)
    }


def test_a_word_that_is_not_declared_is_found() -> None:
    """In text, in what is spoken, in what a script says; not in code, nor in marked titles."""
    html = """<html lang="zh-CN"><p>状态 committed <code>code</code> 5 mm</p>
        <img alt="spoken"><button lang="en-GB">English</button>
        <p data-gone-words="told {number}">肺 <span lang="en-GB">lobe</span></p></html>"""
    assert set(_left(html)) == {"committed", "spoken", "told", "lobe"}
    assert set(_left(html, bundles_own=True)) == {"committed"}


def test_every_screen(hospital: SeededHospital, visitor: Visitor) -> None:
    """The list, every kind of study, and the pages beside them."""
    studies = seed_rich_day(hospital)
    pages = {page: page for page in _PAGES} | {
        name: f"/studies/{uid}" for name, uid in studies.items()
    }
    left = {}
    for name, address in pages.items():
        answer = visitor.get(address, _CHINESE)
        assert answer.status_code == 200, (name, answer.text)
        head = name in ("/", "/?show=urgent", "head")  # a row of the list has its titles too
        left[name] = _left(answer.text, bundles_own=head)
    # The title of a drawing cannot be marked, and "No" is too short to tell from a unit.
    assert set(left.pop("head")) <= {"No", "Volume", "of", "blood"}
    assert {name: words for name, words in left.items() if words} == {}
    assert len(pages) > 20


def test_the_tab_stays_chinese(hospital: SeededHospital, worklist_settings: Settings) -> None:
    """A stream brings the title of its screen too, and it is not translated in the browser."""
    context = PageContext(
        worklist_settings, hospital.engine, make_templates(), lambda: hospital.now
    )
    use_language(Language.CHINESE)
    try:
        titles = {list_screen(context, ListQuery()).title, administration_screen(context).title}
    finally:
        use_language(Language.ENGLISH)
    assert titles == {"工作列表", "管理"}


_PAGES = ("/", "/help", "/?show=urgent", "/administration", "/scorecard", "/upload", "/account")


@pytest.mark.parametrize("address", ["/nowhere", "/studies/1.2.3", "/scorecard?first=x"])
def test_errors(visitor: Visitor, address: str) -> None:
    """What a person reads who asks for what is not there."""
    assert _left(visitor.get(address, _CHINESE).text) == {}


def test_names_of_slices(hospital: SeededHospital, visitor: Visitor) -> None:
    """The viewer says "image 39" as the worker wrote it, unless the page translates it; and what
    is outlined, as the stack names it."""
    result_id = study_with_slices(hospital).result_id
    index = visitor.get(f"/results/{result_id}/slices", _CHINESE).json()
    english = visitor.get(f"/results/{result_id}/slices").json()
    assert len(index["names"]) == english["slices"]
    assert english["names"][0].startswith("image ")
    assert all(name.startswith("图像 ") for name in index["names"])
    assert {"Right lung", "Consolidation"} <= set(index["words"])
    assert not [one for one in index["words"].values() if one.isascii()]


def test_the_answer_of_an_upload(app_with: Callable[..., Any], hospital: SeededHospital) -> None:
    """A slice with its signs, and a file that was not read."""
    app, _ = app_with()
    send(app, one(b"abc"))
    sign = {"sign": "crazy_paving", "probability": 0.71, "threshold": 0.5, "present": True}
    refusals = (FileRefusal("1.2", 77, "UploadRefused", "The file is empty"),)
    token = answered(
        hospital, kind="slice", answer={**_SLICE_ANSWER, "signs": [sign]}, refusals=refusals
    )
    page = Visitor(app).get(f"/uploads/{token}", _CHINESE).text
    assert set(_left(page)) <= {"http", token}
