"""The OpenAPI document promises all that there is, and everything that it shows works as it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asking
import httpx2
import jsonschema_rs
import pytest
from orders import Curious
from schemathesis.specs.openapi.definitions import OPENAPI_31
from seven_guides import SEVEN_GUIDES

from guiado.app.access.permissions import PERMISSIONS
from guiado.domain.events import EventKind

BASE = "/api/support/troubleshooting"
UNCLEAR = {
    "problem_description": "no puedo conectarme a internet ni entrar a mi cuenta", "customer_email": "ana@example.com", "clarify": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven guides, one of them with the variants and the question that the examples name."""
    entries = json.loads(SEVEN_GUIDES.read_text("utf-8"))
    varied = entries["instalacion_software"]
    varied["variants"] = {**(varied.get("variants") or {}), "windows": None, "mac": None}
    varied["questions"] = asking.entries()["cafetera"]["questions"][:1]
    varied["questions"][0]["answers"][0].pop("weights")
    path = tmp_path_factory.mktemp("kb") / "kb.json"
    path.write_text(json.dumps(entries), "utf-8")
    return path


@pytest.fixture(scope="module")
def careful(serve_module: Callable[..., Any], module_dsn: str, kb: Path) -> Any:
    """Never sure, so that there is something to clarify; curious; with a worker, so that what is sent leaves traces."""
    server = serve_module(
        module_dsn,
        works=True,
        GUIADO_ACCEPT_THRESHOLD="1",
        GUIADO_DETECTION_THRESHOLD="0",
        GUIADO_PRIVATE_TARGETS="127.0.0.0/8",
        GUIADO_KB_PATH=str(kb),
    )
    server.runtime.parts.policy = Curious()
    return server


@pytest.fixture(scope="module")
def api(careful: Any) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=careful.url, timeout=30) as client:
        # The examples make keys, and the first one closes the API.
        made = client.post(f"{BASE}/keys", json={"name": "prueba", "scopes": [*PERMISSIONS]}).json()["key"]["key"]
        client.headers["Authorization"] = f"Bearer {made}"
        yield client


@pytest.fixture(scope="module")
def document(api: httpx2.Client) -> dict[str, Any]:
    return api.get("/schema/openapi.json").json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def whole(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A component that can be validated by itself."""
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": document["components"]["schemas"]}}


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert [str(error) for error in jsonschema_rs.validator_for(OPENAPI_31).iter_errors(document)] == []
    for name in document["components"]["schemas"]:
        jsonschema_rs.Draft202012Validator(whole(document, name))


def test_components_keep_the_names_that_generated_clients_use(document: dict[str, Any]) -> None:
    bodies = {path.rsplit("/", 1)[1]: o["requestBody"] for _, path, o in operations(document) if "requestBody" in o}
    bodies.pop("attachments")  # a file
    names = {path: body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1] for path, body in bodies.items()}
    wanted = {"start", "step", "clarify", "reject", "escalate", "resolve"}
    assert {path: names[path] for path in wanted} == {path: path.title() for path in wanted}
    assert document["components"]["schemas"].keys() >= {"Problem", "Recipient", "Replay"}
    assert all(name == schema["title"] for name, schema in document["components"]["schemas"].items())


def test_every_field_has_a_type_a_description_and_an_example_that_fits(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, spec in schema.get("properties", {}).items():
            assert spec.get("description"), f"{name}.{field}: glossary.toml"
            assert {"type", "anyOf", "$ref"} & spec.keys(), f"{name}.{field}"
            assert spec["examples"][0] is not None, f"{name}.{field}"
        assert schema["examples"], name
        for example in schema["examples"]:
            assert [str(e) for e in jsonschema_rs.validator_for(whole(document, name)).iter_errors(example)] == [], name


def test_every_operation_is_explained_in_plain_words(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for method, path, operation in operations(document):
        assert operation["summary"], path
        assert " " in operation["summary"], "no name of a function"
        assert "`" not in operation["summary"]
        assert set(operation["tags"]) <= tags
        names = {(each["in"], each["name"]): each for each in operation["parameters"]}
        assert all(each["description"] and each["example"] is not None for each in names.values()), (path, names)
        if path.startswith("/api/"):
            assert ("header", "Accept-Language") in names
            changes = method != "GET" and operation["operationId"] not in {"detect", "render_template", "export_customer"}
            assert (("header", "Idempotency-Key") in names) is changes
        for kind, name in names:
            if kind == "query" and name in {"limit", "days"}:
                assert names[kind, name]["schema"]["type"] == "integer"
                assert names[kind, name]["schema"]["maximum"] > 1
    told = json.dumps(document, ensure_ascii=False)
    assert "Source:" not in told
    assert "document follows" not in told
    assert "contract.md" not in told
    assert {"title", "version", "description", "license"} <= document["info"].keys()


def test_bodies_that_may_be_left_out_are_not_required(document: dict[str, Any]) -> None:
    optional = {
        path.rsplit("/", 1)[1] for _, path, o in operations(document) if o.get("requestBody", {}).get("required") is False
    }
    assert {"escalate", "resolve", "reject"} <= optional


def test_it_is_made_once(careful: Any) -> None:
    from guiado.api.openapi.document import document_of
    from guiado.server import create_routes

    app = create_routes(careful.runtime)
    assert document_of(app) is document_of(app)


# ----------------------------------------------------------------------------------------------------------------- examples


def prepare(api: httpx2.Client, operation: str) -> dict[str, str]:
    """What the path of an operation needs to be there, by the name of the parameter."""
    clear = {"problem_description": "no me deja instalar el programa", "customer_email": "ana@example.com"}
    both = {**clear, "problem_description": "no me anda el wifi y además me cobraron dos veces", "clarify": True}
    body = {"clarify": UNCLEAR, "start_next": both}.get(operation, clear)
    found = {"session_id": api.post(f"{BASE}/start", json=body).json()["session_id"], "webhook_id": "crm", "channel": "email",
             "problem_id": "instalacion_software"}  # fmt: skip
    hook = {"url": "http://127.0.0.1:9/x", "events": ["session_started"], "webhook_id": "crm"}
    api.post(f"{BASE}/webhooks", json=hook)
    if operation == "rotate_key":
        found["key_id"] = api.post(f"{BASE}/keys", json={"name": "otra"}).json()["key"]["key_id"]
    if operation == "reject":
        known = api.get(f"{BASE}/{found['session_id']}").json()["session"]["detected_problem_id"]
        assert known == "instalacion_software"
    if operation == "undo":
        for number in (1, 2):
            api.post(f"{BASE}/{found['session_id']}/step", json={"success": True, "step_number": number})
    if operation == "start_next":
        api.post(f"{BASE}/{found['session_id']}/clarify", json={"problem_id": "conexion_internet"})
    return found


def requests(document: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    return [
        (method, path, operation["operationId"], content["example"])
        for method, path, operation in operations(document)
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]


def test_every_request_is_taken_as_it_is_shown(api: httpx2.Client, document: dict[str, Any]) -> None:
    shown = requests(document)
    assert len(shown) > 15
    for method, path, operation, example in shown:
        there = prepare(api, operation)
        answer = api.request(method, path.format_map(there), json=example)
        assert answer.status_code == 200, (path, example, answer.text)
        name = next(iter(document["paths"][path][method.lower()]["responses"]["200"]["content"].values()))["schema"]
        if "$ref" in name:
            assert_documented(document, name["$ref"].rsplit("/", 1)[1], answer.json())


def assert_documented(document: dict[str, Any], name: str, value: Any) -> None:
    """Whether an answer fits its type, and has no field that the type does not name."""
    validator = jsonschema_rs.validator_for(whole(document, name))
    assert [str(error) for error in validator.iter_errors(value)] == [], name
    _assert_named(document, {"$ref": f"#/components/schemas/{name}"}, value, name)


def _assert_named(document: dict[str, Any], schema: dict[str, Any], value: Any, at: str) -> None:
    options = schema.get("anyOf", [schema])
    reference = next((option["$ref"] for option in options if "$ref" in option), None)
    target = document["components"]["schemas"][reference.rsplit("/", 1)[1]] if reference else None
    if target and isinstance(value, dict):
        assert value.keys() <= target.get("properties", {}).keys(), f"{at}: {value.keys() - target['properties'].keys()}"
        for field, part in value.items():
            _assert_named(document, target["properties"][field], part, f"{at}.{field}")
    items = next((option["items"] for option in options if option.get("type") == "array" and "items" in option), None)
    if items and isinstance(value, list):
        for part in value:
            _assert_named(document, items, part, f"{at}[]")


def test_every_answer_has_the_documented_fields(api: httpx2.Client, document: dict[str, Any]) -> None:
    there = prepare(api, "clarify")
    api.post(f"{BASE}/{there['session_id']}/clarify", json={"none": True})
    other = prepare(api, "step")
    api.post(f"{BASE}/{other['session_id']}/step", json={"success": False})
    api.post(f"{BASE}/{other['session_id']}/feedback", json={"rating": 4})
    api.post(f"{BASE}/notifications", json={"notification_type": "aviso", "recipient": "a@example.com", "message": "x"})
    api.post(f"{BASE}/recipients", json={"channel": "email", "recipient": "a@example.com", "events": ["session_escalated"]})
    api.post(f"{BASE}/webhooks/crm/test")
    seen = 0
    for method, path, operation in operations(document):
        schema = next(iter(operation["responses"]["200"].get("content", {}).values()), {}).get("schema", {})
        if method != "GET" or "$ref" not in schema:
            continue
        for session in (there, other):
            query = {"session_id": session["session_id"]} if operation["operationId"] == "state_by_query" else {}
            query |= {"template_id": "reset_password_template"} if operation["operationId"] == "list_templates" else {}
            answer = api.get(path.format_map(session), params=query)
            assert answer.status_code == 200, answer.text
            assert_documented(document, schema["$ref"].rsplit("/", 1)[1], answer.json())
            seen += 1
    assert seen > 20


def test_every_query_parameter_is_taken_as_it_is_shown(api: httpx2.Client, document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        query = {each["name"]: each["example"] for each in operation["parameters"] if each["in"] == "query"}
        if not query or method != "GET":
            continue
        for name, example in query.items():
            answer = api.get(path.format_map(prepare(api, "x")), params={name: example})
            assert answer.status_code == 200 or answer.json()["code"] == "session_not_found", (path, name, answer.text)


def test_the_state_of_the_service_names_all_its_answers(document: dict[str, Any]) -> None:
    healthz, readyz = (document["paths"][path]["get"]["responses"] for path in ("/healthz", "/readyz"))
    assert {"200", "400"} <= healthz.keys()
    assert {"200", "400", "503"} <= readyz.keys()
    assert readyz["503"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Health"}


# ------------------------------------------------------------------------------------------------------------------- events


def test_every_event_is_there_with_what_it_tells(api: httpx2.Client, document: dict[str, Any], careful: Any) -> None:
    from rows import rows_of

    assert document["webhooks"].keys() == {kind.value for kind in EventKind}
    api.post(f"{BASE}/{prepare(api, 'escalate')['session_id']}/escalate")
    fast = prepare(api, "step")["session_id"]
    api.post(f"{BASE}/{fast}/step", json={"success": False, "notes": "no"})
    api.post(f"{BASE}/{fast}/step", json={"success": True})
    api.post(f"{BASE}/{fast}/feedback", json={"rating": 4})
    api.post(f"{BASE}/{fast}/resolve", json={})
    stored = [row for row in outbox(careful) if row["data"] != {"test": True}]
    assert {"session_started", "session_escalated", "session_resolved", "step_failed", "step_completed", "feedback_received"} <= {
        row["event"] for row in stored
    }
    for row in stored:
        name = document["webhooks"][row["event"]]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        data = document["components"]["schemas"][name.rsplit("/", 1)[1]]["properties"]["data"]["$ref"]
        assert_documented(document, data.rsplit("/", 1)[1], row["data"])
    assert rows_of(careful)


def outbox(careful: Any) -> list[dict[str, Any]]:
    import asyncio

    async def read() -> list[dict[str, Any]]:
        async with careful.runtime.parts.db.connection() as connection:
            found = await connection.fetch("SELECT event, data FROM support_troubleshooting_outbox")
            return [
                {"event": row["event"], "data": json.loads(row["data"]) if isinstance(row["data"], str) else row["data"]}
                for row in found
            ]

    return asyncio.run_coroutine_threadsafe(read(), careful.loop).result(10)
