"""The doctor's sentences in Chinese: every one, with its facts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from database.doctor.runs import begin_run, end_run
from database.session import transaction
from firstread.doctor.line import broken, say
from radiology.language import Language
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.words.doctor_texts import sentences_of_the_doctor, titles_of_checks
from worklist.administration.doctor_lines import doctor_lines
from worklist.words.translations import catalogue, use_language


@pytest.mark.parametrize("texts", [sentences_of_the_doctor(), titles_of_checks()])
def test_every_sentence_has_its_chinese(texts: set[str]) -> None:
    """What a check may say, and what it is called."""
    assert len(texts) > 10
    known = catalogue(Language.CHINESE)
    assert sorted(text for text in texts if text not in known) == []


def test_a_line_is_read_in_chinese(hospital: SeededHospital) -> None:
    """Title, sentence, cure, and a reason that is a sentence of ours."""
    line = broken(
        "peer.echo",
        say("%(peer)s: %(reason)s", peer="pacs", reason="The peer does not answer."),
        say("Mend that first, then run the doctor again."),
        of="pacs",
    )
    now = datetime.now(UTC)
    with transaction(hospital.engine) as session:
        run = begin_run(session, now, asked_by="chief", machine="ct-ai")
        assert run is not None
        kept = [{"title": "DICOM peer", "check_of": "pacs", **line.as_json()}]
        end_run(session, run.run_id, now, lines=kept)
        use_language(Language.CHINESE)
        try:
            (shown,) = doctor_lines(session, now).to_do
        finally:
            use_language(Language.ENGLISH)
    assert (shown.health, shown.title) == ("broken", "DICOM 对等端 pacs")
    assert shown.said == "pacs：对方没有应答。"
    assert shown.cure == "请先处理那一项，然后再次体检。"
