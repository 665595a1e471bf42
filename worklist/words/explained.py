"""Words that the page explains where they stand, each with the glossary's sentence.

A template says `words.word("committed", …)` (`page/templates/words.html`); the help page lists them
all. The sentence is the beginning of the word's row in docs/glossary.md: a test holds the two
together. What more the row says is for those who read the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from radiology import codes
from radiology.codes import Code
from worklist.words.translations import translated


@dataclass(frozen=True, slots=True)
class Explained:
    """A word with its explanation, both in English as the catalogues have them.

    Attributes
    ----------
    key : of its place on the help page, and what templates call it by
    word : as the glossary has it
    sentence : one that says what a reader needs
    """

    key: str
    word: str
    sentence: str

    @property
    def title(self) -> str:
        """The word as a title, in the reader's language.

        It has an entry of its own: "Received" also heads a column of times, which is another word.
        """
        said = translated(self.entry)
        return self.word[:1].upper() + self.word[1:] if said == self.entry else said

    @property
    def entry(self) -> str:
        """What the catalogues have it by."""
        return f"word|{self.word}"


GROUPS: Final[tuple[tuple[str, tuple[Explained, ...]], ...]] = (
    (
        "The answer",
        (
            Explained(
                "urgency",
                "urgency",
                "How soon the study should be read: urgent, suspected or routine, by a table of "
                "rules.",
            ),
            Explained(
                "not-assessable",
                "not assessable",
                "A quality gate stopped the analysis: there is no answer, and that is never a "
                "negative.",
            ),
            Explained(
                "suspicion",
                "suspicion",
                "The number from 0 to 1 by which a study is called suspected; it is no "
                "probability of disease.",
            ),
            Explained(
                "threshold",
                "threshold",
                "At or above it a study or a finding is called suspected.",
            ),
            Explained(
                "operating-point",
                "operating point",
                "The threshold that a bundle was released with: it sets how much is missed "
                "against how much is falsely suspected.",
            ),
            Explained(
                "confidence",
                "confidence",
                "How firmly an answer stands, from 0 to 1 (0.36 of 1 is little): no probability "
                "that it is right, and no measure of how ill the patient is.",
            ),
            Explained(
                "spread",
                "spread",
                "How far the answers of a bundle's networks lie apart for one study: the wider, "
                "the less firm the answer.",
            ),
            Explained(
                "possible",
                "possible",
                "Seen below the operating point: shown on the page with the slices, and counted "
                "in no figure, object or message.",
            ),
            Explained(
                "finding",
                "finding",
                "What a bundle states about a study, with its evidence.",
            ),
            Explained(
                "sign",
                "sign",
                "One of the five patterns that a slice is read for; a hint from whole slices, "
                "not from the outlines.",
            ),
            Explained(
                "type",
                "type",
                "Of a suspected pneumonia: viral pattern suspected, not suspected, or "
                "undetermined, which is an answer.",
            ),
            Explained(
                "course",
                "course",
                "The patient's studies in the order of time, and what became of each lesion: "
                "new, grown, unchanged, shrunk or resolved.",
            ),
            Explained("lobe", "lobe", "One of the five parts of the lungs that fissures bound."),
            Explained(
                "zone",
                "zone",
                "The upper, middle or lower third of a lung's height: it stands in where no "
                "fissure is seen, and is no lobe.",
            ),
            Explained(
                "severity",
                "severity",
                "Published rules applied to a study, each with its source and what it lacks.",
            ),
            Explained(
                "key-picture",
                "key picture",
                "The slice to look at first, with outlines of what was found.",
            ),
            Explained(
                "heat-map",
                "heat map",
                "Where in a slice the classifier looked; it outlines nothing.",
            ),
        ),
    ),
    (
        "How it was decided",
        (
            Explained(
                "bundle",
                "bundle",
                "One released model with its version, its model card and its proof that it "
                "still answers as released.",
            ),
            Explained(
                "bundle-digest",
                "bundle digest",
                "A number made from all files of a bundle: equal digests are the same model.",
            ),
            Explained(
                "quality-gate",
                "quality gate",
                "A check that must hold before a result may be given, such as enough slices or "
                "lungs that were found.",
            ),
            Explained(
                "reservation",
                "reservation",
                "A quality gate that was not passed and left the answer standing: read the "
                "answer with it in mind.",
            ),
            Explained(
                "rule",
                "rule of urgency",
                "The rules are asked from the top, and the first one that holds decides.",
            ),
            Explained(
                "case-rule",
                "case rule",
                "A way from single slices to one answer for the study; all are computed, one "
                "decides.",
            ),
            Explained(
                "label",
                "label",
                "The finer class that a bundle gives to a finding, by which the list is filtered.",
            ),
        ),
    ),
    (
        "What becomes of a study",
        (
            Explained(
                "state",
                "state",
                "How far a study has come: received, queued, selected, decoded, inferred, "
                "encoded, and then delivered or committed.",
            ),
            Explained(
                "received",
                "received",
                "Images have come and are on disk; the study is analysed when no more come.",
            ),
            Explained("queued", "queued", "The study waits for a worker."),
            Explained("selected", "selected", "The series to analyse is chosen."),
            Explained("decoded", "decoded", "The images of the chosen series are read."),
            Explained("inferred", "inferred", "The model has read the images."),
            Explained(
                "encoded",
                "encoded",
                "The results are made; there is nowhere to send them, or they are on their way.",
            ),
            Explained(
                "delivered",
                "delivered",
                "Every destination has stored the results; none was asked to promise to keep them.",
            ),
            Explained(
                "committed",
                "committed",
                "Every destination has stored the results, and those that are asked have "
                "promised to keep them.",
            ),
            Explained(
                "refused",
                "refused",
                "Ended with a reason that will not change by trying again.",
            ),
            Explained("failed", "failed", "Ended with a fault; an administrator can try again."),
            Explained(
                "superseded",
                "superseded",
                "A result whose place a newer version of the study took, because images came "
                "later.",
            ),
            Explained(
                "withdrawn",
                "withdrawn",
                "A result that a person took back, with a reason; do not rely on it.",
            ),
            Explained(
                "version",
                "version of a study",
                "The set of its images at one moment; late images make a new one.",
            ),
            Explained(
                "opened",
                "opened",
                "A reader has looked at the study on this page since its last image came; it "
                "does not mean read.",
            ),
            Explained(
                "raised",
                "raised",
                "A study that nobody has opened and that stands before newer ones because it "
                "has waited long.",
            ),
            Explained(
                "flag",
                "flag",
                "What tells people and systems outside Firstread that a study is urgent.",
            ),
            Explained(
                "acknowledged",
                "acknowledgement",
                "A reader's note that a flagged study was seen; the next channel is then not told.",
            ),
            Explained(
                "work-item",
                "work item",
                "An entry for one study in the worklist that other systems read.",
            ),
        ),
    ),
    (
        "Where things are",
        (
            Explained(
                "delivery",
                "delivery",
                "The sending of one result to one destination, with its attempts.",
            ),
            Explained(
                "destination",
                "destination",
                "A system that results are sent to, such as PACS.",
            ),
            Explained(
                "quarantine",
                "quarantine",
                "Where objects are kept that could not be accepted, with the reason.",
            ),
            Explained("queue", "queue", "Work of one kind that waits, the most urgent first."),
            Explained("job", "job", "One bundle applied to one version of a study."),
            Explained(
                "feedback",
                "feedback",
                "What a reader says of a result: right, or what is wrong with it.",
            ),
            Explained(
                "scorecard",
                "scorecard",
                "How long studies waited, and how often readers found the answers right.",
            ),
            Explained(
                "upload",
                "upload",
                "What a person gives the page to have it read: never part of a record, and "
                "deleted after a time.",
            ),
        ),
    ),
)
"""By subject, in the order of the help page."""

EXPLAINED: Final = {one.key: one for _title, group in GROUPS for one in group}
_BY_CONCEPT: Final = {codes.CONFIDENCE.value: "confidence", "PNEUMONIA_TYPE": "type"}


def explained(key: str) -> Explained:
    """What a template asks for; a key that is not there is a mistake in the template."""
    return EXPLAINED[key]


def word_of(concept: Code) -> str:
    """The key of the word that a coded question of a reading is; empty where it is none."""
    return _BY_CONCEPT.get(concept.value, "")
