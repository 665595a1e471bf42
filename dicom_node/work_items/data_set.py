"""A work item of ours as clients see it: what was scheduled, and what was performed.

PS3.4 Table CC.2.5-3 (attributes and return keys). The Transaction UID is never shown: it is what
tells the client that has taken a work item from every other one (PS3.4 Section CC.2.7.3).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydicom.dataset import Dataset

from database.work_items.content import StoredWorkItem
from dicom_node.presentation_contexts import UPS_PUSH
from dicom_node.work_items.attributes import (
    UNSPECIFIED_REASON,
    coded,
    date_time,
    scheduled_data_set,
)

PROGRESS: Final = "ProcedureStepProgressInformationSequence"


def stored_data_set(stored: StoredWorkItem) -> Dataset:
    """A work item with everything that a client may see."""
    data_set = scheduled_data_set(stored.item)
    data_set.SOPClassUID = UPS_PUSH
    data_set.SOPInstanceUID = stored.item.sop_instance_uid
    data_set.update(performed_data_set(stored.performed))
    data_set.ProcedureStepState = stored.state.value
    return data_set


def performed_data_set(performed: dict[str, Any]) -> Dataset:
    """What clients have set, from its row."""
    return Dataset.from_json(performed)


def canceled_progress(performed: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The progress of a work item that is canceled: it says when and why (PS3.4 Table CC.2.5-3).

    Parameters
    ----------
    performed : what clients have set so far, as DICOM JSON; what it says already stands
    """
    data_set = performed_data_set(performed)
    steps = data_set.get(PROGRESS) or [Dataset()]
    step = steps[0]
    if not step.get("ProcedureStepCancellationDateTime"):
        step.ProcedureStepCancellationDateTime = date_time(now)
    if not step.get("ProcedureStepDiscontinuationReasonCodeSequence"):
        step.ProcedureStepDiscontinuationReasonCodeSequence = [coded(UNSPECIFIED_REASON)]
    kept = Dataset()
    setattr(kept, PROGRESS, [step])
    progress: dict[str, Any] = kept.to_json_dict()
    return progress
