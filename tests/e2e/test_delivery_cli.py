"""`guiado webhooks` and `guiado events`: no other process is needed to register, test, look and send again."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
    assert "1" in shell("webhooks", "replay", "crm", "--from", "2020-01-01").out
    assert [body["event"] for body in receiver.got[2:]].count("session_started") >= 1

    changed = json.loads(shell("webhooks", "rotate", "crm", "--json").out)
    assert changed["secret"] != made["secret"]
    assert shell("webhooks", "remove", "crm").code == 0
    assert json.loads(shell("webhooks", "list", "--json").out) == []


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
    ],
)
def test_bad_words_are_named_with_the_remedy(shell, words, names) -> None:
    ran = shell(*words)
    assert (ran.code, f"{names}: " in ran.err, "Traceback" in ran.err) == (2, True, False), ran.err


def test_an_unknown_webhook_is_said_to_be_unknown(shell) -> None:
    for command in ("test", "attempts", "remove", "rotate", "enable", "disable"):
        ran = shell("webhooks", command, "nadie")
        assert (ran.code, "nadie" in ran.err) == (1, True), command
