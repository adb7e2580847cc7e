"""While an encoder behind an endpoint takes its time, everybody else is served, and no connection waits for it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

SLOW_S = 1.0
START = {"problem_description": "no me deja instalar el programa", "customer_email": "a@b.com"}


class Encoder(ThreadingHTTPServer):
    """Answers the texts of the knowledge base at once; a customer's words take a second once `is_slow`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.is_slow, self.waiting, self.asked = False, threading.Semaphore(0), []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]
        if self.server.is_slow and len(texts) == 1:
            self.server.asked.append(texts[0])
            self.server.waiting.release()
            time.sleep(SLOW_S)
        rows = [{"index": i, "embedding": [float(text.count(c) + 1) for c in "aeiosrnt"]} for i, text in enumerate(texts)]
        content = json.dumps({"data": rows}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def encoder() -> Iterator[Encoder]:
    made = Encoder()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture(scope="module")
def api(module_dsn: str, serve_module, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    home: Path = tmp_path_factory.mktemp("home")
    server = serve_module(
        module_dsn, GUIADO_ENCODER="openai", GUIADO_ENCODER_MODEL="m", OPENAI_API_KEY="sk-local", GUIADO_HOME=str(home),
        OPENAI_BASE_URL=f"http://127.0.0.1:{encoder.server_port}/v1", GUIADO_POOL_SIZE="2",
    )  # fmt: skip
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as client:
        end = time.monotonic() + 30
        while server.runtime.knowledge.snapshot.index.vectors is None:
            server.loop.call_soon_threadsafe(lambda: server.loop.create_task(server.runtime.knowledge.refresh()))
            assert time.monotonic() < end, "the vectors of the knowledge base never came"
            time.sleep(0.05)
        encoder.is_slow = True
        yield client


def sessions(api: httpx2.Client, encoder: Encoder) -> tuple[str, str]:
    encoder.is_slow = False
    asking, plain = (api.post("/start", json={**START, "clarify": clarify}).json()["session_id"] for clarify in (True, False))
    encoder.is_slow = True
    return asking, plain


@pytest.mark.parametrize("route", ["start", "detect", "reject", "keyed"])
def test_others_are_served_meanwhile(api: httpx2.Client, encoder: Encoder, route: str) -> None:
    _, plain = sessions(api, encoder)
    path, body, headers = {
        "start": ("/start", START, {}),
        "keyed": ("/start", START, {"idempotency-key": "lento"}),
        "detect": ("/detect", {"problem_description": "el wifi se cae"}, {}),
        "reject": (f"/{plain}/reject", {"text": "es otra cosa"}, {}),
    }[route]
    with ThreadPoolExecutor(4) as callers:
        # More slow ones at once than there are connections to the database.
        slow = [
            callers.submit(api.post, path, json=body, headers=headers) for _ in range(1 if route in {"reject", "keyed"} else 4)
        ]
        assert all(encoder.waiting.acquire(timeout=10) for _ in slow)
        began = time.monotonic()
        for _ in range(5):
            assert api.get("/sessions?limit=1").status_code == 200
        assert not any(each.done() for each in slow)
        assert time.monotonic() - began < SLOW_S * 0.8
        assert [each.result().status_code for each in slow] == [200] * len(slow)


def test_words_of_a_clarification_too(api: httpx2.Client, encoder: Encoder) -> None:
    asking, _ = sessions(api, encoder)
    with ThreadPoolExecutor(1) as callers:
        slow = callers.submit(api.post, f"/{asking}/clarify", json={"text": "es el wifi"})
        answered = slow.result(timeout=20)
    assert answered.status_code in {200, 409}


def test_one_text_is_encoded_once(api: httpx2.Client, encoder: Encoder) -> None:
    encoder.asked.clear()
    assert api.post("/start", json={**START, "problem_description": "la impresora no imprime nada"}).status_code == 200
    assert len(encoder.asked) == 1
