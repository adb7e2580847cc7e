"""No regular expression of the package takes long for any text: hostile ones of 100,000 characters, made from each pattern itself.

Processor time is measured, since the wall clock also counts whatever else the machine does meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

import pytest
from hostile_patterns import LENGTH, ROOT, Found, all_patterns, cpu_seconds, hostile

SHORT = 20_000
SHORT_LIMIT_S, LIMIT_S = 0.15, 0.1
"""For a linear pattern a short text takes a fifth of what the long one may; for a quadratic one 2 * 10**8 steps, about a second."""
TRIES = 3
GIVE_UP_S = 0.3


def _modules() -> Iterator[str]:
    for path in sorted(ROOT.rglob("*.py")):
        if re.search(r"^import re$|\bre\.[a-z]+\(", path.read_text("utf-8"), re.MULTILINE):
            yield ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = [*_modules()]
"""Those that may hold a pattern; read from the files, so that collecting tests does not import the whole package."""


@cache
def _patterns() -> list[Found]:
    return all_patterns()


def _patterns_of(module: str) -> list[Found]:
    return [found for found in _patterns() if found.where.split(":")[0] == module]


def _too_slow(found: Found, texts: Iterable[str], limit_s: float, tries: int = TRIES) -> str | None:
    """The pattern and the first text that it takes too long for, at its best of several tries; None without one."""
    for text in texts:
        best_s = float("inf")
        for _ in range(tries):
            best_s = min(best_s, cpu_seconds(lambda text=text: found.run(text), max(limit_s, GIVE_UP_S)))
            if best_s <= limit_s:
                break
        else:
            return f"{found.where}: {best_s:.3f} s for {text[:40]!r} … {text[-5:]!r}: {found.pattern.pattern[:200]}"
    return None


def _short(found: Found) -> Iterator[str]:
    return hostile(found, SHORT, ends=["\x00"], runs=False)


@pytest.mark.parametrize("module", MODULES)
def test_no_pattern_is_quadratic(module: str) -> None:
    slow = [_too_slow(found, _short(found), SHORT_LIMIT_S) for found in _patterns_of(module)]
    assert not any(slow), "\n".join(filter(None, slow))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("module", MODULES)
def test_every_pattern_takes_at_most_100_ms_for_100_000_characters(module: str) -> None:
    slow = [_too_slow(found, hostile(found, LENGTH), LIMIT_S) for found in _patterns_of(module)]
    assert not any(slow), "\n".join(filter(None, slow))


def test_no_pattern_is_left_out() -> None:
    assert {found.where.split(":")[0] for found in _patterns()} <= set(MODULES)
    assert len(_patterns()) > 400
    used = {found.where: found.methods for found in _patterns()}
    assert used["guiado.delivery.channels.email:_ADDRESS"] == {"fullmatch"}, "a name of another module counts"
    assert "finditer" in used["guiado.app.knowledge.lint.markup:_HTML"], "what is handed on may be searched for"


@pytest.mark.parametrize("pattern", [r"\s+x", r"\w*\d\w*", r'role "(.+)" does not exist', r"(?:a|b)+(?:b|c)+!"])
def test_a_quadratic_pattern_is_found(pattern: str) -> None:
    planted = Found("planted", re.compile(pattern), frozenset({"search"}))
    assert "planted" in (_too_slow(planted, _short(planted), SHORT_LIMIT_S, tries=1) or "")
    assert "planted" in (_too_slow(planted, hostile(planted), LIMIT_S, tries=1) or "")


@pytest.mark.parametrize("pattern", [r"(?<!\s)\s++x", r"(?<!\w)[^\W\d]*+\d\w*+", r"[^\n]{0,20}!"])
def test_a_linear_pattern_is_let_be(pattern: str) -> None:
    planted = Found("planted", re.compile(pattern), frozenset({"search"}))
    assert _too_slow(planted, _short(planted), SHORT_LIMIT_S) is None
