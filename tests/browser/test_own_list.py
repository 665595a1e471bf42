"""The list as a reader makes it: names, orders, columns, saved filters; by keys and at each width.

One page for all of it: a browser and a server take longer to start than to be asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from settings.page.worklist_list import WorklistList
from tests.browser.accessibility import grave_faults
from tests.builders.stored.readers import sign_in_browser
from tests.unit.worklist.list.asked_list import headed
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital

pytestmark = pytest.mark.browser
LIVE_MS = 20_000
WIDTHS = {"desk": (1440, 900), "table": (1364, 768), "small": (1024, 768), "phone": (390, 844)}
_LINES = """one => {
    const words = document.createRange();
    words.selectNodeContents(one.lastChild);
    return words.getClientRects().length;
}"""


@pytest.fixture
def worklist_list() -> WorklistList:
    """Give a page that shows names."""
    return WorklistList(patient_names=True)


@pytest.fixture
def named_day(hospital: SeededHospital, ordinary_day: OrdinaryDay) -> OrdinaryDay:
    """Give the hospital's day with what the scanners said of it."""
    said = {
        "urgent": (
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "2026-11-21T08:31:12",
            "CT Thorax nativ",
        ),
        "urgent_later": ("Müller-Lüdenscheidt^Anna Maria^^Dr.", "2026-11-21T08:45:59", "CT Thorax"),
        "suspected": ("王^小东", "2026-11-20T17:02:00", "胸部CT平扫"),
        "routine": ("Doe^Jane", "2026-11-21", "CHEST W/O CONTRAST"),
    }
    for study, (name, at, description) in said.items():
        headed(
            hospital,
            getattr(ordinary_day, study),
            patient_name=name,
            scanned_at=at,
            study_description=description,
            series_description="Lung 1.0 B70f",
            body_part="CHEST",
        )
    return ordinary_day


def _row(reader: Page, uid: str) -> str:
    return re.sub(r"\s+", " ", reader.locator(f"[data-part='{uid}']").inner_text())


def _parts(reader: Page) -> list[str | None]:
    return [row.get_attribute("data-part") for row in reader.locator("[data-rows] > tr").all()]


def test_a_reader_makes_the_list_their_own(reader: Page, named_day: OrdinaryDay) -> None:
    """By name, by a column's head, by keys; columns and filters are there after a reload."""
    reader.goto("/")
    assert "Müller-Lüdenscheidt, Anna Maria, Dr." in _row(reader, named_day.urgent_later)
    assert "2026-11-20 17:02" in _row(reader, named_day.suspected)
    reader.keyboard.press("/")
    reader.keyboard.type("ludenscheidt ANNA")
    reader.keyboard.press("Enter")
    expect(reader.locator("[data-rows] > tr")).to_have_count(1)
    assert _parts(reader) == [named_day.urgent_later]
    assert "denscheidt" not in reader.url
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    expect(reader.locator("[data-rows] > tr")).to_have_count(1)

    reader.goto("/?show=all")
    reader.get_by_role("link", name="Sort by Scan date").press("Enter")
    expect(reader).to_have_url(re.compile(r"/\?sort=-scanned$"))
    expect(reader.locator("th.scan")).to_have_attribute("aria-sort", "descending")
    assert _parts(reader)[:4] == [
        named_day.urgent_later,
        named_day.urgent,
        named_day.routine,
        named_day.suspected,
    ]
    reader.locator("#saving summary").press("Enter")
    reader.get_by_label("Save what is shown here as").fill("Newest scans")
    reader.keyboard.press("Enter")
    saved = reader.get_by_role("navigation", name="Saved filters").get_by_role("link")
    expect(saved).to_have_text(["Newest scans"])
    expect(saved).to_have_attribute("aria-current", "true")
    reader.locator("#saving summary").click()
    reader.get_by_role("button", name="Show first").press("Enter")
    reader.goto("/")
    expect(reader.locator("th.scan")).to_have_attribute("aria-sort", "descending")

    reader.locator("#columns summary").press("Enter")
    reader.get_by_label("Measured").press("Space")
    reader.get_by_label("Key picture").press("Space")
    reader.get_by_role("button", name="Show these columns").press("Enter")
    expect(reader.locator("th.share")).to_have_count(0)
    expect(reader.locator("td.picture")).to_have_count(0)
    reader.reload()
    expect(reader.locator("th.share")).to_have_count(0)
    expect(reader.locator("#live")).to_have_attribute("data-state", "live", timeout=LIVE_MS)
    expect(reader.locator("td.picture")).to_have_count(0)
    mark = "row => getComputedStyle(row.querySelector('td'), '::before').width"
    assert reader.locator(f"[data-part='{named_day.urgent}']").evaluate(mark) == "4px"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_fits_each_width(
    browser: Browser,
    address: str,
    named_day: OrdinaryDay,
    keep_picture: Callable[..., None],
    language: str,
) -> None:
    """Nothing is cut or overlaps, the urgent mark stays, and axe finds nothing grave."""
    context = browser.new_context(base_url=address)
    sign_in_browser(context, address)
    context.add_cookies([{"name": "firstread_language", "value": language, "url": address}])
    page = context.new_page()
    page.goto("/?show=all")
    for name, (width, height) in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        urgent = page.locator(f"[data-part='{named_day.urgent}']")
        expect(urgent.locator(".verdict")).to_be_visible()
        expect(urgent.locator(".named").get_by_text("山田 太郎")).to_be_visible()
        expect(urgent.locator("td.scan time")).to_be_visible()
        assert {
            one.evaluate(_LINES) for one in page.locator("a.open", has_text="A26112108").all()
        } == {1}, name
        figure = urgent.locator("td.share")
        assert figure.is_visible() == (width >= 1345), name  # where its head stands above it
        said = " ".join(str(figure.text_content()).split())
        expect(urgent.locator("td.found")).to_contain_text(said)
        too_wide = "document.documentElement.scrollWidth - window.innerWidth"
        assert page.evaluate(too_wide) <= 0, (language, name)
        assert grave_faults(page) == [], (language, name)
        if (language, name) == ("en", "desk"):
            keep_picture(page, "worklist-names-desk")
    context.close()
