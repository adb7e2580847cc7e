"""Reading of a knowledge-base file: the whole file, or the entries that changed since it was read and published."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guiado.app.json_values import json_problem
from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.incremental_json import UNCHANGED, Source, walk
from guiado.app.knowledge.parse import read_entry
from guiado.app.knowledge.shared_parts import RESERVED, SharedParts, expand, read_shared
from guiado.app.text_file import UnreadableFile, read_text_file
from guiado.domain.guide import Guide, content_hash
from guiado.errors import FieldProblem, KnowledgeBaseInvalid, Message
from guiado.text.json_shapes import is_list, is_mapping, is_object

_NO_HASHES: Mapping[str, str] = {}
Variables = Mapping[str, str | Mapping[str, str]]
"""Name -> value, or language -> value."""
NO_VARIABLES: Variables = {}


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of a knowledge-base file that was read.

    Args:
        guides: id -> guide, without the ids that publishing gives to steps; of a file read for its changes, those alone.
        hashes: id -> hash of the entry as written, of all.
        findings: errors and warnings.
        sources: id -> fingerprint of the entry's text in the file, of the shared parts too.
    """

    guides: Mapping[str, Guide] = field(default_factory=dict[str, Guide])
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    findings: Findings = field(default_factory=Findings)
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])


def read_file(path: Path, variables: Variables = NO_VARIABLES) -> Entries:
    """Read and check a knowledge-base file.

    Args:
        path: a JSON file.
        variables: see `read_changes`.

    Raises:
        KnowledgeBaseInvalid: with every fault and its JSON path.
    """
    return read_changes(path, Entries(), _NO_HASHES, variables)


def read_with_faults(path: Path, variables: Variables = NO_VARIABLES) -> Entries:
    """Read a knowledge-base file with its errors among the findings: the guides are those without one.

    Args:
        path: a JSON file.
        variables: see `read_changes`.

    Raises:
        KnowledgeBaseInvalid: it cannot be read as JSON.
    """
    return _read_entries(path, Entries(), _NO_HASHES, variables)


def read_changes(path: Path, known: Entries, published: Mapping[str, str], variables: Variables = NO_VARIABLES) -> Entries:
    """Read and check the entries of a knowledge-base file that differ from the published ones.

    Args:
        path: a JSON file.
        known: the file as it was read before: entries that look as they did are not even decoded.
        published: id -> content hash.
        variables: those that the settings give.

    Raises:
        KnowledgeBaseInvalid: with every fault and its JSON path.
    """
    entries = _read_entries(path, known, published, variables)
    if entries.findings.errors:
        raise KnowledgeBaseInvalid(path.name, entries.findings.errors, entries.findings.warnings)
    return entries


def _read_entries(path: Path, known: Entries, published: Mapping[str, str], variables: Variables) -> Entries:
    """Read the entries that differ from the published ones, whatever is wrong with others."""
    findings = Findings()
    raw, sources = _decode(path, findings, _usable(known, published))
    if any(sources.get(key) != known.sources.get(key) for key in RESERVED):
        raw, sources = _decode(path, findings, {})  # a shared part was edited: every guide may be another one
    shared = read_shared(raw, variables, findings)
    raw = {key: entry for key, entry in raw.items() if key not in RESERVED}
    found: dict[str, Guide] = {}
    hashes: dict[str, str] = {}
    for problem_id, entry in raw.items():
        if entry is UNCHANGED:
            hashes[problem_id] = known.hashes[problem_id]
            continue
        whole = _whole(problem_id, entry, shared, findings)
        fingerprint = hashes[problem_id] = _fingerprint(problem_id, whole, findings)
        if published.get(problem_id) != fingerprint and (guide := read_entry(problem_id, whole, findings)):
            found[problem_id] = guide
    if not raw:
        findings.error("$", "No hay ningún problema. Agrega al menos uno.")
    return Entries(found, hashes, findings, sources)


def _whole(problem_id: str, entry: object, shared: SharedParts, findings: Findings) -> object:
    """The entry with its shared parts; what is nested too deeply is said with its fingerprint."""
    try:
        return expand(problem_id, entry, shared, findings) if is_mapping(entry) else entry
    except RecursionError:
        return entry


def _usable(known: Entries, published: Mapping[str, str]) -> Mapping[str, Source]:
    """Fingerprints of the known entries that are published as they are; shared parts are always decoded."""
    if known.hashes == published:
        return {key: source for key, source in known.sources.items() if key not in RESERVED}
    return {key: source for key, source in known.sources.items() if known.hashes.get(key) == published.get(key, "")}


def _fingerprint(problem_id: str, entry: object, findings: Findings) -> str:
    try:
        return content_hash(entry) if is_object(entry) else ""
    except RecursionError:
        findings.error(f"$.{problem_id}", "Hay demasiados niveles anidados. Simplifícalo.")
        return ""


class _Twins(dict[str, object]):
    """A JSON object with a duplicate key."""

    names: frozenset[str] = frozenset()


def _decode(path: Path, findings: Findings, known: Mapping[str, Source]) -> tuple[Mapping[str, object], Mapping[str, Source]]:
    twins = False

    def note_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal twins
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        twins, marked = True, _Twins(found)
        marked.names = frozenset(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return marked

    def refuse_constant(name: str) -> float:
        findings.error("$", "{name} no es JSON. Escribe un número o null.", name=name)
        return float(name)

    text = _read_text(path)
    if walked := walk(text, known):
        return walked
    # Something is wrong with it, or unusual: read as a whole, so that it can be told what and where.
    try:
        raw: object = json.loads(text, object_pairs_hook=note_twins, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise KnowledgeBaseInvalid(path.name, [json_problem(error)]) from None
    if not is_object(raw):
        at = FieldProblem("$", Message("Debe ser un objeto: identificador del problema → datos."))
        raise KnowledgeBaseInvalid(path.name, [at])
    if twins:
        _name_twins(raw, findings)
    return raw, {}


def _name_twins(raw: object, findings: Findings) -> None:
    waiting: list[tuple[str, object]] = [("$", raw)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _Twins):
            for name in sorted(value.names):
                findings.error(f"{path}.{name}", "Está repetido. Deja solo uno.")
        if is_object(value):
            waiting += [(f"{path}.{key}", part) for key, part in value.items()]
        elif is_list(value):
            waiting += [(f"{path}[{i}]", part) for i, part in enumerate(value)]


def _read_text(path: Path) -> str:
    try:
        return read_text_file(path)
    except UnreadableFile as error:
        remedy = Message("No se puede leer ({why}). Revisa la ruta, los permisos y que sea UTF-8.", {"why": error.why})
    shown = str(path) if str(path).isprintable() else ascii(str(path))
    raise KnowledgeBaseInvalid(path.name, [FieldProblem(shown, remedy)])
