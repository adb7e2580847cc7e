"""Writes the common words of each language, as `guiado.detection` reads them, from the installed package wordfreq (group `dev`).

The files are in the repository and change only with a new version of wordfreq, whose lists are complete since 2023.
Usage: .venv/bin/python scripts/word_frequencies.py [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from wordfreq import get_frequency_list

LANGUAGES = ("es", "en", "pt")
FOLDER = Path(__file__).resolve().parents[1] / "src" / "guiado" / "word_lists"
HEAD = """\
# Common words ({language}), at least one in a million, and how often they are used. A line: -100 log10(frequency), and its words.
# Changed from wordfreq {version} by Robyn Speer (https://github.com/rspeer/wordfreq), list "small": only words of letters.
# Licence: CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/); sources: NOTICE.md. By scripts/word_frequencies.py.
"""


def lines(language: str) -> Iterator[str]:
    """The words of one language, the commonest first, in lines of words that are equally common."""
    for level, words in enumerate(get_frequency_list(language, "small")):
        if kept := [word for word in words if word.isalpha()]:
            yield " ".join([str(level), *kept])


def main() -> None:
    """Write one file a language."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for language in LANGUAGES:
        head = HEAD.format(language=language, version=version("wordfreq"))
        (folder / f"{language}.txt").write_bytes((head + "\n".join(lines(language)) + "\n").encode())


if __name__ == "__main__":
    main()
