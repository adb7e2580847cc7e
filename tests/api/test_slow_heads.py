"""Heads of requests that come slowly, never, or too large."""

from __future__ import annotations

import json
import socket
import time

import pytest

from guiado.http import slow_clients


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEAD_TIMEOUT_S", 0.4)


def connect(server) -> socket.socket:
    return socket.create_connection(server.listener.getsockname()[:2], timeout=20)


def is_ended(connection: socket.socket, drip: bytes) -> bool:
    """Whether the server ends the connection within ten seconds, however much still drips."""
    connection.settimeout(0.05)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if drip:
                connection.sendall(drip)
            if not connection.recv(65_536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"\r\n"])
@pytest.mark.parametrize("drip", [b"", b"X"])
def test_a_head_that_never_ends_is_cut_off(server, hurry, begun: bytes, drip: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(begun)
        assert is_ended(connection, drip)


def test_a_second_head_has_the_same_deadline(server, hurry) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert is_ended(connection, b"X")


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""])
def test_a_head_that_is_too_large_is_told(server, end: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Much: " + b"a" * 40_000 + end)
        found = b""
        while part := connection.recv(65_536):
            found += part
    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "headers_too_large"


def test_beyond_the_most_connections_the_longest_silent_is_ended(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "MOST_CONNECTIONS", 3)
    open_ones = [connect(server) for _ in range(3)]
    with connect(server) as newest:
        assert is_ended(open_ones[0], b"")
        newest.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert newest.recv(65_536).startswith(b"HTTP/1.1 200")
    for connection in open_ones:
        connection.close()
