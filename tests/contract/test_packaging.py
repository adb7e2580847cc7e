"""What an operator installs: the requirement files, the locks, the make targets and the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-docs.lock", "requirements-audit.lock")
LISTS = ("constraints.txt", *LOCKS)
SCHEMAS = {
    "support_troubleshooting_schema.sql",
    "support_troubleshooting_feedback_schema.sql",
    "support_webhooks_schema.sql",
    "support_troubleshooting_advanced_schema.sql",
    "support_troubleshooting_performance_schema.sql",
    "support_access_schema.sql",
}
BLOCK = 4096  # in which `du` counts
PIP_AND_SETUPTOOLS_MB = 25  # what `python -m venv` puts there
# Wide enough for an entry that has no hash at all: its block then ends at the next name.
ENTRY = re.compile(r"^(?P<entry>[A-Za-z0-9][^\s]*==[^\\\n]*?)\s*(?P<rest>(?:\\\n\s+--hash=\S+\s*)*)$", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def entries(name: str) -> dict[str, Requirement]:
    """Pinned requirements of a file, by name and marker: a universal lock may pin one name twice."""
    found = [Requirement(match["entry"]) for match in ENTRY.finditer(read(name))]
    return {f"{entry.name} {entry.marker or ''}".strip(): entry for entry in found}


def pinned_names(name: str) -> set[str]:
    return {entry.name.lower().replace("_", "-") for entry in entries(name).values()}


def pyproject() -> dict[str, object]:
    return tomllib.loads(read("pyproject.toml"))


def test_requirements_are_the_constraints_and_the_project() -> None:
    assert read("requirements.txt").splitlines() == ["-c constraints.txt", "-e ."]


@pytest.mark.parametrize("name", [*LISTS, "requirements.txt", "web/kpis-next/package-lock.json"])
def test_no_list_of_versions_names_a_host(name: str) -> None:
    assert not re.findall(r"https?:|://|index-url|find-links|resolved", read(name))


@pytest.mark.parametrize("name", LISTS)
def test_every_line_is_one_exact_version(name: str) -> None:
    lines = [line for line in read(name).splitlines() if line and not line.startswith((" ", "#"))]
    assert lines
    assert len(lines) == len(entries(name))
    for entry in entries(name).values():
        assert [clause.operator for clause in entry.specifier] == ["=="], entry


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_version_has_hashes(name: str) -> None:
    without = [match["entry"] for match in ENTRY.finditer(read(name)) if "--hash=sha256:" not in match["rest"]]
    assert without == []


def test_constraints_and_locks_name_the_same_versions() -> None:
    constraints = {key: str(entry.specifier) for key, entry in entries("constraints.txt").items()}
    development = {key: str(entry.specifier) for key, entry in entries("requirements-dev.lock").items()}
    running = {key: str(entry.specifier) for key, entry in entries("requirements.lock").items()}
    assert constraints == development
    assert running.items() <= constraints.items()


def test_the_locks_hold_what_the_project_declares() -> None:
    project = pyproject()
    groups = project["dependency-groups"]
    declared = [Requirement(text) for text in project["project"]["dependencies"]]  # type: ignore[index]
    tools = [Requirement(text) for text in groups["dev"] if isinstance(text, str)]  # type: ignore[index]
    builders = [Requirement(text) for text in project["build-system"]["requires"]]  # type: ignore[index]
    for name, wanted in (
        ("requirements.lock", declared + builders),
        ("requirements-dev.lock", declared + tools + builders),
    ):
        locked = {entry.name: entry.specifier for entry in entries(name).values()}
        for requirement in wanted:
            version = str(locked[requirement.name.lower()]).removeprefix("==")
            assert requirement.specifier.contains(version), f"{name}: {requirement} is locked at {version}; run make lock"


def canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def installed() -> set[str]:
    return {canonical(dist.name) for dist in metadata.distributions()}


def asked_by(pinned: dict[str, set[str]]) -> list[Requirement]:
    """What the installed packages of a lock ask for by their own metadata, in this interpreter."""
    texts = [(name, text) for name in sorted(installed() & set(pinned)) for text in metadata.requires(name) or ()]
    wanted = [(name, Requirement(text)) for name, text in texts]
    return [
        requirement
        for name, requirement in wanted
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": known}) for known in ("", *pinned[name]))
    ]


def asked_extras(pinned: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Every extra, with its package, among them."""
    return {(canonical(requirement.name), extra) for requirement in asked_by(pinned) for extra in requirement.extras}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_extra_that_something_asks_for_has_a_pin_of_its_own(name: str) -> None:
    # pip before 23.3 resolves `coverage[toml]` apart from `coverage`: without a pin it takes the newest, which has no hash here.
    pinned = {canonical(entry.name): set(entry.extras) for entry in entries(name).values()}
    asked = asked_extras(pinned)
    assert ("coverage", "toml") in asked or name == "requirements.lock"
    assert {(package, extra) for package, extra in asked if extra not in pinned.get(package, set())} == set()


@pytest.mark.parametrize(("name", "left_out"), [("requirements.lock", {"polyfactory"}), ("requirements-dev.lock", set())])
def test_a_lock_is_complete(name: str, left_out: set[str]) -> None:
    # It is installed without dependencies. Litestar has polyfactory only to make up examples, which nobody asks it for.
    pinned = {canonical(entry.name): set(entry.extras) for entry in entries(name).values()}
    assert {canonical(requirement.name) for requirement in asked_by(pinned)} - pinned.keys() == left_out


def test_what_running_needs_stays_small() -> None:
    files = [file for name in pinned_names("requirements.lock") & installed() for file in metadata.files(name) or ()]
    sources = [file for file in files if file.suffix == ".py"]  # their bytecode is about as large
    kept = sum(-(-(file.size or 0) // BLOCK) * BLOCK for file in (*files, *sources))
    assert 250 < kept / (1 << 20) + PIP_AND_SETUPTOOLS_MB < 380


def test_running_needs_no_development_tool() -> None:
    assert pinned_names("requirements.lock").isdisjoint({"pytest", "ruff", "basedpyright", "playwright", "hypothesis", "faker"})


def test_package_json_names_exact_versions() -> None:
    text = read("web/kpis-next/package.json")
    versions = re.findall(r'"(?:@[\w/]+|[\w.-]+)": "([^"]+)"', text.split('"dependencies"')[1])
    assert versions
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("document", ["README.md", "README.es.md", "CONTRIBUTING.md"])
def test_documented_make_targets_exist(document: str) -> None:
    if not (ROOT / document).exists():
        pytest.skip(f"{document} is not written yet")
    code = re.findall(r"^make [^\n]*|`make [^`]*`", read(document), re.MULTILINE)
    named = {word for text in code for word in re.findall(r"^`?make ([a-z-]+)", text)}
    assert named <= make_targets()


def test_make_knows_the_promised_targets() -> None:
    promised = {"run", "test", "test-long", "bench", "check", "docs", "lock", "wheel", "sdist", "setup", "help"}
    shown = subprocess.run(["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert promised <= set(re.findall(r"^make ([a-z-]+)", shown, re.MULTILINE))
    assert promised <= make_targets()


def setup_with(python: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a copy of the set-up in an empty folder, so that nothing here can be touched."""
    scripts = folder / "scripts"
    scripts.mkdir()
    (scripts / "setup.sh").write_text(read("scripts/setup.sh"), encoding="utf-8")
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / name).write_text("", encoding="utf-8")
    command = ["bash", str(scripts / "setup.sh"), "run"]
    return subprocess.run(command, env={"PATH": "/usr/bin:/bin", "PYTHON": python}, capture_output=True, text=True, check=False)


def fake_python(folder: Path, script: str) -> str:
    path = folder / "old-python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_an_old_python_is_refused_in_two_lines(tmp_path: Path) -> None:
    python = fake_python(tmp_path, '[ "$1" = --version ] && echo "Python 3.9.2" && exit 0; exit 1')
    done = setup_with(python, tmp_path)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 2
    assert "3.11" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = setup_with("no-such-python", tmp_path)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 2
    assert "«no-such-python»" in done.stderr


def test_a_missing_venv_module_is_explained_in_two_lines(tmp_path: Path) -> None:
    python = fake_python(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac; exit 0')
    done = setup_with(python, tmp_path)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 2
    assert "python3-venv" in done.stderr


def test_every_setting_in_the_example_is_commented_out() -> None:
    text = read(".env.example")
    assert [line for line in text.splitlines() if line.strip() and not line.startswith("#")] == []
    named = set(re.findall(r"^#([A-Z_]+)=", text, re.MULTILINE))
    assert {"DATABASE_URL", "OPENAI_API_KEY", "KESTRA_WEBHOOK_URL", "SLACK_WEBHOOK_URL", "PORT", "GUIADO_HOME"} <= named


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (wheel,) = folder.glob("guiado-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_the_schemas_and_migrations(wheel_names: set[str]) -> None:
    here = {path.relative_to(ROOT / "data").as_posix() for path in (ROOT / "data/db").rglob("*.sql")}
    packed = {name.removeprefix("guiado/_data/") for name in wheel_names if name.endswith(".sql") and "/_data/" in name}
    assert {f"db/{name}" for name in SCHEMAS} <= here
    assert packed == here


def test_the_wheel_carries_the_knowledge_base_and_templates(wheel_names: set[str]) -> None:
    for name in ("support_troubleshooting_kb.json", "support_troubleshooting_templates.json"):
        assert f"guiado/_data/integrations/{name}" in wheel_names


def test_the_wheel_has_one_package_and_nothing_beside_it(wheel_names: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"guiado"}
    assert "guiado/__init__.py" in wheel_names
