"""schemathesis and sqlmap against a server that runs: a thousand cases an operation, every parameter that the document names.

`GUIADO_TEST_KEY` is sent as a bearer's key where it is set. sqlmap comes with `make audit`; without it its part is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection
from test_schema_fuzz import CHECKS, REQUEST_S, has_blanks, without_headers

ROOT = Path(__file__).resolve().parents[2]
CASES = int(os.environ.get("CASES", "1000"))
KEY = os.environ.get("GUIADO_TEST_KEY", "")
HEADERS = {"Authorization": f"Bearer {KEY}"} if KEY else {}
SQLMAP = ROOT / ".venv-audit/bin/sqlmap"
START = {"problem_description": "no me deja instalar el programa", "customer_email": "a@b.com"}
pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def target(serve_module: Any, module_dsn: str) -> str:
    """A server without limits: they would answer in its place."""
    return serve_module(module_dsn, GUIADO_RATE_PER_IP_MINUTE="0", GUIADO_RATE_PER_KEY_HOUR="0").url


@pytest.fixture(scope="module")
def document(target: str) -> dict[str, Any]:
    return httpx2.get(f"{target}/schema/openapi.json", headers=HEADERS, timeout=30).json()


@pytest.fixture(scope="module")
def session_id(target: str) -> str:
    answer = httpx2.post(f"{target}/api/support/troubleshooting/start", json=START, headers=HEADERS, timeout=30)
    return answer.json()["session_id"]


def test_a_thousand_cases_an_operation_keep_the_documents_word(target: str, document: dict[str, Any], session_id: str) -> None:
    found = schemathesis.openapi.from_dict(without_headers(json.loads(json.dumps(document))))
    for operation in (each.ok() for each in found.get_all_operations()):
        kinds = [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if operation.body or operation.query else [])]

        @seed(1)
        @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck),
                  phases=[Phase.generate], print_blob=False)  # fmt: skip
        @given(case=st.one_of(*(operation.as_strategy(generation_mode=kind) for kind in kinds)), known=st.booleans())
        def ask(case: schemathesis.Case, known: bool) -> None:
            if known and case.path_parameters and "session_id" in case.path_parameters:
                case.path_parameters["session_id"] = session_id
            with requests.Session() as session:
                answer = case.call(base_url=target, session=session, timeout=REQUEST_S, headers=HEADERS)
            sent = parse_qsl(
                urlsplit(str(answer.request.url)).query, keep_blank_values=True
            )  # an empty object too is sent as nothing
            blank = has_blanks(case.body) or has_blanks(dict(case.query or {})) or any(not value for _, value in sent)
            case.validate_response(answer, checks=[each for each in CHECKS if not (blank and each is negative_data_rejection)])

        ask()


# ------------------------------------------------------------------------------------------------------------------- sqlmap


def example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Something valid, from the document's own examples; `*` after a text or a number has sqlmap try it."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return example(document, next(each for each in schema[name] if each.get("type") != "null"))
    if schema.get("type") == "object":
        return {name: example(document, each) for name, each in schema.get("properties", {}).items()} or {"a": "b"}
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])[0]
    if schema.get("type") == "array":
        return [example(document, each) for each in schema.get("prefixItems") or [schema.get("items", {})]]
    return {"integer": 1, "number": 1.5, "boolean": True}.get(str(schema.get("type")), "a")


def requests_of(document: dict[str, Any], session_id: str) -> list[tuple[str, str, str | None]]:
    """Method, path with query, and body of every operation that takes anything; a `*` marks each place in a path."""
    found: list[tuple[str, str, str | None]] = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = [each for each in operation["parameters"] if each["in"] == "query"]
            query = "&".join(f"{each['name']}={example(document, each['schema'])}" for each in names)
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            body = json.dumps(example(document, content["schema"])) if content else None
            place = path.replace("{session_id}", session_id)
            if "{" in place:
                place = "/".join("a*" if part.startswith("{") else part for part in place.split("/"))
            if query or body or place != path:
                found.append((method.upper(), f"{place}?{query}" if query else place, body))
    return found


def test_sqlmap_finds_no_parameter_that_reaches_a_statement(
    target: str, document: dict[str, Any], session_id: str, tmp_path: Path
) -> None:
    program = str(SQLMAP) if SQLMAP.exists() else shutil.which("sqlmap")
    if program is None:
        pytest.skip("sqlmap is not installed: make audit")
    found = requests_of(document, session_id)
    assert len(found) > 25
    for number, (method, path, body) in enumerate(found):
        command = [program, "-u", target + path, "--method", method, "--batch", "--dbms=PostgreSQL", "--level=1", "--risk=1",
                   "--technique=BEUST", "--time-sec=2", "--smart", "--flush-session", "--disable-coloring", "--ignore-code=*",
                   "--skip-waf", "--timeout=10", "--retries=1", "--output-dir", str(tmp_path / str(number))]  # fmt: skip
        command += ["--data", body, "--headers", "Content-Type: application/json"] if body else []
        command += ["--auth-type=Bearer", f"--auth-cred={KEY}"] if KEY else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        said = done.stdout + done.stderr
        assert "identified the following injection point" not in said, said[-3000:]
        assert "testing" in said or "heuristic" in said, f"{method} {path}: {said[-1500:]}"
        assert "500 (Internal Server Error)" not in said, said[-3000:]
