"""`guiado webhooks` and `guiado events`: no other process is needed to register, test, look and send again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import asyncpg
import pytest
from terminal import Ran
from test_cli import GUIADO, environment

from guiado.agent import TroubleshootingAgent, close_engines
from guiado.cli import main


class Receiver(ThreadingHTTPServer):
    """Answers with `status`, and keeps what it got."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.got: list[dict] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/aviso"


class Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.got.append(body | {"id": self.headers["webhook-id"]})
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shell(dsn, monkeypatch, capfd):
    """Runs a command to its very end, as an operator does whose receivers are inside the house."""
    monkeypatch.setenv("GUIADO_PRIVATE_TARGETS", "127.0.0.0/8")
    monkeypatch.setenv("GUIADO_ENCODER", "lexical")
    monkeypatch.setenv("DATABASE_URL", dsn)

    def call(*words: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([*words])
        close_engines()
        said = capfd.readouterr()
        return Ran(ended.value.code, said.out, said.err)

    return call


def test_a_webhook_from_its_registration_to_its_end(shell, receiver) -> None:
    made = json.loads(shell("webhooks", "add", receiver.url, "--event", "session_started", "--id", "crm", "--json").out)
    assert (made["webhook_id"], len(made["secret"]) >= 20) == ("crm", True)
    assert made["secret"] not in shell("webhooks", "list", "--json").out

    tried = shell("webhooks", "test", "crm")
    assert (tried.code, tried.out.strip()) == (0, "✓ Llegó: HTTP 200.")
    receiver.status = 500
    tried = shell("webhooks", "test", "crm")
    assert (tried.code, tried.err.strip()) == (1, "No llegó: HTTP 500")
    receiver.status = 200

    log = json.loads(shell("webhooks", "attempts", "crm", "--json").out)
    assert [(row["success"], row["response_status"]) for row in log] == [(False, 500), (True, 200)]
    assert shell("webhooks", "disable", "crm").code == 0
    assert "desactivado" in shell("webhooks", "list").out
    TroubleshootingAgent().start_troubleshooting("no me funciona el wifi", "ana@example.com")
    close_engines()
    assert len(receiver.got) == 2, "nothing is sent to one that is disabled"
    assert "destino desactivado: 1" in shell("events", "tail", "--event", "session_started").out
    assert shell("webhooks", "enable", "crm").code == 0
    told = json.loads(shell("webhooks", "replay", "crm", "--from", "2020-01-01", "--json").out)
    assert told["replayed"] == told["webhooks"]["crm"] >= 1
    assert [body["event"] for body in receiver.got[2:]].count("session_started") >= 1

    changed = json.loads(shell("webhooks", "rotate", "crm", "--json").out)
    assert changed["secret"] != made["secret"]
    assert shell("webhooks", "remove", "crm").code == 0
    assert json.loads(shell("webhooks", "list", "--json").out) == []


def test_a_secret_is_in_no_stored_answer(shell, receiver, dsn) -> None:
    given = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    made = json.loads(shell("webhooks", "add", receiver.url, "--event", "*", "--id", "crm", "--json").out)["secret"]
    edited = json.loads(shell("webhooks", "edit", "crm", "--secret", given, "--json").out)["secret"]
    rotated = json.loads(shell("webhooks", "rotate", "crm", "--json").out)["secret"]
    assert (len({made, edited, rotated}), edited) == (3, given)
    stored = asyncio.run(answers_in(dsn))
    assert stored
    assert not any("whsec_" in answer for answer in stored)


async def answers_in(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [str(row[0]) for row in await connection.fetch("SELECT answer::text FROM support_troubleshooting_idempotency")]
    finally:
        await connection.close()


def test_events_are_shown_followed_counted_and_sent_again(shell, dsn, receiver) -> None:
    shell("webhooks", "add", receiver.url, "--event", "session_started", "--id", "crm")
    follower = subprocess.Popen(
        [GUIADO, "events", "tail", "--follow", "--json", "--event", "session_started"],
        env=environment(DATABASE_URL=dsn), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        first = TroubleshootingAgent().start_troubleshooting("no me funciona el wifi", "ana@example.com")
        event = json.loads(follower.stdout.readline())
        assert event["session_id"] == first.session_id
    finally:
        follower.kill()
        follower.communicate()
    close_engines()  # sends what is left
    assert [body["id"] for body in receiver.got] == [event["event_id"]]
    assert "entregado: 1" in shell("events", "tail", "--session", first.session_id, "--event", "session_started").out
    assert "No había nada" in shell("events", "replay", event["event_id"]).out
    assert "en camino otra vez: 1" in shell("events", "replay", event["event_id"], "--all").out
    assert [body["id"] for body in receiver.got] == [event["event_id"]] * 2, "the same id, so that the receiver knows it"
    told = json.loads(shell("events", "stats", "--json").out)
    assert {row["event"]: row["last_day"] for row in told["events"]}["session_started"] == 1
    assert [(row["webhook_id"], row["pending"], row["successes"]) for row in told["webhooks"]] == [("crm", 0, 2)]
    assert "session_started: 1 en la última hora" in shell("events", "stats").out


def test_the_figures_say_where_there_is_nothing(shell):
    said = shell("events", "stats").out.splitlines()
    assert [line.startswith("  ") for line in said] == [False, True] * 3, said
    assert "guiado webhooks add" in said[3]


def test_a_test_of_who_is_gone_is_a_failure_and_no_internal_error(shell, receiver) -> None:
    shell("webhooks", "add", receiver.url, "--event", "*", "--id", "crm")
    receiver.status = 410
    tried = shell("webhooks", "test", "crm")
    assert (tried.code, tried.err.strip()) == (1, "No llegó: HTTP 410")
    again = shell("webhooks", "test", "crm")
    assert (again.code, "guiado webhooks enable crm" in again.err) == (2, True)
    assert json.loads(shell("webhooks", "enable", "crm", "--json").out)["enabled"] is True


def test_one_webhook_is_shown_and_changed_and_what_is_not_named_stays(shell, receiver) -> None:
    words = (
        "--header",
        "X-Api-Key: clave",
        "--header",
        "X-B: b",
        "--retry-attempts",
        "3",
        "--max-per-second",
        "5",
        "--max-parallel",
        "6",
        "--thin",
    )
    made = json.loads(shell("webhooks", "add", receiver.url, "--event", "*", "--id", "crm", *words, "--json").out)
    shown = json.loads(shell("webhooks", "show", "crm", "--json").out)
    assert (shown["retry_attempts"], shown["max_per_second"], shown["thin"], shown["events"]) == (3, 5, True, ["*"])
    assert shown["max_parallel"] == 6
    assert "clave" not in shell("webhooks", "show", "crm").out + json.dumps(shown)
    edited = json.loads(shell("webhooks", "edit", "crm", "--attempts", "4", "--rate", "0", "--parallel", "2", "--no-thin", "--drop-header", "x-b",
                              "--header", "X-C: c", "--json").out)  # fmt: skip
    expected = {
        "retry_attempts": 4,
        "max_per_second": None,
        "max_parallel": 2,
        "thin": False,
        "headers": {"X-Api-Key": "********", "X-C": "********"},
    }
    assert edited | {"updated_at": 0} == shown | expected | {"updated_at": 0, "warnings": []}
    again = shell("webhooks", "add", receiver.url, "--event", "step_failed", "--id", "crm")
    assert ("Secreto:" in again.out, "Conserva su secreto" in again.out) == (False, True)
    changed = json.loads(shell("webhooks", "edit", "crm", "--secret", made["secret"], "--json").out)
    assert changed["retry_attempts"] == 4
    far = shell("webhooks", "edit", "crm", "--url", "http://10.0.0.1/")
    assert (far.code, "Aviso: " in far.out, "GUIADO_PRIVATE_TARGETS" in far.out.replace("\n", "")) == (0, True, True)
    assert json.loads(shell("webhooks", "disable", "crm", "--json").out)["enabled"] is False
    assert json.loads(shell("webhooks", "remove", "crm", "--json").out) == {"webhook_id": "crm", "removed": True}


def test_everything_that_failed_is_sent_again_with_one_command(shell, receiver) -> None:
    for name in ("uno", "otro"):
        shell("webhooks", "add", receiver.url, "--event", "session_started", "--id", name, "--retry-attempts", "1")
    receiver.status = 500
    for name in ("uno", "otro"):
        assert shell("webhooks", "test", name).code == 1
    receiver.status = 200
    told = json.loads(shell("webhooks", "replay", "--failed", "--all", "--json").out)
    assert told == {"replayed": 2, "webhooks": {"uno": 1, "otro": 1}}
    assert "No había nada" in shell("webhooks", "replay", "--failed").out
    assert json.loads(shell("events", "replay", "--failed", "--json").out)["replayed"] == 0
    assert json.loads(shell("webhooks", "replay", "uno", "--event", receiver.got[-1]["id"], "--json").out)["replayed"] == 0
    assert json.loads(shell("webhooks", "replay", "--event", "session_started", "--delivered", "--json").out)["replayed"] == 2
    assert len({body["id"] for body in receiver.got}) == 2


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("webhooks", "add", "no-es-url", "--event", "session_started"), "url"),
        (("webhooks", "add", "https://a.example/", "--event", "nada"), "--event"),
        (("webhooks", "add", "https://a.example/"), "events"),
        (("webhooks", "add", "https://a.example/", "--event", "session_started", "--header", "sin dos puntos"), "--header"),
        (("webhooks", "add", "https://a.example/", "--event", "session_started", "--id", "a b"), "webhook_id"),
        (("webhooks", "add", "https://a.example/", "--event", "session_started", "--timeout", "-1"), "timeout"),
        (("events", "tail", "--event", "nada"), "--event"),
        (("events", "tail", "--session", "nada"), "--session"),
        (("events", "replay"), "EVENTO"),
        (("events", "replay", "--from", "ayer"), "--from"),
        (("events", "replay", "--from", "2026-01-02", "--to", "2026-01-01"), "--to"),
        (("events", "replay", "--event", "nada"), "--event"),
        (("webhooks", "replay", "crm"), "EVENTO"),
        (("webhooks", "replay", "crm", "--failed", "--all"), "--all"),
        (("webhooks", "replay", "--event", "nada"), "--event"),
        (("webhooks", "edit", "crm", "--header", "Host: x"), "headers.Host"),
        (("webhooks", "rotate", "crm", "--secret", "whsec_x"), "secret"),
    ],
)
def test_bad_words_are_named_with_the_remedy(shell, words, names) -> None:
    if "edit" in words:
        shell("webhooks", "add", "https://a.example/", "--event", "session_started", "--id", "crm")
    ran = shell(*words)
    assert (ran.code, f"{names}: " in ran.err, "Traceback" in ran.err) == (2, True, False), ran.err


def test_an_unknown_webhook_is_said_to_be_unknown(shell) -> None:
    for command in ("test", "attempts", "remove", "rotate", "enable", "disable", "show", "edit"):
        ran = shell("webhooks", command, "nadie")
        assert (ran.code, "nadie" in ran.err) == (1, True), command
