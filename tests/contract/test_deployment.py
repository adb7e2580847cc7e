"""What ships for servers: the image, Compose, systemd. Checked as far as no container engine is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from guiado import settings
from guiado.errors import SettingsInvalid

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from containerfile import Stage, read  # noqa: E402

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return read(ROOT / "Containerfile")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))


def test_the_image_has_two_stages_of_a_base_with_a_tag(stages: list[Stage]) -> None:
    assert [stage.name for stage in stages] == ["build", "1"]
    for stage in stages:
        assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim-\w+", stage.base)
        assert stage.all("ADD") == []


def test_the_image_runs_as_a_user_of_its_own_with_a_number(stages: list[Stage]) -> None:
    image = stages[-1]
    assert image.last("USER").rest == "10001:10001"
    assert "useradd --uid 10001" in image.all("RUN")[0].rest
    names = [each.name for each in image.instructions]
    assert "RUN" not in names[names.index("USER") :]
    assert image.last("VOLUME").rest == image.environment()["GUIADO_HOME"] == image.last("WORKDIR").rest
    assert f"-o 10001 -g 10001 {image.last('VOLUME').rest}" in image.all("RUN")[0].rest


def test_the_image_says_how_it_is_run_and_asked_and_stopped(stages: list[Stage]) -> None:
    image = stages[-1]
    assert all(image.last(name).is_exec for name in ("ENTRYPOINT", "CMD"))
    assert image.last("STOPSIGNAL").rest == "SIGTERM"
    assert image.environment()["GUIADO_HOST"] == "0.0.0.0"
    health = image.last("HEALTHCHECK")
    assert set(health.flags) == {"interval", "timeout", "start-period", "retries"}
    assert "/healthz" in health.rest
    assert not re.search(r"\b(curl|wget)\b", health.rest)
    labels = " ".join(label.rest for label in image.all("LABEL"))
    assert all(f"org.opencontainers.image.{name}=" in labels for name in ("title", "description", "licenses"))


def test_what_is_installed_has_hashes_and_the_tools_stay_behind(stages: list[Stage]) -> None:
    build, image = stages
    commands = [part for each in build.all("RUN") for part in each.rest.split("&&")]
    installs = [each for each in commands if "pip install" in each]
    assert all("--no-deps" in each and ("--require-hashes" in each or "--no-build-isolation ." in each) for each in installs)
    assert build.environment()["PIP_NO_CACHE_DIR"] == "1"
    assert all("pip install" not in each.rest for each in image.all("RUN"))
    assert {each.flags.get("from") for each in image.all("COPY")} == {"build"}
    locked = (ROOT / "requirements.lock").read_text("utf-8")
    via = re.findall(
        r"^([\w-]+)==[^#]*# via\n(?:    #   -c constraints\.txt\n)?    #   (hatchling|guiado \(pyproject\.toml:build\))\n(?!    #)",
        locked,
        re.MULTILINE,
    )
    removed = set(re.search(r"pip uninstall --quiet --yes (.*)", commands[-1])[1].split())
    assert {name for name, _ in via} == removed - {"pip"}


def test_nothing_secret_and_nothing_needless_goes_to_the_builder(stages: list[Stage]) -> None:
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"}
    copied = {word.removeprefix("./") for each in stages[0].all("COPY") for word in each.words[:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in allowed)


def test_the_builder_has_what_the_wheel_is_made_of(stages: list[Stage]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    hooks = [each["path"] for each in wheel["hooks"].values()]
    needed = {*wheel["packages"], *wheel["force-include"], *hooks, project["project"]["readme"], "requirements.lock"}
    copied = {word.removeprefix("./") for each in stages[0].all("COPY") for word in each.words[:-1]}
    assert [name for name in needed if not {name, *map(str, Path(name).parents)} & copied] == []


def test_services_of_compose_are_closed(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"] == "512m"  # guiado's need; docs/production.md
        assert "privileged" not in service
        assert "/tmp" in service["tmpfs"]  # noqa: S108 inside
        assert service["restart"] == "unless-stopped"


def test_compose_waits_for_the_database_and_keeps_it_inside(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["guiado"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert services["db"]["healthcheck"]["test"][0] == "CMD"
    assert "ports" not in services["db"]
    assert services["db"]["networks"] == ["inside"]
    assert compose["networks"]["inside"] == {"internal": True}
    assert services["guiado"]["ports"] == ["127.0.0.1:3000:3000"]
    assert re.fullmatch(r"docker\.io/library/postgres:\d+-\w+", services["db"]["image"])


def test_compose_names_only_what_it_has(compose: dict[str, Any]) -> None:
    """The shape of the Compose specification, as far as this file uses it."""
    assert set(compose) == {"name", "services", "networks", "volumes", "secrets"}
    known = {
        *(
            "image",
            "build",
            "restart",
            "user",
            "environment",
            "env_file",
            "secrets",
            "volumes",
            "ports",
            "networks",
            "healthcheck",
        ),
        *(
            "stop_grace_period",
            "stop_signal",
            "read_only",
            "tmpfs",
            "cap_drop",
            "security_opt",
            "shm_size",
            "mem_limit",
            "pids_limit",
        ),
        *("depends_on", "init"),
    }
    for service in compose["services"].values():
        assert set(service) <= known
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service["secrets"]) <= set(compose["secrets"])
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(compose["volumes"])
    assert set(compose["services"]["guiado"]["build"]) == {"context", "dockerfile"}


def test_no_password_stands_in_a_file_that_ships(compose: dict[str, Any]) -> None:
    environment = compose["services"]["db"]["environment"]
    assert environment["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres_password"
    assert "POSTGRES_PASSWORD" not in environment
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"/secrets/", "guiado.env"} <= set(ignored)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_units_of_systemd_are_hardened(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd: apt-get install systemd")
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30", str(unit)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert level, done.stderr
    assert float(level[1]) <= 3
    assert done.returncode == 0


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_the_units(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd: apt-get install systemd")
    # The program of an installation is not there; all else must be right.
    there = tmp_path / unit.name
    there.write_text(unit.read_text("utf-8").replace("/opt/guiado/.venv/bin/guiado", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(there)], check=False, capture_output=True, text=True)
    assert unit.name not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_secrets_may_stand_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    containers, systemd = tmp_path / "secrets", tmp_path / "credentials"
    containers.mkdir()
    systemd.mkdir()
    (containers / "DATABASE_URL").write_text("postgresql://guiado:secreta@db/guiado\n")
    (systemd / "SMTP_PASSWORD").write_text("clave")
    monkeypatch.setattr(settings, "SECRETS", containers)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(systemd))
    found = settings.read_settings()
    assert found.database_url == "postgresql://guiado:secreta@db/guiado"
    assert found.smtp_password == "clave"
    monkeypatch.setenv("DATABASE_URL", "postgresql://other/guiado")
    assert settings.read_settings().database_url == "postgresql://other/guiado"


def test_a_secret_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "DATABASE_URL").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setattr(settings, "SECRETS", tmp_path)
    with pytest.raises(SettingsInvalid, match=f"No se puede leer un secreto de {tmp_path}"):
        settings.read_settings()
