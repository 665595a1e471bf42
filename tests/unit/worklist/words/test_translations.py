"""The page in another language: complete, chosen by the site or the reader, and still only text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from radiology.language import Language
from settings.environment import Settings
from tests.unit.worklist.access.visitor import OWN_FORM, OWN_ORIGIN, Visitor, row_text
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.words.page_texts import (
    TEMPLATES,
    texts_of_modules,
    texts_of_tables,
    texts_of_templates,
    unmarked_texts,
    unmarked_texts_of,
)
from worker.encode.picture.texts_chinese import CHINESE
from worklist.app import create_app
from worklist.page.templates import make_templates
from worklist.words import translations
from worklist.words.translations import (
    LOCALE_FOLDER,
    catalogue,
    translated,
    translated_row,
    use_language,
)

_CHINESE = {"Cookie": "firstread_language=zh"}


@pytest.fixture(autouse=True)
def _english_again() -> None:
    use_language(Language.ENGLISH)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_text_of_a_template_is_marked(template: str) -> None:
    """No template says anything past the translation."""
    assert unmarked_texts(template) == []


def test_an_unmarked_text_is_found() -> None:
    """The check sees text, spoken attributes and literals in expressions, and nothing else."""
    template = """<p class="quiet">Plain {{ _("marked") }} {{ row.value }} <code>code</code></p>
        <a title="Spoken">{{ "yes" if row else _("no") }}</a>
        {% if word == "other" %}17 ml{% endif %}
    """
    assert unmarked_texts_of(template) == ["Plain", "Spoken", "yes"]


@pytest.mark.parametrize(
    ("where", "texts"),
    [
        ("templates", texts_of_templates()),
        ("modules", texts_of_modules()),
        ("tables", texts_of_tables()),
    ],
)
def test_every_marked_text_has_its_chinese(where: str, texts: dict[str, str] | set[str]) -> None:
    """What is marked is translated: a Chinese page has no English sentence of ours."""
    assert texts, where
    known = catalogue(Language.CHINESE)
    assert sorted(text for text in texts if text not in known) == []


@pytest.mark.parametrize("path", sorted(LOCALE_FOLDER.glob("*/*.po")), ids=lambda path: path.name)
def test_figures_have_their_place_in_every_language(path: Path) -> None:
    """A translation has the placeholders of its original, so no figure is lost."""
    with path.open("rb") as file:
        for message in read_po(file, abort_invalid=True):
            places = re.compile(r"%\(\w+\)s|\{\w*\}")
            assert sorted(places.findall(str(message.id))) == sorted(
                places.findall(str(message.string))
            ), message.id


@pytest.mark.parametrize("path", sorted(LOCALE_FOLDER.glob("zh/*.po")), ids=lambda path: path.name)
def test_chinese_sentences_have_chinese_punctuation(path: Path) -> None:
    """After a Chinese character stands the full-width comma, colon or semicolon of Chinese."""
    with path.open("rb") as file:
        said = [str(message.string) for message in read_po(file, abort_invalid=True)]
    assert said
    assert [one for one in said if re.search("[\u4e00-\u9fff][,:;]", one)] == []


def test_row_texts_read_as_on_the_key_picture() -> None:
    """A sentence reads alike on the page and on the picture that PACS shows."""
    with (LOCALE_FOLDER / "zh" / "rows.po").open("rb") as file:
        different = {
            str(message.id): (message.string, CHINESE.get(str(message.id)))
            for message in read_po(file)
            if message.string != CHINESE.get(str(message.id), message.string)
        }
    assert different == {}


def test_the_site_chooses_the_language(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """The setting decides what a reader sees who chose nothing."""
    chinese = worklist_settings.model_copy(update={"language": Language.CHINESE})
    page = Visitor(create_app(chinese, hospital.engine, clock=lambda: hospital.now)).get("/").text
    assert '<html lang="zh-CN">' in page
    assert "<title>(2) 工作列表 – Firstread</title>" in page
    urgent = row_text(page, ordinary_day.urgent)
    assert "紧急" in urgent
    assert "病变占肺比例 11.9\u00a0%" in urgent.replace(" %", "\u00a0%")
    assert "男, 63 岁" in urgent


def test_the_reader_chooses_another(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A choice on the page wins over the setting, and can be taken back there."""
    english, chinese = visitor.get("/").text, visitor.get("/", _CHINESE).text
    assert '<html lang="en-GB">' in english
    assert 'value="zh" lang="zh-CN">中文' in english
    assert '<html lang="zh-CN">' in chinese
    assert 'value="en" lang="en-GB">English' in chinese


def _choose(visitor: Visitor, referer: str, language: str = "zh") -> tuple[int, str, str]:
    headers = {**OWN_FORM, "Referer": referer}
    answer = visitor.post("/language", headers, {"language": language})
    return (
        answer.status_code,
        answer.headers.get("location", ""),
        answer.headers.get("set-cookie", ""),
    )


def test_a_choice_is_kept_and_leads_back(visitor: Visitor) -> None:
    """The button keeps the choice in a cookie and shows the same page again."""
    status, back, cookie = _choose(visitor, f"{OWN_ORIGIN}/?show=urgent")
    assert (status, back) == (303, "/?show=urgent")
    assert cookie.startswith("firstread_language=zh;")
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "http://elsewhere.example/x",
        f"{OWN_ORIGIN}//elsewhere.example",
        f"{OWN_ORIGIN}/\\e",
        "[",
        f"{OWN_ORIGIN}/jobs/1/retry",
        f"{OWN_ORIGIN}/no-such-page",
    ],
)
def test_a_choice_never_leads_elsewhere(visitor: Visitor, referer: str) -> None:
    """Whatever the browser says it comes from, it is sent to one of our pages.

    What answers a form is none: a page with a refusal has the address of the form.
    """
    status, back, _ = _choose(visitor, referer)
    assert (status, back) == (303, "/")


def test_a_language_that_we_do_not_speak(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """An unknown language is refused in the form, and not listened to in the cookie."""
    assert _choose(visitor, "", "../zh")[0] == 400
    page = visitor.get("/", {"Cookie": "firstread_language=../../etc"}).text
    assert '<html lang="en-GB">' in page


def test_errors_are_translated_too(visitor: Visitor) -> None:
    """Refusals and errors speak the reader's language, those of the guard as well."""
    assert "没有该页面" in visitor.get("/nowhere", _CHINESE).text
    refused = visitor.get("/", {**_CHINESE, "Host": "elsewhere.example"}).text
    assert "该页面仅在本机应答" in refused


@pytest.mark.parametrize("hostile", ["<b>%(x)s %d 100 %</b>", "", "%", "{}", "{0.__class__}"])
def test_what_is_no_text_of_ours_stays_as_it_is(hostile: str) -> None:
    """A text from a row may pass through the translation: it is neither HTML nor a format."""
    use_language(Language.CHINESE)
    assert translated(hostile) == translated_row(hostile) == hostile
    template = make_templates().from_string("{{ _(text) }}|{{ _('Supersedes %(n)s.', n=text) }}")
    said, placed = template.render(text=hostile).split("|")
    escaped = hostile.replace("<", "&lt;").replace(">", "&gt;")
    assert said == escaped
    assert placed == f"Supersedes {escaped}."


def test_a_sentence_of_a_row_keeps_its_figures() -> None:
    """What the worker wrote is looked up without its numbers and said with them."""
    use_language(Language.CHINESE)
    assert translated_row("at least 40 HU between") == "at least 40 HU between"
    assert translated_row("at most 5 mm") == "至多 5 mm"
    lost = "The peer does not answer. (host=10.1.4.20, port=104)"
    assert translated_row(lost) == "对方没有应答。 (host=10.1.4.20, port=104)"
    assert translated_row("at most 17.5 % of slices cut") == "至多 17.5 % 的层面被截断"


def test_two_files_that_disagree_are_a_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two translations of one text are refused at the start, with the file and the text."""
    folder = tmp_path / "zh"
    folder.mkdir()
    for name, said in (("a", "一"), ("b", "二")):
        (folder / f"{name}.po").write_text(f'msgid "One"\nmsgstr "{said}"\n', encoding="utf-8")
    monkeypatch.setattr(translations, "LOCALE_FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"b\.po translates differently: One"):
        catalogue.__wrapped__(Language.CHINESE)
