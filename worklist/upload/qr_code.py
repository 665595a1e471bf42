"""An address as a QR code that a phone reads off the screen. ISO/IEC 18004, by segno."""

from __future__ import annotations

from markupsafe import Markup
from segno import make_qr

_QUIET_ZONE = 4  # modules; ISO/IEC 18004 Section 6.3.8


def qr_code(address: str) -> Markup:
    """An SVG drawing, dark on light also on a dark page: some readers take no other."""
    drawn = make_qr(address, error="m").svg_inline(
        scale=4, border=_QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass=None
    )
    return Markup(drawn)  # noqa: S704 drawn by the library: numbers and two colours
