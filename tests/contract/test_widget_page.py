"""docs/widget.md says what the widget does: its attributes, its events, and how a site signs its customer's data."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guiado.app.access.signed_customer import with_signed_customer
from guiado.app.start_commands import StartHere

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/widget.md").read_text("utf-8")
SCRIPT = (ROOT / "src/guiado/web/static/widget.js").read_text("utf-8")
SECRET = "s" * 32


def test_every_attribute_is_documented_and_no_other() -> None:
    used = set(re.findall(r"\bgiven\.(\w+)", SCRIPT))
    assert set(re.findall(r"^\| `data-(\w+)` \|", PAGE, re.MULTILINE)) == used


def test_every_event_is_documented_and_no_other() -> None:
    told = set(re.findall(r'\btell\("(\w+)"', SCRIPT)) | set(re.findall(r'state === "(solved|handed)"', SCRIPT))
    assert set(re.findall(r"^\| `guiado:(\w+)` \|", PAGE, re.MULTILINE)) == told


@pytest.mark.parametrize("language", ["python", "js"])
def test_the_documented_signature_is_taken(language: str, tmp_path: Path) -> None:
    (code,) = [each for each in re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) if "signed(" in each]
    program = sys.executable if language == "python" else shutil.which("node")
    if program is None:
        pytest.skip("aquí no está Node")
    file = tmp_path / ("sign.py" if language == "python" else "sign.js")
    file.write_text(code, "utf-8")
    told = subprocess.check_output([program, file], env={"GUIADO_CUSTOMER_SECRET": SECRET}, text=True, timeout=60)
    (token,) = re.findall(r'^data-customer="([\w.-]+)"\n$', told)
    known = with_signed_customer(StartHere(problem_description="-", customer_token=token), [SECRET.encode()])
    assert (known.customer_email, known.customer_name) == ("ana@example.com", "Ana")
