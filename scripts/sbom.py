"""Writes what requirements.lock installs as a CycloneDX 1.6 document; as a build hook it puts that into the wheel.

The same lock always gives the same bytes: no time, and a serial number made of the contents. In an installed guiado it is
`guiado-*.dist-info/sboms/guiado.cdx.json` (PEP 770).

Usage: python scripts/sbom.py [FILE]   (dist/guiado.cdx.json by default)
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NAME = "guiado.cdx.json"
_ENTRY = re.compile(r"^(?P<name>[\w.-]+)(?:\[[\w,.-]+\])?==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>[^\\\n]+))?", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def document(lock: str, version: str) -> dict[str, Any]:
    """Return the CycloneDX document of a lock file's text, for this version of guiado."""
    components = [_component(entry, block) for entry, block in _entries(lock)]
    about = {
        "type": "application",
        "bom-ref": "guiado",
        "name": "guiado",
        "version": version,
        "purl": f"pkg:pypi/guiado@{version}",
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([about, components]))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": about},
        "components": components,
        "dependencies": [{"ref": "guiado", "dependsOn": [each["bom-ref"] for each in components]}],
    }


def _entries(lock: str) -> list[tuple[re.Match[str], str]]:
    """Each pinned version, with its lines; a package with extras is pinned again without them, and counts once."""
    found = list(_ENTRY.finditer(lock))
    ends = [each.start() for each in found[1:]] + [len(lock)]
    return list({_reference(each): (each, lock[each.end() : end]) for each, end in zip(found, ends, strict=True)}.values())


def _reference(entry: re.Match[str]) -> str:
    return f"pkg:pypi/{re.sub(r'[-_.]+', '-', entry['name']).lower()}@{entry['version']}"


def _component(entry: re.Match[str], block: str) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _reference(entry),
        "name": entry["name"],
        "version": entry["version"],
        "purl": _reference(entry),
        # One for each file of this version that may be installed: platforms and Pythons have their own.
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in _HASH.findall(block)],
    }
    if entry["marker"]:
        component["properties"] = [{"name": "guiado:marker", "value": entry["marker"].strip()}]
    return component


def text(root: Path = ROOT) -> str:
    """The document of a checkout, as it is written."""
    source = (root / "src/guiado/__init__.py").read_text("utf-8")
    version = re.search(r'__version__ = "([^"]+)"', source)
    if version is None:
        raise SystemExit("src/guiado/__init__.py: no version")
    return json.dumps(document((root / "requirements.lock").read_text("utf-8"), version[1]), indent=1) + "\n"


def get_build_hook() -> type[Any]:
    """Return the hook of Hatchling, which runs this file while it builds a wheel."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class Bill(BuildHookInterface[Any]):
        """Puts the document beside the wheel's metadata."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Write it into a folder that is gone after the build."""
            if version == "standard":
                self._folder = tempfile.TemporaryDirectory(prefix="guiado-sbom-")
                path = Path(self._folder.name) / NAME
                path.write_text(text(Path(self.root)), encoding="utf-8")
                build_data["sbom_files"].append(str(path))

    return Bill


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text(), encoding="utf-8")
    print(target)
