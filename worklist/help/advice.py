"""What a reader or an administrator does when: pairs of what they meet and what to do about it."""

from __future__ import annotations

from typing import Final

Advice = tuple[tuple[str, str], ...]

FOR_READERS: Final[Advice] = (
    (
        "A study is urgent",
        "Read it now, and press Acknowledge on its page: until somebody does, further channels "
        "are told.",
    ),
    (
        "You have read the study",
        "Say on its page whether you agree; where you do not, tick what is wrong. The scorecard "
        "is made of it, and the next reader sees it.",
    ),
    (
        "A study is not assessable, refused or failed",
        "Read it as if it had not been analysed: there is no answer, and that is no negative. "
        "The reason stands beside it.",
    ),
    (
        "Something is marked as possible",
        "Look at it in the slices. It is below the operating point and stands in no report.",
    ),
    (
        "A result is superseded or withdrawn",
        "Do not rely on it. The result that took its place stands at the top of the page; of a "
        "withdrawn one the reason is given.",
    ),
    (
        "The page says that it is not live",
        "Read in the usual order meanwhile, and tell an administrator. Studies that are sent are "
        "not lost.",
    ),
)

FOR_ADMINISTRATORS: Final[Advice] = (
    (
        "A destination does not answer",
        "Nothing is lost: its results wait without end and go by themselves when it answers. Ask "
        "it with Ask now under Peers.",
    ),
    (
        "A destination refuses results",
        "The reason is in the peer's own words. Correct it there, then press Send again, or the "
        "button that sends everything to it again.",
    ),
    (
        "A job has failed",
        "Press Try again once its reason is gone. A defect is not yours: report it with its trace.",
    ),
    (
        "Objects are in quarantine",
        "Their sender has to correct what the reason says, and to send them again. Nothing in "
        "quarantine is analysed.",
    ),
    (
        "The disk is nearly full",
        "Studies are refused before it is full, and senders try again. Make room on it, or give it "
        "more.",
    ),
    (
        "A process is silent",
        "Start it again, and look into its log. Another one takes the work that it held.",
    ),
    (
        "A delivered result is wrong",
        "Withdraw it on the machine that runs Firstread: “firstread results withdraw”. PACS is "
        "told by a rejection note.",
    ),
    (
        "Firstread is to be updated, or its data to be kept safe",
        "Do it in the order of docs/hospital/day.md: stop, back up, install, upgrade the "
        "database, start.",
    ),
)
