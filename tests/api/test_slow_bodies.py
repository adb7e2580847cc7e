"""Callers who dawdle, leave in the middle, or speak HTTP oddly."""

from __future__ import annotations

import json
import logging
import socket
import time

import pytest
from rows import rows_of

from guiado.http import body_timeout

PATH = "/api/support/troubleshooting/start"
GOOD = json.dumps({"problem_description": "no me deja instalar el programa", "customer_email": "cliente@example.com"}).encode()
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def connect(server) -> socket.socket:
    return socket.create_connection(server.listener.getsockname()[:2], timeout=20)


def rest_of(connection: socket.socket) -> bytes:
    """All that still comes, until the server closes."""
    found = b""
    while part := connection.recv(65_536):
        found += part
    return found


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_timeout, "BODY_TIMEOUT_S", 0.4)


@pytest.mark.parametrize("sent", [b"", GOOD[:20]])
@pytest.mark.parametrize("length", [f"Content-Length: {len(GOOD)}", "Transfer-Encoding: chunked"])
def test_a_body_that_never_arrives_is_ended(server, hurry, sent, length) -> None:
    before = rows_of(server)
    with connect(server) as connection:
        part = sent if "Length" in length or not sent else b"%x\r\n%b\r\n" % (len(sent), sent)
        connection.sendall(f"{HEAD}{length}\r\nAccept-Language: en\r\n\r\n".encode() + part)
        head, _, body = rest_of(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["error"] == "The body did not arrive in time. Send it again, complete."
    assert rows_of(server) == before


def test_a_drip_does_not_extend_the_time(server, hurry) -> None:
    with connect(server) as connection:
        connection.sendall(f"{HEAD}Content-Length: {len(GOOD)}\r\n\r\n".encode())
        connection.settimeout(0.05)
        answer, until = b"", time.monotonic() + 10
        while not answer and time.monotonic() < until:
            connection.sendall(b" ")
            try:
                answer = connection.recv(65_536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_whoever_leaves_in_the_middle_is_no_fault_of_ours(server, caplog) -> None:
    before = rows_of(server)
    with caplog.at_level(logging.INFO, logger="guiado"):
        with connect(server) as connection:
            connection.sendall(f"{HEAD}Content-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD[:30])
        until = time.monotonic() + 10
        while "status=499" not in caplog.text and time.monotonic() < until:
            connection.close()
            time.sleep(0.01)
    assert "status=499" in caplog.text
    assert "internal_error" not in caplog.text
    assert rows_of(server) == before


@pytest.mark.parametrize("second", ["127.0.0.1", "evil.example"])
def test_two_hosts_are_one_too_many(server, second) -> None:
    with connect(server) as connection:
        lines = f"{HEAD}Host: {second}\r\nContent-Length: {len(GOOD)}\r\nConnection: close\r\n\r\n"
        connection.sendall(lines.encode() + GOOD)
        head, _, body = rest_of(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert "Host" in json.loads(body)["error"]


def test_a_body_in_pieces_is_whole_in_the_end(server) -> None:
    with connect(server) as connection:
        connection.sendall(f"{HEAD}Content-Length: {len(GOOD)}\r\nConnection: close\r\n\r\n".encode() + GOOD[:40])
        connection.sendall(GOOD[40:])
        assert rest_of(connection).startswith(b"HTTP/1.1 200 ")
