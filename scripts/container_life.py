"""One life of a container, seen from inside: a key, start, health, a session, SIGTERM.

`check_container.py` runs it in its namespaces. Prints what it saw as JSON in its last line.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_DEADLINE_S = 180
_START = {"problem_description": "no me deja instalar el programa", "customer_email": "cliente@example.com"}


def live(task: dict[str, object]) -> dict[str, object]:
    """Start the image's command, use it, and stop it.

    Args:
        task: `command`, `health` and `closed` of the image; `session` and `secret` of an earlier life, or null.
    """
    secret = task["secret"] or _new_key()
    closed = [str(place) for place in _list(task["closed"]) if not _is_writable(Path(str(place)))]
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in _list(task["command"])])
    try:
        while subprocess.run([str(word) for word in _list(task["health"])], check=False, stderr=subprocess.DEVNULL).returncode:
            if process.poll() is not None or time.monotonic() - began > _DEADLINE_S:
                sys.exit(f"not healthy: {process.poll()}")
            time.sleep(0.2)
        healthy_s = time.monotonic() - began
        session = task["session"] or _ask("POST", "/start", secret, _START)["session_id"]
        found = _ask("GET", f"/{session}", secret)
        stopping = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    finally:
        process.kill()
    return {
        "uid": os.getuid(),
        "read_only": closed == task["closed"],
        "networks": _interfaces(),
        "healthy_s": round(healthy_s, 1),
        "session": session,
        "kept": str(session) in json.dumps(found),
        "secret": secret,
        "exit_code": code,
        "stopped_s": round(time.monotonic() - stopping, 1),
        "processes_left": _processes_left(),
    }


def _new_key() -> str:
    """Make the first key, which the service needs before it listens to the network."""
    words = ["guiado", "keys", "create", "--name", "prueba", "--json"]
    return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)["key"]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _is_writable(folder: Path) -> bool:
    try:
        (folder / ".written").touch()
    except OSError:
        return False
    return True


def _interfaces() -> list[str]:
    lines = Path("/proc/net/dev").read_text("utf-8").splitlines()[2:]
    return sorted(line.partition(":")[0].strip() for line in lines)


def _processes_left() -> int:
    """How many processes of PostgreSQL outlived the service."""
    names = [path.read_text("utf-8").strip() for path in Path("/proc").glob("[0-9]*/comm")]
    return sum(name.startswith("postgres") for name in names)


def _ask(method: str, path: str, secret: object, body: object = None) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
    connection.request(method, f"/api/support/troubleshooting{path}", json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != http.HTTPStatus.OK:
        sys.exit(f"{method} {path}: {answer.status} {text}")
    return json.loads(text)


if __name__ == "__main__":
    print(json.dumps(live(json.loads(sys.argv[1]))))
