#!/bin/sh
# Copies everything that Firstread cannot make again, while it runs.
#
#   backup.sh DATA_FOLDER TARGET_FOLDER [postgresql://USER:PASSWORD@HOST/DATABASE]
#
# The database first, then the files: a file is durable before the row that names it is committed, so
# each row of the copy finds its file. What is left out is made again, or lives shortly: the broker's
# messages, uploads, and the slices that only the page's viewer needs.
# How to restore: docs/hospital/day.md. PYTHON names the interpreter, as of the installation.
set -eu
umask 077

data=$1
target=$2
database=${3:-}
python=${PYTHON:-/opt/firstread/bin/python}

mkdir -p "$target"
if [ -n "$database" ]; then
    pg_dump --format=custom --file="$target/firstread.dump.part" "$database"
    mv "$target/firstread.dump.part" "$target/firstread.dump"
else
    "$python" - "$data/firstread.sqlite" "$target/firstread.sqlite" <<'PYTHON'
import os
import sqlite3
import sys
from contextlib import closing

running, copied = sys.argv[1:]
with closing(sqlite3.connect(f"file:{running}?mode=ro", uri=True)) as source:
    with closing(sqlite3.connect(f"{copied}.part")) as copy:
        source.backup(copy)
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            sys.exit(f"The copy of the database is damaged: {verdict}")
os.replace(f"{copied}.part", copied)
PYTHON
fi

# 1: a file changed or came while it was read, which is nothing to worry about here.
tar --create --file="$target/files.tar.part" --directory="$data" \
    --exclude='./firstread.sqlite*' --exclude='./broker' --exclude='./uploads' \
    --exclude='*.slices.zip' . || [ $? -eq 1 ]
mv "$target/files.tar.part" "$target/files.tar"
