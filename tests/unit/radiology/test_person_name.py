"""Names of persons, by the examples of PS3.5 Section 6.2.1.1 and Annexes H, I and J."""

from __future__ import annotations

import pytest

from radiology.clinical.person_name import folded, folded_name, person_name


@pytest.mark.parametrize(
    ("value", "alphabetic", "ideographic"),
    [
        (
            "Adams^John Robert Quincy^^Rev.^B.A. M.Div.",
            "Adams, John Robert Quincy, Rev., B.A. M.Div.",
            "",
        ),
        ("Morrison-Jones^Susan^^^Ph.D., Chief", "Morrison-Jones, Susan, Ph.D., Chief", ""),
        ("Doe^John^Quincy", "Doe, John Quincy", ""),
        ("Doe", "Doe", ""),
        ("^Bob^^Dr.", "Bob, Dr.", ""),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou", "山田 太郎"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "Hong, Gildong", "洪 吉洞"),
        ("Wang^XiaoDong=王^小东=", "Wang, XiaoDong", "王 小东"),
        ("=山田^太郎", "", "山田 太郎"),
        ("王^小东", "", "王 小东"),
        ("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "ﾔﾏﾀﾞ, ﾀﾛｳ", "山田 太郎"),
        ("", "", ""),
        ("^^^^", "", ""),
        ("==", "", ""),
    ],
)
def test_a_name_as_readers_write_it(value: str, alphabetic: str, ideographic: str) -> None:
    """Family name first, with a comma in letters and without one in ideographs."""
    name = person_name(value)
    assert (name.alphabetic, name.ideographic) == (alphabetic, ideographic)


@pytest.mark.parametrize(
    ("sought", "value"),
    [
        ("muller", "Müller^Anna"),
        ("MÜLLER, anna", "müller^ANNA"),
        ("o'brien", "O'Brien^Pat"),
        ("tarou yamada", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("山田太郎", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("太郎", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("やまだ", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("王小东", "王^小东"),
        ("길동", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("strasse", "Straße^A"),
    ],
)
def test_what_is_typed_finds_the_name(sought: str, value: str) -> None:
    """Whatever its case, accents, signs and order."""
    assert all(word in folded_name(value) for word in folded(sought).split())


def test_a_name_is_not_written_by_accident() -> None:
    """What is printed of a value, in a trace for example, holds no name."""
    assert "Doe" not in repr(person_name("Doe^Jane"))
