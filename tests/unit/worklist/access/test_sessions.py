"""Staying signed in, changing the password, and how a session ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from database.accounts.kept import disable_account, remove_account, set_role
from database.accounts.sign_in_failures import FAILURES_OF_BOTH
from database.session import transaction
from settings.page.sign_in import Role
from tests.builders.stored.readers import PASSWORD, add_reader
from tests.unit.worklist.access.person import Person, audit_events
from tests.unit.worklist.seeding import SeededHospital

LONG = "another quite long password"


@pytest.mark.parametrize("minutes", [119, 121])
def test_a_session_ends_when_nothing_is_done(
    hospital: SeededHospital, person: Person, minutes: int
) -> None:
    """Without a request for `idle_minutes` the reader has to sign in again."""
    person.sign_in()
    hospital.now += timedelta(minutes=minutes)
    assert person.get("/").status_code == (200 if minutes < 120 else 303)


def test_a_session_ends_after_its_longest_time(hospital: SeededHospital, person: Person) -> None:
    """However busy, after `longest_hours` the reader has to sign in again."""
    person.sign_in()
    for _ in range(11):
        hospital.now += timedelta(minutes=64)
        assert person.get("/").status_code == 200
    hospital.now += timedelta(minutes=64)
    assert person.get("/").status_code == 303


def test_signing_out_ends_the_session_for_good(hospital: SeededHospital, person: Person) -> None:
    """After signing out the cookie's old value is worth nothing, wherever it was copied to."""
    person.sign_in()
    stolen = dict(person.cookies)
    answer = person.post("/sign-out", person.form("/", "/sign-out"))
    assert answer.headers["location"] == "/sign-in"
    assert person.session is None
    person.cookies = stolen
    assert person.get("/").status_code == 303
    assert ("signed_out", "reader", True) in audit_events(hospital)


def test_changing_the_password_ends_the_other_sessions(
    hospital: SeededHospital, person: Person, browser: Callable[..., Person]
) -> None:
    """Who changes their password goes on; every other browser has to sign in, with the new one."""
    person.sign_in()
    elsewhere = browser()
    elsewhere.sign_in()
    fields = person.form("/account", "/account/password")
    answer = person.post(
        "/account/password", {**fields, "current": PASSWORD, "new": LONG, "repeated": LONG}
    )
    assert answer.status_code == 303
    assert "The password is changed" in person.get(answer.headers["location"]).text
    assert elsewhere.get("/").status_code == 303
    assert elsewhere.sign_in().status_code == 403
    assert elsewhere.sign_in(password=LONG).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "repeated", "said"),
    [
        ("wrong", LONG, LONG, "The current password is not right."),
        (PASSWORD, "short", "short", "at least 15 characters"),
        (PASSWORD, LONG, LONG + "!", "The two new passwords differ."),
        (PASSWORD, "x" * 257, "x" * 257, "at most 256 characters"),
    ],
)
def test_a_password_that_cannot_be_changed(
    person: Person, current: str, new: str, repeated: str, said: str
) -> None:
    """The page says what is wrong, and the old password stays."""
    person.sign_in()
    fields = person.form("/account", "/account/password")
    answer = person.post(
        "/account/password", {**fields, "current": current, "new": new, "repeated": repeated}
    )
    assert answer.status_code in (403, 422)
    assert said in answer.text
    person.cookies.clear()
    assert person.sign_in().status_code == 303


def test_the_current_password_cannot_be_guessed_either(person: Person) -> None:
    """At somebody else's open browser the password cannot be tried out without end."""
    person.sign_in()
    fields = person.form("/account", "/account/password")
    form = {**fields, "current": "wrong", "new": LONG, "repeated": LONG}
    for _ in range(FAILURES_OF_BOTH):
        person.post("/account/password", form)
    answer = person.post("/account/password", {**form, "current": PASSWORD})
    assert "too many failed attempts" in answer.text


@pytest.mark.parametrize("change", [disable_account, remove_account])
def test_a_session_ends_with_its_account(
    hospital: SeededHospital,
    person: Person,
    browser: Callable[..., Person],
    change: Callable[..., None],
) -> None:
    """Disabled or removed, an account lets nobody go on, nor sign in."""
    add_reader(hospital.engine, "other", Role.READER, hospital.now)
    person.sign_in()
    with transaction(hospital.engine) as session:
        if change is disable_account:
            disable_account(session, "reader", hospital.now)
        else:
            remove_account(session, "reader")
    assert person.get("/").status_code == 303
    assert person.sign_in().status_code == 403


def test_administration_is_for_administrators(hospital: SeededHospital, person: Person) -> None:
    """A reader is told what to do; after a change of role the next request is let through."""
    person.sign_in()
    assert "/administration" not in person.get("/").text
    answer = person.get("/administration")
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.text
    assert person.get("/live/administration").status_code == 403
    assert ("not_allowed", "reader", False) in audit_events(hospital)
    with transaction(hospital.engine) as session:
        set_role(session, "reader", Role.ADMINISTRATOR)
    assert person.get("/administration").status_code == 200
