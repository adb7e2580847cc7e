"""Pictures of a session over HTTP: who may add and see them, what is refused, and that no cap is passed."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx2
import pytest
from everything import on
from PIL import Image
from talk import begin

from guiado.app.sessions import pictures
from guiado.http import body_timeout, uploads

BASE = "/api/support/troubleshooting"
WORDS = "no me deja instalar el programa"


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40), colour: str = "red") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, kind)
    return made.getvalue()


def noise(side: int = 1_000) -> bytes:
    """About 800 KB once stored."""
    made = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(made, "JPEG", quality=60)
    return made.getvalue()


def new_session(http: httpx2.Client) -> str:
    return begin(http, WORDS)["session_id"]


def send(http: httpx2.Client, session: str, content: bytes = b"", kind: str = "image/png", **headers: str) -> httpx2.Response:
    return http.post(f"/{session}/attachments", content=content or picture(), headers={"Content-Type": kind, **headers})


def form(http: httpx2.Client, session: str, files: Any, **headers: str) -> httpx2.Response:
    return http.post(f"/{session}/attachments", files=files, headers=headers)


def stored(dsn: str) -> Any:
    async def rows(db: asyncpg.Connection) -> Any:
        return await db.fetchval("SELECT count(*) FROM support_session_attachments")

    return on(dsn, rows)


def code(answer: httpx2.Response) -> tuple[int, str]:
    body = answer.json()
    return answer.status_code, (body.get("errors") or [body])[0]["code"]


def test_a_picture_goes_in_and_comes_out(http: httpx2.Client) -> None:
    session = new_session(http)
    first = form(http, session, {"file": ('../../etc/pa"ss\r\nwd.php', picture("JPEG"), "text/html")}).json()["attachment"]
    second = send(http, session, picture("GIF"), "image/gif").json()["attachment"]
    assert (first["media_type"], first["width"], first["height"]) == ("image/png", 60, 40)
    assert (first["step_number"], first["step_id"]) == (1, "revisar-espacio-y-version")
    assert http.get(f"/{session}/attachments").json() == {"success": True, "attachments": [first, second], "total": 2}
    shown = http.get(first["path"].removeprefix(BASE))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert len(shown.content) == first["size_bytes"]
    assert Image.open(io.BytesIO(shown.content)).size == (60, 40)
    assert shown.headers["content-disposition"] == f'inline; filename="{session[-8:]}-{first["attachment_id"][-8:]}.png"'
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert shown.headers["cache-control"] == "private, no-store"


def test_it_is_told_with_the_session_and_to_the_person_who_takes_over(http: httpx2.Client) -> None:
    session = new_session(http)
    assert http.get(f"/{session}").json()["attachments"] == []
    added = send(http, session).json()["attachment"]
    assert http.get(f"/{session}").json()["attachments"] == [added]
    assert http.post(f"/{session}/escalate", json={}).json()["escalation_info"]["attachments"] == [added]
    later = send(http, session)
    assert later.status_code == 200, "whoever waits for a person may add what that person asks for"


def test_no_step_is_named_where_none_waits(http: httpx2.Client) -> None:
    session = new_session(http)
    http.post(f"/{session}/resolve", json={}).raise_for_status()
    added = send(http, session).json()["attachment"]
    assert (added["step_number"], added["step_id"]) == (None, None)


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b"%PDF-1.7", "image/png", (400, "not_a_picture")),
        (b"<svg onload='alert(1)'/>", "image/svg+xml", (400, "not_a_picture")),
        (noise(200)[:9_000], "image/png", (400, "broken_picture")),
        (b"", "image/png", (400, "empty")),
        (b"{}", "application/json", (415, "unsupported_media_type")),
        (picture(), "text/plain", (415, "unsupported_media_type")),
        (picture(), "", (415, "unsupported_media_type")),
        (b"x", "multipart/form-data", (400, "invalid")),
        (b"x", "multipart/form-data; boundary=b", (400, "invalid")),
        (b"--b\r\n", "multipart/form-data; boundary=b", (400, "invalid")),
        (b"x" * (pictures.MAX_UPLOAD_BYTES + 1), "image/png", (413, "body_too_large")),
        (b"x" * 100_000_000, "image/png", (413, "body_too_large")),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_in_words(
    http: httpx2.Client, dsn: str, content: bytes, kind: str, expected: tuple[int, str]
) -> None:
    session = new_session(http)
    answer = http.post(f"/{session}/attachments", content=content, headers={"Content-Type": kind} if kind else {})
    assert code(answer) == expected
    if expected[0] == 413:
        assert "10 MB" in answer.json()["error"]
    english = http.post(
        f"/{session}/attachments", content=content[:1000], headers={"Content-Type": kind, "Accept-Language": "en"}
    )
    assert english.json()["error"] != answer.json()["error"]
    assert http.get(f"/{session}/attachments").json()["total"] == 0


def test_a_form_has_one_file_and_nothing_else(http: httpx2.Client) -> None:
    session = new_session(http)
    assert code(form(http, session, {"otro": ("a.png", picture())})) == (400, "unknown_field")
    assert code(form(http, session, [("file", ("a", picture())), ("file", ("b", picture()))])) == (400, "repeated")
    assert code(http.post(f"/{session}/attachments", data={"file": "texto"}, files={"file": ("a", b"")})) == (400, "repeated")
    text = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ntexto\r\n--b--\r\n'
    assert code(send(http, session, text, "multipart/form-data; boundary=b")) == (400, "missing")
    assert code(send(http, session, b"--b--\r\n", "multipart/form-data; boundary=b")) == (400, "missing")
    large = form(http, session, {"file": ("a", b"x" * (pictures.MAX_UPLOAD_BYTES + 1))})
    assert code(large) == (413, "body_too_large")
    assert form(http, session, {"file": ("vacío", b"")}).status_code == 400


def test_all_other_routes_keep_their_megabyte(http: httpx2.Client, session_id: str) -> None:
    body = b" " * 1_100_000
    for path in ("/start", f"/{session_id}/step", f"/{session_id}/feedback"):
        answer = http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert code(answer) == (413, "body_too_large")
        assert "1 MB" in answer.json()["error"]


def test_what_is_not_there_is_not_found(http: httpx2.Client) -> None:
    session, other = new_session(http), new_session(http)
    mine = send(http, session).json()["attachment"]["attachment_id"]
    nobody = "01a222e9-10ae-7000-82db-cd50d6281f70"
    assert code(send(http, nobody)) == (404, "session_not_found")
    assert code(send(http, "x")) == (404, "session_not_found")
    assert code(http.get(f"/{nobody}/attachments")) == (404, "session_not_found")
    for path in (f"/{other}/attachments/{mine}", f"/{session}/attachments/{nobody}", f"/{session}/attachments/x"):
        assert code(http.get(path)) == (404, "attachment_not_found")


def test_a_customers_link_reaches_the_pictures_of_its_session_and_no_others(dsn: str, serve: Callable[..., Any]) -> None:
    with httpx2.Client(base_url=f"{serve(dsn).url}{BASE}", timeout=30) as api:
        session, other = new_session(api), new_session(api)
        token, foreign = (api.post(f"/{each}/links").json()["link"]["token"] for each in (session, other))
        key = api.post("/keys", json={"name": "todo"}).json()["key"]["key"]
        mine, theirs = ({"Authorization": f"Bearer {each}"} for each in (token, foreign))
        added = send(api, session, **mine).json()["attachment"]
        path = added["path"].removeprefix(BASE)
        assert api.get(path, headers=mine).status_code == 200
        assert api.get(f"/{session}/attachments", headers=mine).json()["attachments"] == [added]
        for answer in (
            send(api, session, **theirs),
            api.get(path, headers=theirs),
            api.get(f"/{session}/attachments", headers=theirs),
        ):
            assert answer.status_code == 404
        assert api.get(path, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    audit = "SELECT array_agg(action || ' ' || object_type || ' ' || actor ORDER BY at) FROM support_troubleshooting_audit_log"
    rows = on(dsn, lambda db: db.fetchval(f"{audit} WHERE object_type = 'attachment'"))
    assert rows[0] == "attach attachment customer"
    assert [row.split(" key:")[0] for row in rows[1:]] == ["read attachment"], "a customer's own reading leaves none"


def test_operators_reading_and_adding_leave_a_row_of_ids(http: httpx2.Client, module_dsn: str) -> None:
    session = new_session(http)
    added = send(http, session).json()["attachment"]["attachment_id"]
    http.get(f"/{session}/attachments/{added}").raise_for_status()
    rows = on(module_dsn, lambda db: db.fetch(
        "SELECT action, actor, detail FROM support_troubleshooting_audit_log WHERE object_id = $1 ORDER BY at", added
    ))  # fmt: skip
    assert [(row["action"], row["actor"]) for row in rows] == [("attach", "anonymous"), ("read", "anonymous")]
    assert all(session in row["detail"] for row in rows)


def test_the_same_key_adds_one_picture_and_tells_the_same(http: httpx2.Client) -> None:
    session, key = new_session(http), {"Idempotency-Key": "captura"}
    first = form(http, session, {"file": ("a.png", picture())}, **key)
    again = form(http, session, {"file": ("b.png", picture())}, **key)
    assert again.json() == first.json()
    assert code(form(http, session, {"file": ("a.png", picture(colour="blue"))}, **key)) == (422, "key_reused")
    assert http.get(f"/{session}/attachments").json()["total"] == 1
    for _ in range(4):
        send(http, session).raise_for_status()
    assert send(http, session, **key).json() == first.json(), "with no room left it is still the same answer"


def at_once(send_one: Callable[[int], httpx2.Response], count: int) -> list[int]:
    start = threading.Barrier(count)

    def run(number: int) -> int:
        start.wait(20)
        return send_one(number).status_code

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(run, range(count)))


def test_of_several_at_once_no_more_than_five_stay_in_a_session(http: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_MOST_OF_ONE", 20)
    session = new_session(http)
    assert at_once(lambda _: send(http, session), 9) == [200] * 5 + [409] * 4
    assert code(send(http, session)) == (409, "too_many_attachments")
    assert http.get(f"/{session}/attachments").json()["total"] == 5


def test_two_at_once_do_not_pass_the_cap_of_the_organisation(dsn: str, serve: Callable[..., Any]) -> None:
    """Two processes, each with a picture that fits alone: the rows are counted under one lock."""
    urls = [serve(dsn, GUIADO_ATTACHMENTS_MB="1").url for _ in range(2)]
    clients = [httpx2.Client(base_url=f"{url}{BASE}", timeout=30) for url in urls]
    sessions, content = [new_session(client) for client in clients], noise()
    assert at_once(lambda n: send(clients[n], sessions[n], content), 2) == [200, 409]
    assert stored(dsn) == 1
    refused = send(clients[0], sessions[0], content)
    assert code(refused) == (409, "attachments_full")
    assert "1 MB" in refused.json()["error"]
    assert send(clients[0], sessions[0]).status_code == 200, "a small one still fits"
    for client in clients:
        client.close()


def test_the_cap_is_of_each_organisation(dsn: str, serve: Callable[..., Any]) -> None:
    settings = {"GUIADO_ATTACHMENTS_MB": "1"}
    urls = [serve(dsn, **settings, GUIADO_TENANT=name).url for name in ("default", "otra")]
    ours, theirs = clients = [httpx2.Client(base_url=f"{url}{BASE}", timeout=30) for url in urls]
    content = noise()
    for client in clients:
        session = new_session(client)
        assert [send(client, session, content).status_code for _ in range(2)] == [200, 409]
    (row,) = on(
        dsn, lambda db: db.fetch("SELECT session_id, attachment_id FROM support_session_attachments WHERE tenant_id = 'default'")
    )
    assert ours.get(f"/{row[0]}/attachments/{row[1]}").status_code == 200
    assert theirs.get(f"/{row[0]}/attachments/{row[1]}").status_code == 404
    assert theirs.get(f"/{row[0]}/attachments").status_code == 404
    for client in clients:
        client.close()


def test_with_zero_megabytes_none_are_taken_and_the_old_ones_are_shown(dsn: str, serve: Callable[..., Any]) -> None:
    with httpx2.Client(base_url=f"{serve(dsn).url}{BASE}", timeout=30) as before:
        session = new_session(before)
        path = send(before, session).json()["attachment"]["path"]
    with httpx2.Client(base_url=f"{serve(dsn, GUIADO_ATTACHMENTS_MB='0').url}{BASE}", timeout=30) as after:
        assert code(send(after, session)) == (409, "attachments_off")
        assert code(send(after, session, **{"Idempotency-Key": "k"})) == (409, "attachments_off")
        assert after.get(path.removeprefix(BASE)).status_code == 200


def test_too_many_uploads_at_once_wait_their_turn(http: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_session(http)
    with uploads.upload_slot(session), uploads.upload_slot(session), uploads.upload_slot(session):
        refused = send(http, session)
        assert code(refused) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) > 0
        assert send(http, new_session(http)).status_code == 200
        monkeypatch.setattr(uploads, "_MOST", 3)
        assert send(http, new_session(http)).status_code == 429
    assert send(http, session).status_code == 200
    assert not uploads._under_way


def test_a_slow_upload_has_more_time_and_not_forever(server: Any, http: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_timeout, "BODY_TIMEOUT_S", 0.2)
    session, content = new_session(http), picture()
    first_part_is_read = threading.Event()

    def slowly() -> Any:
        yield content[:20]
        first_part_is_read.wait(0.5)
        yield content[20:]

    answer = http.post(f"/{session}/attachments", content=slowly(), headers={"Content-Type": "image/png"})
    assert answer.status_code == 200, answer.text
    monkeypatch.setattr("guiado.http.loopback_guard.UPLOAD_TIMEOUT_S", 0.2)
    answer = http.post(f"/{session}/attachments", content=slowly(), headers={"Content-Type": "image/png"})
    assert code(answer) == (408, "request_timeout")


def test_the_event_loop_goes_on_while_a_large_picture_is_worked_on(http: httpx2.Client, server: Any) -> None:
    session, content = new_session(http), noise(3_000)
    loop, longest = server.loop, 0.0

    async def watch(done: threading.Event) -> float:
        worst = 0.0
        while not done.is_set():
            began = loop.time()
            await asyncio.sleep(0.005)
            worst = max(worst, loop.time() - began)
        return worst

    done = threading.Event()
    watching = asyncio.run_coroutine_threadsafe(watch(done), loop)
    send(http, session, content, "image/jpeg").raise_for_status()
    done.set()
    longest = watching.result(20)
    assert longest < 0.25


def test_a_session_that_is_being_erased_gets_no_picture_any_more(http: httpx2.Client, module_dsn: str) -> None:
    session = new_session(http)

    async def erase_slowly(db: asyncpg.Connection) -> httpx2.Response:
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR KEY SHARE%'"
        async with asyncio.timeout(20), db.transaction():
            row = "FROM support_troubleshooting_sessions WHERE session_id = $1::text::uuid"
            await db.execute(f"SELECT {row} FOR UPDATE", session)
            sending = asyncio.create_task(asyncio.to_thread(send, http, session))
            while not await db.fetchval(waits):
                await asyncio.sleep(0.02)
                await db.execute("SELECT pg_stat_clear_snapshot()")  # else the first look is all that this transaction sees
            await db.execute(f"DELETE {row}", session)
        return await sending

    assert code(on(module_dsn, erase_slowly)) == (404, "session_not_found")
    left = "SELECT count(*) FROM support_session_attachments WHERE session_id = $1::text::uuid"
    assert on(module_dsn, lambda db: db.fetchval(left, session)) == 0
