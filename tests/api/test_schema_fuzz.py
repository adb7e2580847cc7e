"""Every operation keeps what the OpenAPI document says of it, whatever it is asked."""

from __future__ import annotations

import time
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
CASES = 12
LONG_S = 240.0
REQUEST_S = 15.0
"""An answer that takes longer is a fault."""


def explore(root: httpx2.Client, url: str, within_s: float = 0.0) -> int:
    """Some requests to every operation, good ones and bad ones; then other ones, round after round, while there is time.

    Returns:
        Rounds that reached every operation.
    """
    document = without_headers(root.get("/schema/openapi.json").json())
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == sum(len(methods) for methods in document["paths"].values())
    start = {"problem_description": "no me deja instalar el programa", "customer_email": "a@b.com"}
    session_id = root.post("/api/support/troubleshooting/start", json=start).json()["session_id"]
    deadline, rounds = time.monotonic() + within_s, 0
    with requests.Session() as session:
        while rounds == 0 or time.monotonic() < deadline:
            for operation in operations:
                if rounds and time.monotonic() >= deadline:
                    return rounds
                _explore(operation, rounds + 1, url, session, session_id)
            rounds += 1
    return rounds


def without_headers(document: dict[str, Any]) -> dict[str, Any]:
    """The same document: with one key for all, a thousand bodies would be one. Nor with keys of the API, which would close it."""
    document["paths"] = {path: methods for path, methods in document["paths"].items() if "/keys" not in path}
    document["components"].pop("securitySchemes")
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        operation.pop("security", None)
        operation["parameters"] = [each for each in operation["parameters"] if each["in"] != "header"]
    return document


def has_blanks(value: object) -> bool:
    """Whether something in it is empty: left out, wherever it may be."""
    if isinstance(value, dict):
        return any(map(has_blanks, value.values()))
    return (
        any(map(has_blanks, value))
        if isinstance(value, list)
        else value is None or (isinstance(value, str) and not value.strip())
    )


def _explore(operation, number: int, url: str, session: requests.Session, session_id: str) -> None:
    kinds = [GenerationMode.POSITIVE]
    if operation.body or operation.query:
        kinds.append(GenerationMode.NEGATIVE)
    strategy = st.one_of(*(operation.as_strategy(generation_mode=kind) for kind in kinds))

    @seed(number)
    @settings(
        max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate], print_blob=False,
    )  # fmt: skip
    @given(case=strategy, known=st.booleans())
    def ask(case: schemathesis.Case, known: bool) -> None:
        # A random id is never a session's: every other request goes to one that is there.
        if known and case.path_parameters and "session_id" in case.path_parameters:
            case.path_parameters["session_id"] = session_id
        answer = case.call(base_url=url, session=session, timeout=REQUEST_S)
        blank = has_blanks(case.body) or has_blanks(dict(case.query or {}))
        case.validate_response(answer, checks=[each for each in CHECKS if not (blank and each is negative_data_rejection)])

    ask()


def test_every_operation_keeps_its_word(root: httpx2.Client, server) -> None:
    assert explore(root, server.url) == 1


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_operation_keeps_its_word_for_minutes(root: httpx2.Client, server) -> None:
    assert explore(root, server.url, LONG_S) >= 2
