"""Raises the number in `data/db/schema.version` when a file of the schema changed; run it after every edit and every merge.

Usage: .venv/bin/python scripts/schema_version.py
"""

from __future__ import annotations

import re
from pathlib import Path

from guiado.store import schema_version

FOLDER = Path(__file__).resolve().parents[1] / "data" / "db"


def main() -> None:
    """Write the file anew where it is not for the files as they are; after a merge it may hold the numbers of both sides."""
    path = FOLDER / schema_version.FILE
    text = path.read_text("utf-8") if path.exists() else ""
    numbers = [int(found) for found in re.findall(r"^(\d+) [0-9a-f]{64}$", text, re.MULTILINE)]
    checksum = schema_version.checksum_of(FOLDER)
    if len(numbers) == 1 and text == f"{numbers[0]} {checksum}\n":
        print(f"{path.name}: {numbers[0]}")
        return
    number = max(numbers, default=0) + 1
    path.write_text(f"{number} {checksum}\n", "utf-8")
    print(f"{path.name}: {number} (raised)")


if __name__ == "__main__":
    main()
