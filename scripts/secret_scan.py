"""Looks for secrets in the tracked files, and in what the last commits added; security/accepted-secrets.toml says what is none.

A secret that was ever committed stays in the history: change it where it is used, then say so there.

Usage: python scripts/secret_scan.py [COMMITS]   (0 by default: the tracked files alone)
"""

from __future__ import annotations

import hashlib
import math
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ACCEPTED = ROOT / "security/accepted-secrets.toml"
_LARGEST = 2_000_000
KINDS = {
    "private key": r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----\s+[\w+/=]{20}",
    "guiado key": r"guiado_(?<!\wguiado_)[0-9A-Za-z]{49}\b",
    "webhook secret": r"whsec_[A-Za-z0-9+/=]{24,}",
    "OpenAI key": r"sk-(?<!\wsk-)[A-Za-z0-9_-]{20,}",
    "AWS key": r"A(?<!\wA)(?:KIA|SIA)[0-9A-Z]{16}\b",
    "GitHub token": r"g(?<!\wg)(?:h[opsur]_[A-Za-z0-9]{36}|ithub_pat_\w{40,})",
    "GitLab token": r"glpat-[\w-]{20,}",
    "Slack token": r"xox[abeoprs]-[\w-]{10,}",
    "Slack webhook": r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16,}",
    "Google key": r"AIza[\w-]{35}",
    "Stripe key": r"k_live_(?<=[sr]k_live_)[0-9A-Za-z]{16,}",
    "Twilio key": r"(?:AC|SK)(?<!\w..)[0-9a-f]{32}\b",
    "signed token": r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "package index token": r"pypi-AgE[\w-]{40,}",
    "password in an address": r"://[^\s:/@'\"{}<>$]{1,60}:(?P<value>[^\s:/@'\"{}<>$]{8,80})@[\w-]",
    "assigned secret": r"""(?:[Ss]ecret|SECRET|[Pp]assw(?:or)?d|PASSWORD|[Aa]pi_?[Kk]ey|API_?KEY|[Tt]oken|TOKEN)"""
    r"""["']?\s{0,3}[:=]\s{0,3}["'](?P<value>[^\s"'{}<>]{16,200})["']""",
}
"""Kind of secret -> how it looks; `value` is the secret itself, where it is not all of it."""
_FORMS = {name: re.compile(form) for name, form in KINDS.items()}
_GUESSED = "assigned secret"
_BITS_A_CHARACTER = 3.5
"""Below this a text is words, not chance."""


class Secret(NamedTuple):
    """Something that looks like a secret."""

    where: str
    kind: str
    value: str

    @property
    def digest(self) -> str:
        """Its name in the list of what is accepted."""
        return hashlib.sha256(self.value.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.where}: {self.kind} {self.value[:10]}… ({self.digest})"


def secrets_in(where: str, text: str) -> Iterator[Secret]:
    """Find what looks like a secret in a text."""
    for kind, form in _FORMS.items():
        for found in form.finditer(text):
            value = found.groupdict().get("value") or found[0]
            if kind != _GUESSED or is_random(value):
                yield Secret(f"{where}:{text.count(chr(10), 0, found.start()) + 1}", kind, value)


def is_random(text: str) -> bool:
    """Whether a text has digits, letters, and too little order for words."""
    counts = Counter(text).values()
    bits = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    return bits >= _BITS_A_CHARACTER and any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def accepted() -> dict[str, str]:
    """Digest of what is no secret -> why."""
    rows = tomllib.loads(ACCEPTED.read_text("utf-8"))["accepted"]
    return {row["digest"]: row["reason"] for row in rows}


def gone() -> set[str]:
    """Digests of what is accepted, and stands in the history only."""
    rows = tomllib.loads(ACCEPTED.read_text("utf-8"))["accepted"]
    return {row["digest"] for row in rows if row.get("gone")}


def tracked() -> Iterator[tuple[str, str]]:
    """Name and text of every tracked file that is text."""
    for name in _git("ls-files", "-z").split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size <= _LARGEST and not name.endswith(".lock"):
            contents = path.read_bytes()
            if b"\0" not in contents[:8000]:
                yield name, contents.decode("utf-8", "replace")


def added(commits: int) -> Iterator[tuple[str, str]]:
    """Commit and file, with the lines that it added, newest first; lock files hold hashes alone."""
    options = ("--unified=0", "--no-color", "--no-ext-diff", f"--max-count={commits}", "--format=%x01%h")
    for commit in _git("log", "--patch", *options, "--", ".", ":!*.lock", ":!*.jsonl").split("\x01")[1:]:
        name, *files = re.split(r"^\+\+\+ b/", commit, flags=re.MULTILINE)
        for file in files:
            path, *lines = file.split("\n")
            yield f"{name.split()[0]} {path}", "\n".join(line[1:] for line in lines if line.startswith("+"))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def unaccepted(texts: Iterable[tuple[str, str]]) -> list[Secret]:
    """Secrets that nobody has accepted, each once."""
    known, found = accepted(), {}
    for where, text in texts:
        for secret in secrets_in(where, text):
            if secret.digest not in known:
                found.setdefault(secret.value, secret)
    return list(found.values())


def main(commits: int) -> int:
    """Print what was found; 1 when it is anything."""
    found = unaccepted(tracked()) + (unaccepted(added(commits)) if commits else [])
    for secret in found:
        print(secret)
    print(f"{len(found)} unaccepted secrets in the tracked files" + (f" and the last {commits} commits" if commits else ""))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
