"""What comes from elsewhere, and what must never leave: locks, the bill of materials, our rules for semgrep, secrets."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from guiado import __version__

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "security/rules"
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def scan() -> ModuleType:
    return script("secret_scan")


# ------------------------------------------------------------------------------------------------------------ what installs


def installs() -> list[tuple[str, str]]:
    """Every `pip install` of what sets guiado up, with its lines joined."""
    files = [ROOT / "Makefile", *sorted((ROOT / "scripts").glob("*.sh")), *sorted((ROOT / ".ci").iterdir())]
    files += [ROOT / name for name in ("Containerfile", "Dockerfile") if (ROOT / name).exists()]
    return [
        (file.name, command)
        for file in files
        for command in re.findall(
            r"\b(?:pip|uv)\b[^\n#;&|]*\b(?:install|sync)\b[^\n;&|]*", file.read_text("utf-8").replace("\\\n", " ")
        )
    ]


def test_what_sets_guiado_up_installs_by_hash_alone() -> None:
    found = installs()
    assert [command for _, command in found if "--require-hashes" in command]
    for file, command in found:
        # guiado itself has no hash, and brings nothing along. The tool that writes the locks is in none of them.
        alone = "--no-deps" in command and not re.search(r"\s-r\b|--requirement", command)
        assert "--require-hashes" in command or alone or (file, command.split()[-1]) == ("lock.sh", "uv"), f"{file}: {command}"


# ---------------------------------------------------------------------------------------------------- the bill of materials


def locked() -> dict[tuple[str, str], set[str]]:
    """Name and version -> hashes, read word by word."""
    found: dict[tuple[str, str], set[str]] = {}
    entry = ("", "")
    for line in LOCK.splitlines():
        if match := re.fullmatch(r"\s+--hash=sha256:(\w+)(?: \\)?", line):
            found[entry].add(match[1])
        elif line and not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix(" \\"))
            entry = requirement.name, str(requirement.specifier).removeprefix("==")
            found.setdefault(entry, set())
    return found


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document in a wheel that is built here."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = folder.glob("guiado-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return json.loads(archive.read(f"guiado-{__version__}.dist-info/sboms/guiado.cdx.json"))


def test_the_bill_of_materials_in_the_wheel_is_the_lock(bill: dict[str, Any]) -> None:
    listed = {(each["name"], each["version"]): {one["content"] for one in each["hashes"]} for each in bill["components"]}
    assert listed == locked()
    assert len(listed) == len(bill["components"]) > 30
    assert all(listed.values())


def test_the_bill_of_materials_says_what_it_is_about(bill: dict[str, Any]) -> None:
    assert (bill["bomFormat"], bill["specVersion"], bill["metadata"]["component"]["version"]) == ("CycloneDX", "1.6", __version__)
    references = [each["bom-ref"] for each in bill["components"]]
    assert bill["dependencies"] == [{"ref": "guiado", "dependsOn": references}]
    assert len(set(references)) == len(references)
    assert {each["alg"] for component in bill["components"] for each in component["hashes"]} == {"SHA-256"}


def test_the_same_lock_makes_the_same_bill(bill: dict[str, Any]) -> None:
    sbom = script("sbom")
    assert json.loads(sbom.text()) == bill
    other = LOCK.replace("--hash=sha256:", "--hash=sha256:0", 1)
    assert sbom.document(other, __version__)["serialNumber"] != bill["serialNumber"]


# ---------------------------------------------------------------------------------------------------------------- our rules


def rules() -> list[tuple[str, str]]:
    return [
        (path.stem, rule["id"])
        for path in sorted(RULES.glob("*.yaml"))
        for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]
    ]


@pytest.mark.parametrize(("file", "rule"), rules())
def test_every_rule_has_code_that_it_finds_and_code_that_it_lets_be(file: str, rule: str) -> None:
    # `make audit` has semgrep compare; without both lines it would find nothing to compare.
    marks = {
        (kind, named)
        for path in RULES.glob(f"{file}.[!y]*")
        for kind, named in re.findall(r"\b(ruleid|ok): ([\w-]+)", path.read_text())
    }
    assert {kind for kind, named in marks if named == rule} == {"ruleid", "ok"}


def test_what_is_let_be_says_why() -> None:
    for path in sorted((ROOT / "src").rglob("*.py")):
        lines = path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            if re.search(r"#\s*nosemgrep|#\s*nosec\b(?! B\d)", line):
                assert not re.search(r"nosec\b(?! B\d)", line), f"{path}: nosec without the number of the check"
                reason = lines[number - 1].partition("#")[2] + line.partition("nosemgrep: ")[2].partition(" ")[2]
                assert re.search(r"\w+ \w+", reason), f"{path}:{number + 1}: let be without a reason"


# ------------------------------------------------------------------------------------------------------------------ secrets

# In two parts, or this file would have to be accepted itself.
PLANTED = {
    "private key": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEA7n9vK2",
    "guiado key": "guiado_" + ("7Kq2mWx9ZbT4nYc" * 4)[:49],
    "webhook secret": "whsec" + "_q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng=",
    "OpenAI key": "sk" + "-proj-8fJ2kLm9Qw3Er5Ty7Ui1",
    "AWS key": "AKIA" + "Q7JX2M5LWZP3NV8R",
    "GitHub token": "ghp" + "_8fJ2kLm9Qw3Er5Ty7Ui1Op4As6Df0Gh2Jk9L",
    "GitLab token": "glpat" + "-8fJ2kLm9Qw3Er5Ty7Ui1",
    "Slack token": "xoxb" + "-8123456789-abcdef",
    "Slack webhook": "https://hooks.slack.com/services/" + "T0AB12CD3/B0AB12CD3/8fJ2kLm9Qw3Er5Ty7Ui1",
    "Google key": "AIza" + "SyD8fJ2kLm9Qw3Er5Ty7Ui1Op4As6Df0Gh2",
    "Stripe key": "sk_live" + "_8fJ2kLm9Qw3Er5Ty7Ui1",
    "Twilio key": "SK" + "0123456789abcdef0123456789abcde7",
    "signed token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NSJ9.8fJ2kLm9Qw3Er5Ty",
    "package index token": "pypi-" + "AgEIcHlwaS5vcmcCJDhmSjJrTG05UXczRXI1VHk3VWkxT3A0QXM2",
    "password in an address": "postgresql://ana:" + "8fJ2kLm9Qw@db.example/guiado",
    "assigned secret": 'api_key = "' + '8fJ2kLm9Qw3Er5Ty7Ui1Op"',
}


def test_every_kind_of_secret_is_found(scan: ModuleType) -> None:
    assert set(PLANTED) == set(scan.KINDS)
    for kind, text in PLANTED.items():
        assert kind in {each.kind for each in scan.secrets_in("x.py", f"first\nkey: {text}\n")}, kind


def test_words_settings_and_digests_are_no_secrets(scan: ModuleType) -> None:
    for text in (
        'password = "contraseña_muy_segura"', "secret = settings.webhook_secret_of_the_tenant", "https://example.com:8080/a@b",
        "whsec_…", 'token = "{token_of_the_session}"', "guiado_app", "sk-1", "postgresql://ana:{password}@db/guiado",
    ):  # fmt: skip
        assert list(scan.secrets_in("x.py", text)) == [], text


def test_there_is_no_secret_in_what_is_tracked_and_what_is_accepted_is_there(scan: ModuleType) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    found = [each for where, text in scan.tracked() for each in scan.secrets_in(where, text)]
    accepted = scan.accepted()
    assert [str(each) for each in found if each.digest not in accepted] == []
    assert set(accepted) - scan.gone() <= {each.digest for each in found}
    assert all(len(reason) > 20 for reason in accepted.values())


# ---------------------------------------------------------------------------------------------------------------- the words


def test_the_security_policy_says_how_to_report_and_when_an_answer_comes() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    for heading in ("Report a vulnerability", "Which versions get fixes", "In scope", "Out of scope", "Supply chain"):
        assert re.search(rf"^## {heading}", text, re.MULTILINE), heading
    assert re.search(r"within \d+ (working )?days", text)
    assert "SECURITY.md" in (ROOT / "README.es.md").read_text("utf-8")
    assert "SECURITY.md" in (ROOT / "README.md").read_text("utf-8")
