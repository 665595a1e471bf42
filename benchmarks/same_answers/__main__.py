"""Compare what two versions of the program answer, object by object: a refactoring changes nothing.

Make the answers of the same studies with both versions, on one machine, and compare the folders:

    python -m benchmarks.make_answers before/ STUDY ... --program ../before/.venv/bin/firstread
    python -m benchmarks.make_answers after/ STUDY ...
    python -m benchmarks.same_answers before/ after/

Each file has a line: "equal", or "DIFFERENT" and the path of each difference with both values. The
exit status is 1 when anything differs or a file has no partner, and 2 when there are no files.

A data set is compared element by element, nested ones too. Content items of an SR go by their
concept, segments by their number, the voxels of a SEG by segment and slice, whatever the form that
they are written in. Pictures go by their pixels, a PDF by what its streams hold.

Left aside, because two runs of one version differ there:

- what says when an object was made, and what the toolkit calls itself (`_ASIDE` of `data_sets`);
  an element that only one side has is a difference all the same;
- the version of Firstread in a text. It is drawn into the pictures too: there it must be the same;
- values of UIDs. A UID of the one side must always stand for the same UID of the other, and one
  that stands on both sides (of the source, say) for itself. How many changed is said at the end;
- folders in the paths of a JSON answer, and sizes of files.

It shares no code with what it proves.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from benchmarks.same_answers.folders import compare_folders, files_of


def main() -> int:
    """Compare two folders; 1 when they differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same_answers", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("before", type=Path, help="folder of answers")
    parser.add_argument("after", type=Path, help="folder of answers to the same studies")
    parser.add_argument("--most", type=int, default=20, help="differences shown of a file (20)")
    parser.add_argument(
        "--expected", type=re.compile, help="pattern of differences that are meant, and not counted"
    )
    given = parser.parse_args()
    for folder in (given.before, given.after):
        if not files_of(folder):
            parser.error(f"there are no files in {folder}")
    same = compare_folders(given.before, given.after, most=given.most, expected=given.expected)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
