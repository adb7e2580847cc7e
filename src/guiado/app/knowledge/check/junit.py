"""JUnit report of a check, as programs for continuous integration read it: one test case a guide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from xml.etree import ElementTree as ET

from guiado.app.knowledge.check.base import BaseVerdict
from guiado.errors import FieldProblem, Message

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may have, not even escaped."""
SUITE = "guiado kb check"


def junit_of(found: BaseVerdict, say: Callable[[Message], str], *, is_strict: bool, whole: str) -> bytes:
    """The report as a whole document.

    Args:
        say: puts a message into words.
        is_strict: whether warnings fail too.
        whole: name of the case of the file as a whole.
    """
    suite = ET.Element("testsuite", name=_clean(found.given.name or SUITE))
    failures = 0
    cases = {whole: found.errors, **{key: verdict.refusals for key, verdict in found.verdicts.items()}}
    for name, refusals in cases.items():
        warnings = found.warnings.get("" if name == whole else name, ())
        failing = [*refusals, *(warnings if is_strict else ())]
        case = ET.SubElement(suite, "testcase", classname=SUITE, name=_clean(name), time="0")
        if failing:
            failures += 1
            first = say(failing[0].message)
            failure = ET.SubElement(case, "failure", type=_clean(failing[0].code), message=_clean(first))
            failure.text = _clean("\n".join(_lines(failing, found, say)))
        if not is_strict and warnings:
            ET.SubElement(case, "system-out").text = _clean("\n".join(_lines(warnings, found, say)))
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(failures))
    suite.set("errors", "0")
    suites = ET.Element("testsuites", name=SUITE, tests=str(len(cases)), failures=str(failures), errors="0")
    suites.append(suite)
    return ET.tostring(suites, encoding="utf-8", xml_declaration=True)


def _lines(problems: Iterable[FieldProblem], found: BaseVerdict, say: Callable[[Message], str]) -> Iterable[str]:
    for each in problems:
        line = found.line_of(each)
        place = f"{found.given.name}:{line} " if line is not None else ""
        yield f"{place}{each.field}: {say(each.message)}"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
