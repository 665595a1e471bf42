"""`firstread send` to a running node: what it says was stored is what the node keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import MRImageStorage

from firstread.send import send_and_show
from tests.unit.dicom_node.running_node import running_node
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration


def test_what_was_put_aside_does_not_count_as_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three MR images and a changed object under a known UID: the counts are those of the node."""
    folder = tmp_path / "study"
    folder.mkdir()
    for number in range(1, 5):
        write(small_ct(number), folder)
    with running_node(tmp_path / "node") as node:

        def send() -> tuple[int, str]:
            code = send_and_show(
                folder,
                host="127.0.0.1",
                port=node.port,
                called=node.settings.ae_title,
                calling="SCANNER",
            )
            return code, " ".join(capsys.readouterr().out.split())

        code, said = send()
        assert (code, len(node.instances())) == (0, 4)
        assert "4 of 4 instances of 1 studies stored" in said
        for number in range(5, 8):
            write(small_ct(number, SOPClassUID=MRImageStorage), folder)
        write(small_ct(4, SeriesDescription="changed"), folder)
        code, said = send()
        assert code == 1
        assert len(node.instances()) == 4
        assert "3 of 7 instances" in said
        assert "3 not stored: taken with a warning" in said
        assert "1 not stored: the receiver holds an object of this SOP Instance UID" in said
        assert len(node.quarantine()) >= 2
