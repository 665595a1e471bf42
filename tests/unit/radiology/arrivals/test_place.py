"""What an image states of its place, as text of DICOM value representations."""

from __future__ import annotations

import pytest

from radiology.arrivals.place import NO_PLACE, ImagePlace, image_place

AXIAL = r"1\0\0\0\1\0"


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), (" 012 ", 12), ("-3", -3), ("+3", 3), ("2147483647", 2147483647)]
    + [(text, None) for text in ("", "--12", "+-1", "1e3", "1.0", "2147483648", "1\\2", "many")]
    + [(text, None) for text in ("\u0661\u0662", "9" * 5000)],
)
def test_numbers(text: str, number: int | None) -> None:
    """An integer string that a row can keep, or nothing."""
    assert image_place(text, "", "", "") == ImagePlace(number=number)
    assert image_place("", "", "", text) == ImagePlace(claimed=number)


@pytest.mark.parametrize(
    ("position", "orientation", "along"),
    [
        (r"-100\-120\35.5", AXIAL, 35.5),
        (r"-100\-120\35.5", r"1\0\0\0\0\-1", -120.0),  # coronal
        (r"-100\-120\35.5", r"0\1\0\0\0\-1", 100.0),  # sagittal, towards the right
        (r"0\0\10", r"1\0\0\0\0.8\0.6", 8.0),  # a tilted gantry
        (r"1E+1\ 2 \3.0", AXIAL, 3.0),
    ],
)
def test_positions(position: str, orientation: str, along: float) -> None:
    """Along the normal of the plane."""
    place = image_place("", position, orientation, "")
    assert place.position_mm == pytest.approx(along)


@pytest.mark.parametrize(
    ("position", "orientation"),
    [
        (r"1\2\3", ""),
        ("", AXIAL),
        (r"1\2", AXIAL),
        (r"1\2\3\4", AXIAL),
        (r"1\2\nan", AXIAL),
        (r"1\2\1e999", AXIAL),
        (r"1\2\1e9", AXIAL),
        (r"1\2\x", AXIAL),
        (r"1\2\3", r"1\0\0\1\0\0"),  # no plane
        (r"1\2\3", r"0\0\0\0\0\0"),
    ],
)
def test_a_position_that_cannot_be_used_is_none(position: str, orientation: str) -> None:
    """It decides nothing."""
    assert image_place("", position, orientation, "") == NO_PLACE
