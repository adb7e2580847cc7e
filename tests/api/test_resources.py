"""Figures, webhooks, templates, notifications, the workflow entry, health and the description of the API."""

from __future__ import annotations

import asyncio
import base64

import httpx2
from prometheus_client.parser import text_string_to_metric_families

PROBLEM = {"problem_description": "no me deja instalar el programa", "customer_email": "cliente@example.com"}
KESTRA = "/api/v1/executions/webhook/workflows/workflows/support-troubleshooting-automation/support-troubleshooting"


def test_analytics_are_exact_to_the_moment(http: httpx2.Client) -> None:
    before = http.get("/analytics", params={"days": 30}).json()["summary"]["total_sessions"]
    session = http.post("/start", json=PROBLEM).json()
    http.post(f"/{session['session_id']}/step", json={"success": False})
    http.post(f"/{session['session_id']}/step", json={"success": True, "outcome": "solved"})
    http.post(f"/{session['session_id']}/feedback", json={"rating": 4, "was_helpful": True})
    found = http.get("/analytics?days=30").json()
    assert found["summary"]["total_sessions"] == before + 1
    assert found["summary"]["resolved_sessions"] >= 1
    assert found["problem_distribution"][0]["detected_problem_id"] == "instalacion_software"
    assert found["common_failed_steps"][0]["failed_attempts"] >= 1
    assert found["feedback_summary"] == {"total_feedback": 1, "average_rating": 4.0, "helpful_percentage": 100.0}
    assert found["feedback_by_problem"][0]["problem_detected_id"] == "instalacion_software"
    assert found["daily_trends"][-1]["total_sessions"] == found["summary"]["total_sessions"]


def test_realtime(http: httpx2.Client) -> None:
    http.post("/start", json=PROBLEM)
    found = http.get("/realtime").json()
    assert found["metrics"]["active_sessions"] >= 1
    assert found["top_problems"][0]["detected_problem_id"] == "instalacion_software"
    assert found["active_sessions"][0]["idle_minutes"] >= 0
    assert set(found["metrics"]) == {
        "active_sessions", "resolved_last_hour", "escalated_last_hour", "avg_resolution_time_minutes", "unique_problems_24h",
        "avg_rating_24h",
    }  # fmt: skip


def test_webhooks_show_their_secret_once(http: httpx2.Client) -> None:
    body = {"url": "https://example.com/webhook", "events": ["session_started"], "secret": "tu-secret-key"}
    made = http.post("/webhooks", json=body).json()
    assert made["webhook"]["secret"] == "tu-secret-key"
    listed = http.get("/webhooks").json()["webhooks"]
    assert [row["webhook_id"] for row in listed] == [made["webhook_id"]]
    assert listed[0]["secret"] is None
    assert "tu-secret-key" not in http.get("/webhooks").text
    assert http.get(f"/webhooks/{made['webhook_id']}/stats").json()["success"] is True
    assert http.delete(f"/webhooks/{made['webhook_id']}").json()["success"] is True
    assert http.delete(f"/webhooks/{made['webhook_id']}").status_code == 404
    assert http.get(f"/webhooks/{made['webhook_id']}/stats").status_code == 404


def test_bad_webhooks_name_the_field(http: httpx2.Client) -> None:
    good = {"url": "https://a.example/w", "events": ["session_started"]}
    for change, field in [
        ({"url": "ftp://a.example"}, "url"), ({"url": "no"}, "url"), ({"events": []}, "events"), ({"events": ["x"]}, "events"),
        ({"timeout": 0}, "timeout"), ({"retry_attempts": 0}, "retry_attempts"), ({"headers": {"X": "a\r\nY: b"}}, "headers"),
    ]:  # fmt: skip
        answer = http.post("/webhooks", json={**good, **change})
        assert answer.status_code == 400, change
        assert field in answer.json()["error"]


def test_templates_are_filled_in_and_never_evaluated(http: httpx2.Client) -> None:
    values = {"product_name": "{{7*7}}", "reset_url": "https://test.com"}
    made = http.put("/templates", json={"template_id": "reset_password_template", "variables": values}).json()
    assert "{{7*7}}" in made["rendered_template"]["problem_title"]
    missing = http.put("/templates", json={"template_id": "reset_password_template", "variables": {}})
    assert missing.status_code == 400
    assert "product_name" in missing.json()["error"]
    assert http.put("/templates", json={"template_id": "nada", "variables": {}}).status_code == 404
    body = {"template_id": "mia", "name": "Mía", "category": "general", "variables": [], "steps_template": [{"title": "Uno"}]}
    assert http.post("/templates", json=body).json()["success"] is True
    assert "mia" in [row["template_id"] for row in http.get("/templates", params={"category": "general"}).json()["templates"]]
    assert http.get("/templates", params={"template_id": "mia"}).json()["template"]["name"] == "Mía"


def test_notifications_are_stored(http: httpx2.Client) -> None:
    session = http.post("/start", json=PROBLEM).json()
    body = {
        "session_id": session["session_id"],
        "notification_type": "aviso",
        "recipient": "a@b.com",
        "subject": "S",
        "message": "M",
    }
    assert http.post("/notifications", json=body).json()["notification"]["status"] == "pending"
    listed = http.get("/notifications", params={"session_id": session["session_id"]}).json()["notifications"]
    assert [row["recipient"] for row in listed] == ["a@b.com"]
    assert http.post("/notifications", json={**body, "session_id": "nada"}).status_code == 404


def test_the_guides_workflow_path_starts_a_session_but_never_for_an_event(root: httpx2.Client) -> None:
    started = root.post(KESTRA, json=PROBLEM)
    assert started.status_code == 200
    assert started.json()["first_step"]["step_number"] == 1
    looped = root.post(KESTRA, json={**PROBLEM, "event": "session_started"}).json()
    assert "session_id" not in looped
    assert root.post(KESTRA, json={}).status_code == 400


def test_health(root: httpx2.Client) -> None:
    assert root.get("/healthz").json()["status"] == "ok"
    figures = root.get("/metrics")
    assert figures.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE guiado_deliveries_pending gauge" in figures.text
    assert root.get("/readyz").json() == {"status": "ok", "checks": {"database": "ok", "knowledge_base": "ok"}}


def requests_of(root: httpx2.Client) -> dict[tuple[str, str, str], float]:
    """How many answers this server counted, by method, route and status."""
    families = {family.name: family for family in text_string_to_metric_families(root.get("/metrics").text)}
    assert [name for name, family in families.items() if not family.documentation] == []
    samples = [sample for sample in families["guiado_http_request_seconds"].samples if sample.name.endswith("_count")]
    return {(one.labels["method"], one.labels["route"], one.labels["status"]): one.value for one in samples}


def test_requests_are_counted_by_route(root: httpx2.Client) -> None:
    base = "/api/support/troubleshooting"
    begun = root.post(f"{base}/start", json=PROBLEM).json()
    before = requests_of(root)
    root.post(f"{base}/{begun['session_id']}/step", json={"success": False})  # on the short way
    root.post(f"{base}/{begun['session_id']}/step", json={"success": False}, headers={"Idempotency-Key": "x"})  # on the long one
    root.head(f"{base}/{begun['session_id']}")
    root.get(f"{base}/nadie/nada/nunca")
    root.put(f"{base}/start")
    after = requests_of(root)
    assert {key: count - before.get(key, 0) for key, count in after.items() if count != before.get(key, 0)} == {
        ("POST", f"{base}/{{session_id}}/step", "200"): 2,
        ("GET", f"{base}/{{session_id}}", "200"): 1,
        ("other", "other", "404"): 1,
        ("other", "other", "405"): 1,
        ("GET", "/metrics", "200"): 1,
    }


def test_the_process_tells_what_it_uses(root: httpx2.Client) -> None:
    samples = {
        sample.name: sample.value
        for family in text_string_to_metric_families(root.get("/metrics").text)
        for sample in family.samples
    }
    assert samples["process_resident_memory_bytes"] > 50_000_000
    assert samples["process_open_fds"] > 3


def test_the_api_describes_itself_without_any_outside_address(root: httpx2.Client) -> None:
    document = root.get("/schema").json()
    assert document["openapi"].startswith("3.1")
    assert "/api/support/troubleshooting/{session_id}/step" in document["paths"]
    assert root.get("/schema/openapi.json").json() == document
    page = root.get("/schema", headers={"Accept": "text/html"})
    assert "No me deja instalar el programa" in page.text
    for word in ("http://", "https://"):
        outside = [part.split('"')[0] for part in page.text.split(f'src="{word}')[1:] + page.text.split(f'href="{word}')[1:]]
        assert outside == []
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_unknown_addresses_and_methods(root: httpx2.Client) -> None:
    assert root.get("/nada").status_code == 404
    assert root.get("/nada").json()["error"]
    wrong = root.delete("/api/support/troubleshooting/analytics")
    assert wrong.status_code == 405
    assert wrong.json()["error"]


def test_no_page_leads_to_another_host(root: httpx2.Client) -> None:
    for path in ("/", "/schema", "/_openapi", "/_openapi/"):
        page = root.get(path, headers={"Accept": "text/html"})
        assert "cdn" not in page.text.lower()


def test_odd_hosts_and_origins_are_refused_in_words(root: httpx2.Client) -> None:
    for headers in ({"Origin": "http://[::1"}, {"Host": "127.evil"}, {"Host": "[::1"}, {"Origin": "null"}):
        answer = root.get("/healthz", headers=headers)
        assert answer.status_code == 403, headers
        assert answer.json()["error"]


def test_a_template_cannot_be_blown_up(http: httpx2.Client) -> None:
    body = {"template_id": "bomba", "name": "B", "category": "g", "variables": [], "steps_template": [{"title": "{{v}}" * 700}]}
    assert http.post("/templates", json=body).status_code == 200
    answer = http.put("/templates", json={"template_id": "bomba", "variables": {"v": "x" * 5_000}})
    assert answer.status_code == 400
    assert "variables" in answer.json()["error"]
    for name in ("con espacio", "9x"):
        named = {**body, "variables": [{"name": name}]}
        assert "variables[0].name" in http.post("/templates", json=named).json()["error"]


def test_a_secret_is_not_told_to_whoever_repeats_the_request(http: httpx2.Client) -> None:
    body, key = {"url": "https://a.example/w", "events": ["session_started"]}, {"Idempotency-Key": "secreto"}
    made = http.post("/webhooks", json=body, headers=key).json()["webhook"]
    again = http.post("/webhooks", json=body, headers=key).json()["webhook"]
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)) == 32
    assert (again["webhook_id"], again["secret"]) == (made["webhook_id"], None)


def test_words_of_one_root_are_found(http: httpx2.Client, server) -> None:
    http.post("/start", json={**PROBLEM, "problem_description": "La instalación falla con la contraseña"})

    async def found(text: str) -> int:
        async with server.runtime.parts.db.connection() as connection:
            return await connection.fetchval("SELECT count(*) FROM search_troubleshooting_sessions($1)", text)

    for text in ("instalaciones", "INSTALACION", "contrasena", "contraseñas"):
        assert asyncio.run_coroutine_threadsafe(found(text), server.loop).result(10) >= 1, text
