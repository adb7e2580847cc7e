"""Every regular expression of the package, and the strings that are slowest for each: long runs, near-matches, a failing end."""

from __future__ import annotations

import ast
import contextlib
import importlib
import pkgutil
import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import guiado

ROOT = Path(guiado.__file__).parent
ANCHORED = frozenset({"match", "fullmatch"})
LENGTH = 100_000
MANY = 50
"""A repetition of at least so many counts as one without an end."""
RUNS = (
    "a",
    "A",
    "0",
    " ",
    "\n",
    "\t",
    ".",
    ",",
    "-",
    "_",
    "@",
    "<",
    ">",
    "(",
    '"',
    "'",
    "/",
    ":",
    "=",
    "é",
    "ñ",
    "ª",
    "\u0301",
    "\u200b",
    "*",
    "|",
    "[",
    "{",
    "%",
    "+",
    "x",
    "\r",
)
PAIRS = ("a ", "a.", "a@", "a-", "a,", "0.", "0,", "0 ", "0-", "<a", "( ", "a\n", " \n", "\n>", "A ", "a:", "é ", "a'", ">\n", "-\n", "a a. ", "http://", "a@a.", "&a;", "<a ", "{a", "[a", "E1", "a1", "1a", "--\n", "On a\n", "De: ")  # fmt: skip
FAILING = ("", "\x00", "!", "\n\x00")


@dataclass(frozen=True)
class Found:
    """One pattern of the package: where it is, and whether it is only ever tried at the start of a text."""

    where: str
    pattern: re.Pattern[str]
    methods: frozenset[str]

    def run(self, text: str) -> None:
        """Do with a text the dearest thing that is done with this pattern."""
        for method in self.methods & ANCHORED:
            getattr(self.pattern, method)(text)
        if not self.methods or self.methods - ANCHORED:
            for _ in self.pattern.finditer(text):
                pass


def all_patterns() -> list[Found]:
    """Patterns that modules hold, compiled as they are, and those written inside functions."""
    found: dict[tuple[str, int], Found] = {}
    uses, assigned = _uses()
    held = [
        (module, name, pattern, uses.get((module, name), set()) | uses.get(("", name), set()))
        for module, name, pattern in _held()
    ]
    held.sort(key=lambda each: each[:2] not in assigned)  # a name that is imported is named where it is defined
    written = [
        (module, f"({method}) line {line}", pattern, {method} & (ANCHORED | {"search"}))
        for module, method, line, pattern in _written()
    ]
    for module, name, pattern, used in held + written:
        if isinstance(pattern.pattern, str):
            known = found.get((pattern.pattern, pattern.flags))
            found[pattern.pattern, pattern.flags] = Found(
                known.where if known else f"{module}:{name}", pattern, known.methods | used if known else frozenset(used)
            )
    return list(found.values())


def _modules() -> Iterator[Any]:
    for each in pkgutil.walk_packages([str(ROOT)], "guiado."):
        if not each.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # an extra that is not here
                yield importlib.import_module(each.name)


def _held() -> Iterator[tuple[str, str, re.Pattern[Any]]]:
    for module in _modules():
        for name, value in vars(module).items():
            for pattern in _inside(value, set()):
                yield module.__name__, name, pattern


def _inside(value: object, seen: set[int]) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif id(value) not in seen:
        seen.add(id(value))
        for each in _parts(value):
            yield from _inside(each, seen)


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()] if len(value) < 2000 else []
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)[:2000]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, each.name, None) for each in fields(value)]
    if callable(value) and (closure := getattr(value, "__closure__", None)):
        return [cell.cell_contents for cell in closure]
    if isinstance(value, type) and value.__module__.startswith("guiado."):
        return [part for name, part in vars(value).items() if not name.startswith("__")]
    return []


@cache
def _trees() -> list[tuple[str, ast.Module]]:
    paths = {".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py"))}
    return [(name.removesuffix(".__init__"), ast.parse(path.read_text("utf-8"))) for name, path in paths.items()]


def _written() -> Iterator[tuple[str, str, int, re.Pattern[str]]]:
    for module, tree in _trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=method), args=[ast.Constant(value=str(text)), *_]):
                    if method != "escape":
                        yield module, method, node.lineno, re.compile(text, _flags(node))


def _flags(call: ast.Call) -> int:
    given = [each.value for each in call.keywords if each.arg == "flags"] + call.args[1:]
    names = [n.attr for each in given for n in ast.walk(each) if isinstance(n, ast.Attribute) and n.attr.isupper()]
    return sum({int(getattr(re, name, 0)) for name in names})


_METHODS = frozenset({"search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split"})
_HANDED_ON = "finditer"
"""Use of a pattern that is also handed to something else, which may do anything with it."""


def _uses() -> tuple[dict[tuple[str, str], set[str]], set[tuple[str, str]]]:
    """What is done with the things of each module and name (no module: by an attribute of that name), and the names that it defines."""
    uses: dict[tuple[str, str], set[str]] = {}
    assigned: set[tuple[str, str]] = set()
    for module, tree in _trees():
        assigned |= {(module, node.id) for each in tree.body for node in ast.walk(each) if _is_stored(each, node)}
        asked: set[ast.AST] = set()
        for node in ast.walk(tree):  # what stands around a name comes before it
            if isinstance(node, ast.Attribute):
                holder = node.value.value if isinstance(node.value, ast.Subscript) else node.value
                asked.add(holder)
                if node.attr in _METHODS:
                    uses.setdefault(_key(module, holder), set()).add(node.attr)
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and node not in asked:
                uses.setdefault(_key(module, node), set()).add(_HANDED_ON)
    return uses, assigned


def _is_stored(statement: ast.stmt, node: ast.AST) -> bool:
    return isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _key(module: str, holder: ast.AST) -> tuple[str, str]:
    if isinstance(holder, ast.Name):
        return module, holder.id
    return "", holder.attr if isinstance(holder, ast.Attribute) else ""


# ------------------------------------------------------------------------------------------------------- hostile strings


def hostile(found: Found, length: int = LENGTH, *, ends: Sequence[str] = FAILING, runs: bool = True) -> Iterator[str]:
    """Texts that a backtracking matcher is slow on, made from the pattern itself, then runs that any pattern gets."""
    tree = parser.parse(found.pattern.pattern, found.pattern.flags & ~re.DEBUG)
    made = dict.fromkeys(_from_tree(list(tree), ""))
    whole = _sample(tree)
    bodies = [(prefix, body) for prefix, body in made if body]
    if whole:
        bodies += [("", whole), ("", whole[:-1])] if len(whole) > 1 else [("", whole)]
    for prefix, body in dict.fromkeys(bodies):
        for end in ends:
            yield prefix + (body * (length // len(body) + 1))[: length - len(prefix) - len(end)] + end
    for run in (*RUNS, *PAIRS) if runs else ():
        yield (run * (length // len(run) + 1))[: length - 1] + "\x00"


def _from_tree(items: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
    """What stands before each endless repetition, and what it repeats (in two ways, where it has several)."""
    for place, (kind, value) in enumerate(items):
        before = prefix + "".join(_sample([each]) for each in items[:place])
        for inner in _children(kind, value):
            if kind in _REPEATS and value[1] >= MANY:
                bodies = _samples(inner)
                yield from ((before, body) for body in bodies)
                yield from (("", before[-20:] + body) for body in bodies[:1])
            yield from _from_tree(list(inner), before)


_REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, getattr(sre, "POSSESSIVE_REPEAT", None)}


def _children(kind: Any, value: Any) -> list[Any]:
    if kind in _REPEATS:
        return [value[2]]
    if kind is sre.SUBPATTERN:
        return [value[-1]]
    if kind is sre.BRANCH:
        return list(value[1])
    if kind in {sre.ASSERT, sre.ASSERT_NOT}:
        return [value[1]]
    if kind is getattr(sre, "ATOMIC_GROUP", None):
        return [value]
    return []


def _samples(items: Any) -> list[str]:
    """Some texts that match, shortest kinds first."""
    items = list(items)
    if len(items) == 1 and items[0][0] is sre.BRANCH:
        return [_sample(branch) for branch in items[0][1][1]][:4]
    if len(items) == 1 and items[0][0] is sre.SUBPATTERN:
        return _samples(items[0][1][-1])
    if len(items) == 1 and items[0][0] is sre.IN:
        return _class_samples(items[0][1])[:4]
    return [_sample(items)]


def _sample(items: Any) -> str:
    return "".join(_one(kind, value) for kind, value in items)


def _one(kind: Any, value: Any) -> str:  # noqa: PLR0911 one for each kind
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if kind is sre.ANY:
        return "a"
    if kind is sre.IN:
        return _class_samples(value)[0]
    if kind is sre.BRANCH:
        return _sample(value[1][0])
    if kind in _REPEATS:
        return _sample(value[2]) * max(value[0], 1 if value[1] else 0)
    if kind in {sre.SUBPATTERN, getattr(sre, "ATOMIC_GROUP", None)}:
        return _sample(value[-1] if kind is sre.SUBPATTERN else value)
    return ""


_CATEGORIES = {sre.CATEGORY_DIGIT: "0", sre.CATEGORY_SPACE: " ", sre.CATEGORY_WORD: "a", sre.CATEGORY_NOT_DIGIT: "a",
               sre.CATEGORY_NOT_SPACE: "a", sre.CATEGORY_NOT_WORD: "-"}  # fmt: skip


def _class_samples(members: list[Any]) -> list[str]:
    if members and members[0][0] is sre.NEGATE:
        inner = re.compile("[" + "".join(map(_class_text, members[1:])) + "]")
        return [c for c in 'a 0-.<\n"A' if not inner.match(c)] or ["\u2603"]
    found: list[str] = []
    for kind, value in members:
        if kind is sre.LITERAL:
            found.append(chr(value))
        elif kind is sre.RANGE:
            found.append(chr(value[0]))
        elif kind is sre.CATEGORY:
            found.append(_CATEGORIES[value])
    return found


def _class_text(member: Any) -> str:
    kind, value = member
    if kind is sre.LITERAL:
        return re.escape(chr(value))
    if kind is sre.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    return {sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_SPACE: r"\s", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_DIGIT: r"\D",
            sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_NOT_WORD: r"\W"}[value]  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ measuring


class _TooSlow(Exception):
    pass


def _interrupt(*_: object) -> None:
    raise _TooSlow


def cpu_seconds(action: Callable[[], None], at_most_s: float) -> float:
    """Processor time of an action, which is interrupted when it takes longer; infinite then."""
    before = signal.signal(signal.SIGPROF, _interrupt)
    begun = time.thread_time()
    try:
        signal.setitimer(signal.ITIMER_PROF, at_most_s)
        action()
        signal.setitimer(signal.ITIMER_PROF, 0)
    except _TooSlow:
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return time.thread_time() - begun
