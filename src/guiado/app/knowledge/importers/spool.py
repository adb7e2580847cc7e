"""Temporary file for the entries of an import, between its plan and its publication: the source is read once."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self


class Spool:
    """The entries of an import, on disk; use it in a `with` block. It has no name, so that nothing is left after a kill."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass")  # noqa: SIM115 see `__exit__`

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, problem_id: str, entry: dict[str, object]) -> None:
        """Append an entry."""
        self._file.write(json.dumps([problem_id, entry], ensure_ascii=False, separators=(",", ":")) + "\n")

    def entries(self) -> Iterator[tuple[str, dict[str, object]]]:
        """All entries, in order."""
        self._file.seek(0)
        for line in self._file:
            problem_id, entry = json.loads(line)
            yield problem_id, entry
