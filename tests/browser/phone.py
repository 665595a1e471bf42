"""A telephone's browser: fingers that move, and fingers that tap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Browser, CDPSession, Locator, Page

from tests.builders.stored.readers import sign_in_browser
from tests.peers.waiting import WaitedTooLong, wait_until


@contextmanager
def phone(
    browser: Browser, address: str
) -> Iterator[tuple[Page, Callable[..., None], Callable[[Locator], None]]]:
    """A telephone's browser; what puts fingers down, moves and lifts them; and what taps.

    Playwright puts a finger down and lifts it by two messages. On a machine so busy that it lies
    there for long, it is no tap to the browser, and is put down again.
    """
    context = browser.new_context(
        base_url=address,
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
    )
    sign_in_browser(context, address)
    page = context.new_page()
    session: CDPSession = context.new_cdp_session(page)

    def send(kind: str, points: list[tuple[float, float]]) -> None:
        session.send(
            "Input.dispatchTouchEvent",
            {
                "type": kind,
                "touchPoints": [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)],
            },
        )

    def touch(start: list[tuple[float, float]], end: list[tuple[float, float]]) -> None:
        send("touchStart", start)
        for step in range(1, 9 if end else 1):
            moved = [
                (x + (to_x - x) * step / 8, y + (to_y - y) * step / 8)
                for (x, y), (to_x, to_y) in zip(start, end, strict=True)
            ]
            send("touchMove", moved)
        send("touchEnd", [])

    def tap(button: Locator) -> None:
        for _ in range(3):
            button.evaluate(
                """(button) => {
                  window.clicked = false;
                  const note = () => { window.clicked = true; };
                  button.addEventListener("click", note, { once: true });
                  button.addEventListener("input", note, { once: true });  // of a slider
                }"""
            )
            button.tap()
            with suppress(WaitedTooLong):
                wait_until(lambda: page.evaluate("window.clicked"), what="an effect", limit_s=2)
                return
        raise AssertionError(f"no tap on {button} had an effect")

    yield page, touch, tap
    context.close()
