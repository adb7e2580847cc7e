"""The wheel and the source archive where a stranger installs them: no checkout, no compiler, no git, an empty home."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from guiado import __version__

# What is built and installed here once is for one process of the tests.
pytestmark = pytest.mark.timeout(400)

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 90
STEPS = 6
"""Of the guide to an application that closes by itself."""
NETWORK_IS_MISSING = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Network is unreachable|[Nn]ame resolution"
)
NETWORK_SETTINGS = re.compile(
    r"PIP_.*(INDEX|CERT|CONFIG_FILE|FIND_LINKS|HOST|PROXY|TIMEOUT|RETRIES|CACHE_DIR|KEYRING)"
    r"|(HTTPS?|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|HOME",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Place:
    """An environment with guiado in it, and the empty home and folder of the one who uses it."""

    folder: Path
    home: Path

    @property
    def python(self) -> Path:
        return self.folder / "env/bin/python"

    @property
    def guiado(self) -> Path:
        return self.folder / "env/bin/guiado"

    @property
    def desk(self) -> Path:
        return self.folder / "desk"

    @property
    def variables(self) -> dict[str, str]:
        """Everything that a command gets from outside: nobody's settings, and a path without a single program."""
        path = str(self.folder / "no-programs")
        assert [name for name in ("cc", "gcc", "clang", "make", "git", "psql", "sh") if shutil.which(name, path=path)] == []
        return {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8"}

    def run(self, *command: str | Path, typed: str = "") -> str:
        done = subprocess.run(
            command, input=typed, cwd=self.desk, env=self.variables, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return done.stdout


def pip(python: Path, *arguments: str | Path, path: str | None = None, code: int = 0) -> str:
    """Runs our pip on an environment that has none; of the surroundings it only sees how to reach the network."""
    kept = {name: value for name, value in os.environ.items() if NETWORK_SETTINGS.fullmatch(name)}
    variables = {"PIP_RETRIES": "1", **kept, "PATH": os.environ["PATH"] if path is None else path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--python", python, *arguments],
        cwd="/",
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode and NETWORK_IS_MISSING.search(done.stderr):
        pytest.skip("there is no network here to install the dependencies from")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def build(source: Path, kind: str, target: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(command, cwd=source, capture_output=True, text=True, check=True, env={"PATH": "/nonexistent"})
    (made,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def workshop() -> Iterator[Path]:
    # Open to everybody: the server's user must be able to run the programs inside.
    folder = Path(tempfile.mkdtemp(prefix="guiado-wheel-"))
    folder.chmod(0o755)
    yield folder
    # The cluster too, which for root lies outside of the home.
    for pointer in folder.glob("home*/.local/share/guiado/postgres.path"):
        shutil.rmtree(pointer.read_text("utf-8").strip(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def wheel(workshop: Path) -> Path:
    return build(ROOT, "wheel", workshop / "wheel")


@pytest.fixture(scope="module")
def sdist(workshop: Path) -> Path:
    return build(ROOT, "sdist", workshop / "sdist")


def install_dependencies(folder: Path, interpreter: str) -> Path:
    """An environment with the locked dependencies, by pip and from its registry, and without guiado."""
    make_environment(folder, interpreter)
    pip(folder / "bin/python", "install", "-q", "--no-compile", "--no-deps", "--require-hashes", "-r", ROOT / "requirements.lock")
    return folder


def link_dependencies(folder: Path) -> Path:
    """The same from what pip installed here already: only the locked distributions, file by file, in a second."""
    make_environment(folder, sys.executable)
    (packages,) = folder.glob("lib/python*/site-packages")
    for requirement in locked():
        distribution = importlib.metadata.distribution(requirement.name)
        assert requirement.specifier.contains(distribution.version), f"{requirement}: run make setup-dev"
        for file in distribution.files or []:
            # Bytecode too, or every command would compile all of it again: it is of this Python and these files.
            if ".." not in file.parts and file.locate().exists():
                (packages / file).parent.mkdir(parents=True, exist_ok=True)
                link(Path(str(file.locate())), packages / file)
    return folder


def make_environment(folder: Path, interpreter: str) -> None:
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True, env={"PATH": "/usr/bin:/bin"})


def locked() -> list[Requirement]:
    """What requirements.lock pins for this Python."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    found = [Requirement(entry) for entry in re.findall(r"^([\w.-]+==[^\\\n]+)", text, re.MULTILINE)]
    return [entry for entry in found if entry.marker is None or entry.marker.evaluate()]


def link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def furnish(dependencies: Path, folder: Path, package: Path, home: Path) -> Place:
    place = Place(folder, home)
    for one in (place.desk, folder / "no-programs"):
        one.mkdir(parents=True)
    shutil.copytree(dependencies, folder / "env", symlinks=True, copy_function=link)
    path = place.variables["PATH"]
    pip(place.python, "install", "-q", "--no-compile", "--no-deps", "--no-index", "--no-build-isolation", package, path=path)
    return place


@pytest.fixture(scope="module")
def dependencies(workshop: Path) -> Path:
    return link_dependencies(workshop / "dependencies")


@pytest.fixture(scope="module")
def home(workshop: Path) -> Path:
    """Empty until the first test makes a database there."""
    (folder := workshop / "home").mkdir()
    return folder


@pytest.fixture(scope="module")
def place(workshop: Path, dependencies: Path, wheel: Path, home: Path) -> Place:
    return furnish(dependencies, workshop / "from-wheel", wheel, home)


@pytest.fixture(scope="module")
def place_from_source(workshop: Path, dependencies: Path, sdist: Path, home: Path) -> Place:
    return furnish(dependencies, workshop / "from-sdist", sdist, home)


# ---------------------------------------------------------------------------------------------------------- what is inside


def contents(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def test_the_source_archive_makes_the_same_wheel(workshop: Path, wheel: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(workshop / "unpacked", filter="data")
    (source,) = (workshop / "unpacked").iterdir()
    assert contents(build(source, "wheel", workshop / "again")) == contents(wheel)


def test_the_source_archive_holds_what_is_needed_and_nothing_else(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = [
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "requirements.lock",
        "Makefile",
        "scripts/setup.sh",
        "src/guiado/py.typed",
    ]
    data = [path.relative_to(ROOT).as_posix() for path in (ROOT / "data").rglob("*") if path.suffix in {".sql", ".json", ".py"}]
    assert {*needed, *data} <= names
    foreign = r"(^|/)(\.venv|\.git|\.ci|site|dist|node_modules|\.env|[^/]*cache[^/]*|\.hypothesis|\.coverage)(/|$)|\.py[co]$"
    assert [name for name in sorted(names) if re.search(foreign, name) and not name.startswith("src/")] == []


def test_a_stray_file_of_the_checkout_reaches_neither_archive(workshop: Path) -> None:
    copy = workshop / "checkout"
    kept = shutil.ignore_patterns(".venv", ".git", "node_modules", "site", "dist", ".*cache", ".hypothesis", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=kept)
    strays = ["clientes.csv", "secretos/clave.pem", ".venv/bin/python", "src/guiado/__pycache__/x.cpython-311.pyc", "site/a.html"]
    for name in strays:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("no")
    with tarfile.open(build(copy, "sdist", workshop / "stray-sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(build(copy, "wheel", workshop / "stray-wheel")) as archive:
        names |= set(archive.namelist())
    assert [name for name in strays if any(name.removeprefix("src/") in one for one in names)] == []


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"guiado-{__version__}.dist-info"
        metadata = Metadata.from_email(archive.read(f"{info}/METADATA"), validate=True)
        tag = archive.read(f"{info}/WHEEL").decode()
        commands = archive.read(f"{info}/entry_points.txt").decode()
        licence = archive.read(f"{info}/licenses/LICENSE").decode()
    assert (metadata.name, str(metadata.version), str(metadata.requires_python)) == ("guiado", __version__, ">=3.11")
    notice = "src/guiado/word_lists/NOTICE.md"
    assert (metadata.license_expression, metadata.license_files) == ("Apache-2.0 AND CC-BY-SA-4.0", ["LICENSE", notice])
    assert {f"guiado/word_lists/{name}" for name in ("NOTICE.md", "es.txt", "en.txt", "pt.txt")} <= set(names)
    assert licence == (ROOT / "LICENSE").read_text("utf-8")
    assert "Tag: py3-none-any" in tag
    assert "guiado = guiado.cli:main" in commands
    assert "guiado/py.typed" in names
    assert "Typing :: Typed" in (metadata.classifiers or [])
    assert not [name for name in names if re.search(r"(^|/)(tests?|benchmarks|conftest)\b", name)]


def test_the_readme_renders_where_the_package_is_shown(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = Metadata.from_email(archive.read(f"guiado-{__version__}.dist-info/METADATA"), validate=True)
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text("utf-8")
    page = MarkdownIt("commonmark").enable("table").render(metadata.description)
    assert "<h1>guiado</h1>" in page
    assert page.count("<pre><code") >= 3
    assert "```" not in page


# ------------------------------------------------------------------------------------------------------------ how it works


def ask(url: str, body: dict[str, object] | None = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 our own server
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def serving(place: Place) -> Iterator[str]:
    """Runs `guiado serve` in the place until the block ends; its address."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    with (place.folder / "serve.log").open("w+") as log:
        command = [place.guiado, "serve", "--port", str(port)]
        process = subprocess.Popen(command, cwd=place.desk, env=place.variables, stdout=log, stderr=log)
        try:
            wait_until_ready(url, process, place.folder / "serve.log")
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(DEADLINE_S)
    assert code == 0


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=20).close()  # noqa: S310
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(log.read_text())


def walk(base: str) -> dict[str, object]:
    """A session by REST: every step as the guide says, until it ends."""
    started = ask(f"{base}/start", {"problem_description": "La aplicación se cierra sola", "customer_email": "ana@example.com"})
    session = f"{base}/{started['session_id']}"
    for number in range(1, STEPS + 1):
        answered = ask(f"{session}/step", {"success": True, "step_number": number})
        assert answered["next_action"] == ("resolved" if number == STEPS else "continue")
    return ask(session)["session"]  # pyright: ignore[reportReturnType]


FACADE = """
import guiado
from guiado.agent import TroubleshootingAgent
agent = TroubleshootingAgent()
session = agent.start_troubleshooting("La aplicación se cierra sola", "ana@example.com")
print(agent.format_step_response(agent.get_current_step(session.session_id)))
agent.complete_step(session.session_id, success=True, notes="Sigue igual")
print(agent.complete_step(session.session_id, success=True, outcome="solved")["status"], guiado.__file__)
"""


def use_the_facade(place: Place) -> None:
    said = place.run(place.python, "-c", FACADE)
    assert f"Paso 1 de {STEPS}" in said
    status, file = said.split()[-2:]
    assert status == "resolved"
    assert Path(file).is_relative_to(place.folder / "env")


def do_the_main_job(place: Place) -> None:
    assert place.run(place.guiado, "version") == f"{__version__}\n"
    assert place.run(place.guiado, "kb", "lint")
    assert "error_aplicacion" in place.run(place.guiado, "kb", "show")
    with serving(place) as url:
        assert walk(f"{url}/api/support/troubleshooting")["status"] == "resolved"
        chat = place.run(place.guiado, "chat", typed="no puedo conectarme a internet\nana@example.com\nh\ns\n5\nmuy claro\n")
        assert "Damos el problema por resuelto" in chat
        listed = json.loads(place.run(place.guiado, "sessions", "list", "--status", "resolved", "--json"))
        assert len(listed) == 2
    use_the_facade(place)


def test_from_the_wheel_the_main_job_is_done(place: Place) -> None:
    do_the_main_job(place)


def test_from_the_wheel_a_knowledge_base_of_ones_own_is_made(place: Place) -> None:
    place.run(place.guiado, "kb", "export", "mia.json")
    copied = (place.desk / "mia.json").read_bytes()
    assert copied == (ROOT / "data/integrations/support_troubleshooting_kb.json").read_bytes()
    assert place.run(place.guiado, "kb", "lint", "mia.json")


def assert_complete(place: Place) -> None:
    """Every dependency is there and fits, but for what Litestar never imports and the lock leaves out (ADR 0018)."""
    (complaint,) = pip(place.python, "check", code=1).splitlines()
    assert re.fullmatch(r"litestar \S+ requires polyfactory, which is not installed\.", complaint)


def test_every_dependency_is_there_and_fits(place: Place) -> None:
    assert_complete(place)


def test_the_source_archive_installs_without_compiler_and_git_and_works(place_from_source: Place) -> None:
    assert place_from_source.run(place_from_source.guiado, "version") == f"{__version__}\n"
    assert place_from_source.run(place_from_source.guiado, "kb", "lint")
    use_the_facade(place_from_source)


IMPORTS = """
import importlib, os, sys
sys.dont_write_bytecode = True
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
    if writes or event.startswith(("socket.", "os.mkdir", "os.rename", "os.remove", "os.fork", "subprocess.", "shutil.")):
        print(event, arguments)
sys.addaudithook(watch)
for name in ("guiado", "guiado.agent", "guiado.cli", "guiado.server", "guiado.scheduler"):
    importlib.import_module(name)
"""


def test_an_import_opens_no_socket_and_writes_no_file(place: Place) -> None:
    assert place.run(place.python, "-c", IMPORTS) == ""


# ------------------------------------------------------------------------------------------------------- the other Pythons


def interpreter(version: str) -> str | None:
    """A Python of this version that really runs: what lies on the path may be a launcher with nothing behind it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in (f"python{version}", *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))):
        try:
            said = subprocess.run(
                [name, "-c", "import sys, venv; print(*sys.version_info[:2], sep='.')"], capture_output=True, check=False
            )
        except OSError:
            continue
        if said.returncode == 0 and said.stdout.decode().strip() == version:
            return name
    return None


@pytest.mark.long
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_pip_installs_the_locked_dependencies_and_the_wheel_does_the_main_job(version: str, workshop: Path, wheel: Path) -> None:
    found = interpreter(version)
    if found is None:
        pytest.skip(f"there is no Python {version} here")
    (home := workshop / f"home-{version}").mkdir()
    place = furnish(install_dependencies(workshop / f"dependencies-{version}", found), workshop / f"from-{version}", wheel, home)
    assert place.run(place.python, "--version").startswith(f"Python {version}.")
    assert_complete(place)
    do_the_main_job(place)
