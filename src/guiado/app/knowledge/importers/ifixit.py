"""Importer of repair guides in iFixit's JSON: one guide, a list of them, or a folder of such files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from guiado.app.json_values import json_problem
from guiado.app.knowledge.importers.blocks import Link
from guiado.app.knowledge.importers.imported import Imported, NotUnderstood, SourceUnreadable, doubt
from guiado.app.knowledge.importers.recognise import LONGEST_TITLE, fitted, resources_of, slug
from guiado.app.knowledge.importers.source_files import RefusedFile, files_in, read_text
from guiado.errors import FieldProblem, printable
from guiado.text.json_shapes import is_list, is_mapping, items_in, object_in

NAME = "ifixit"
_JSON = ".json"
ENDINGS = ("", _JSON)
_HEAD_BYTES = 65_536
_SIGN = re.compile(rb'"guideid"\s*:\s*\d')
_DIFFICULTIES = {
    "very easy": "fácil", "easy": "fácil", "moderate": "medio", "difficult": "avanzado", "very difficult": "avanzado",
    "muy fácil": "fácil", "fácil": "fácil", "moderado": "medio", "difícil": "avanzado", "muy difícil": "avanzado",
}  # fmt: skip
_QUOTES = re.compile(r"'{2,5}")
_MARKED_LINK = re.compile(r"\[link\|([^|\[\]]{1,2000})(?:\|([^|\[\]]{0,2000}))?(?:\|[^\[\]]{0,2000})?\]")
_OTHER_LINK = re.compile(
    r"\[(?:guide|product|wiki|title|image|video|embed|kbd|br)\|([^|\[\]]{0,2000})(?:\|([^|\[\]]{0,2000}))?(?:\|[^\[\]]{0,2000})?\]"
)
_PLAIN_LINK = re.compile(r"\[(https?://[^\s|\[\]]{1,2000})(?:[|\s]([^\[\]]{0,2000}))?\]")
_TIME = re.compile(r"(\d{1,6}(?:[.,]\d{1,3})?)\s{0,4}(hour|hora|hr|h\b|min|day|día|dia)", re.IGNORECASE)
_MINUTES = {"h": 60, "m": 1, "d": 1440}
_CAUTION, _NOTES = "icon_caution", {"icon_note", "icon_reminder"}
_SENTENCE = re.compile(r"(?<=[.:;!?])\s")
_REQUIRED_TOO = ("tools", "parts")


def looks_like(source: Path) -> bool:
    """Whether a JSON file, or one of a folder, has a guide with iFixit's id."""
    found = files_in(source, (_JSON,)) if source.is_dir() else iter((source,))
    return any(_has_sign(each) for each in found if isinstance(each, Path))


def read(source: Path) -> Iterator[Imported | NotUnderstood]:
    """Read the guides of a file or folder.

    Raises:
        SourceUnreadable: the file that was named cannot be read.
    """
    if not source.is_dir():
        yield from _read_file(source, None)
        return
    for path in files_in(source, (_JSON,)):
        if isinstance(path, RefusedFile):
            yield NotUnderstood(path.problem)
            continue
        try:
            yield from _read_file(path, source)
        except SourceUnreadable as error:
            yield from map(NotUnderstood, error.problems)


def _has_sign(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(_SIGN.search(file.read(_HEAD_BYTES)))
    except OSError:
        return False


def _read_file(path: Path, base: Path | None) -> Iterator[Imported | NotUnderstood]:
    text = read_text(path, base)
    try:
        value: object = json.loads(text.text)
    except (ValueError, RecursionError) as error:
        raise SourceUnreadable(text.place, json_problem(error).message) from None
    for number, raw in enumerate(value if is_list(value) else [value], 1):
        place = text.place if not is_list(value) else f"{text.place}#{number}"
        if not is_mapping(raw) or not isinstance(raw.get("title"), str) or not is_list(raw.get("steps")):
            why = "No es una guía de iFixit: le faltan title o steps. Expórtala de nuevo con sus pasos."
            yield NotUnderstood(doubt(place, why))
        else:
            yield _Guide(raw, place, text.doubts).read()


class _Guide:
    """Reader of one guide."""

    def __init__(self, raw: Mapping[str, object], place: str, doubts: tuple[FieldProblem, ...]) -> None:
        self._raw, self._place, self._doubts = raw, place, list(doubts)

    def read(self) -> Imported | NotUnderstood:
        steps = [self._step(object_in(step), number) for number, step in enumerate(items_in(self._raw["steps"]), 1)]
        kept = [step for step in steps if step is not None]
        title = self._said("title")
        if not kept:
            return NotUnderstood(doubt(self._place, "No tiene ningún paso con texto. Escríbelos o quita la guía."))
        entry: dict[str, object] = {
            "problem_title": title,
            "problem_description": self._said("summary") or self._said("introduction_raw") or self._said("introduction"),
            "category": self._said("category").lower(),
            "estimated_time": self._time(),
            "difficulty": self._difficulty(),
            "prerequisites": self._prerequisites(),
            "steps": [{"step_number": number, **step} for number, step in enumerate(kept, 1)],
        }
        for flag in items_in(self._raw.get("flags")):
            why = "Viene con un aviso de iFixit: {flag}. Revisa la guía antes de publicarla."
            self._doubt(why, flag=printable(object_in(flag).get("title", "")))
        found = {name: value for name, value in entry.items() if value not in ("", [], None)}
        return Imported(slug(title), found, self._place, tuple(self._doubts))

    def _said(self, name: str) -> str:
        value = self._raw.get(name)
        return fitted(_plain(value)[0], self._place, self._doubts) if isinstance(value, str) else ""

    def _difficulty(self) -> str:
        given = str(self._raw.get("difficulty") or "").strip()
        if given and given.lower() not in _DIFFICULTIES:
            self._doubt("La dificultad {given} no se conoce. Escribe fácil, medio o avanzado.", given=printable(given))
        return _DIFFICULTIES.get(given.lower(), "")

    def _time(self) -> str:
        """The longest time that the guide gives, in minutes."""
        most, given = self._raw.get("time_required_max"), str(self._raw.get("time_required") or "")
        if isinstance(most, (int, float)) and most > 0:
            return f"{max(1, round(most / 60))} minutos"
        found = [float(number.replace(",", ".")) * _MINUTES[unit[0].lower()] for number, unit in _TIME.findall(given)]
        if given and not found:
            self._doubt("El tiempo {given} no se entendió. Escribe estimated_time en minutos.", given=printable(given))
        return f"{round(max(found))} minutos" if found else ""

    def _prerequisites(self) -> list[str]:
        things = [object_in(each) for name in _REQUIRED_TOO for each in items_in(self._raw.get(name))]
        for before in map(object_in, items_in(self._raw.get("prerequisites"))):
            why = "Antes hay que seguir la guía «{guide}», que no viene aquí. Impórtala o agrega sus pasos."
            self._doubt(why, guide=printable(before.get("title") or before.get("guideid") or "?"))
        return list(dict.fromkeys(filter(None, map(_thing, things))))

    def _step(self, raw: Mapping[str, object], number: int) -> dict[str, object] | None:
        place = f"{self._place}, paso {number}"
        instructions, warnings, notes, links = list[str](), list[str](), list[str](), list[Link]()
        for line in map(object_in, items_in(raw.get("lines"))):
            text, found = _plain(str(line.get("text_raw") or ""))
            links += found
            bullet = str(line.get("bullet") or "")
            target = warnings if bullet == _CAUTION else notes if bullet in _NOTES else instructions
            target += [fitted(text, place, self._doubts)] if text else []
        self._doubt_media(object_in(raw.get("media")), place)
        if not (instructions or warnings or notes):
            return None
        title = _plain(str(raw.get("title") or ""))[0] or _first_words((instructions or notes or warnings)[0])
        step = {
            "title": title,
            "description": " ".join(notes),
            "instructions": instructions,
            "warnings": warnings,
            "resources": resources_of(links, place, self._doubts),
        }
        return {name: value for name, value in step.items() if value}

    def _doubt_media(self, media: Mapping[str, object], place: str) -> None:
        data = media.get("data")
        count = len(items_in(data)) if is_list(data) else int(bool(data))
        if count:
            why = "Tenía {count} imágenes o videos, que no se importan. Agrégalos a su paso."
            self._doubts.append(doubt(place, why, count=count))

    def _doubt(self, template: str, /, **params: object) -> None:
        self._doubts.append(doubt(self._place, template, **params))


def _plain(marked: str) -> tuple[str, list[Link]]:
    """Text without iFixit's marks, and the links that were in it."""
    links = [Link(words or address, address) for address, words in _MARKED_LINK.findall(marked)]
    links += [Link(words or address, address) for address, words in _PLAIN_LINK.findall(marked)]
    text = _MARKED_LINK.sub(lambda found: found[2] or found[1], marked)
    text = _PLAIN_LINK.sub(lambda found: found[2] or found[1], text)
    text = _OTHER_LINK.sub(lambda found: found[2] or "", text)
    return " ".join(_QUOTES.sub("", text).split()), links


def _thing(raw: Mapping[str, object]) -> str:
    name, quantity = _plain(str(raw.get("text") or raw.get("title") or ""))[0], raw.get("quantity")
    is_several = isinstance(quantity, int) and quantity > 1
    return f"{name} × {quantity}" if name and is_several else name


def _first_words(text: str) -> str:
    """The first sentence of a text, cut at a word where it is too long for a title."""
    first = _SENTENCE.split(text, maxsplit=1)[0].rstrip(".:;")
    if len(first) <= LONGEST_TITLE:
        return first
    return f"{first[: LONGEST_TITLE - 1].rsplit(' ', 1)[0].rstrip(',;: ')}…"
