"""Predictive values from what readers judged, and what they did not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from evaluation.statistics.reader_agreement import Judged, reader_agreement

_JUDGED = st.lists(st.builds(Judged, st.booleans(), st.booleans()), max_size=60)


@given(_JUDGED, st.integers(0, 100), st.integers(0, 100))
def test_counts_and_shares_are_those_of_scikit_learn(
    judged: list[Judged], called: int, not_called: int
) -> None:
    """An independent implementation counts the same; an interval holds its own share."""
    found = reader_agreement(judged, answered_called=called, answered_not_called=not_called)
    truth, said = [one.present for one in judged], [one.called for one in judged]
    cells = found.confusion
    if judged:
        assert confusion_matrix(truth, said, labels=[False, True]).ravel().tolist() == [
            cells.true_negatives,
            cells.false_positives,
            cells.false_negatives,
            cells.true_positives,
        ]
    if found.ppv.value is not None and found.ppv.low is not None and found.ppv.high is not None:
        assert found.ppv.value == pytest.approx(precision_score(truth, said))
        assert found.ppv.low <= found.ppv.value <= found.ppv.high
    else:
        assert not any(said)
    if found.sensitivity.value is not None:
        assert found.sensitivity.value == pytest.approx(recall_score(truth, said))
    assert found.not_judged_called == max(0, called - sum(said))


def test_the_interval_is_wilsons() -> None:
    """Eight of ten right: 0.490 to 0.943 (Wilson 1927), and nothing known of the others."""
    judged = [Judged(called=True, present=number < 8) for number in range(10)]
    found = reader_agreement(judged, answered_called=50, answered_not_called=200)
    assert found.ppv.value == 0.8
    assert found.ppv.interval == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert found.npv.value is None
    assert (found.not_judged_called, found.not_judged_not_called) == (40, 200)
    assert found.entries()["npv_ci95"] is None
