"""The proxies' configurations that ship, in Debian's nginx and Caddy, with TLS, before a real server."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from guiado.app.access.permissions import PERMISSIONS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
HTML = {"accept": "text/html"}
BASE = "/api/support/troubleshooting"
FORGED = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "http",
    "x-forwarded-prefix": "/evil",
    "forwarded": "for=203.0.113.9;host=evil.example",
}
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")


def key_of(server: Any) -> str:
    """A key of a server; with the first one it takes what comes through a proxy."""
    made = httpx2.post(f"{server.url}{BASE}/keys", json={"name": "proxy", "scopes": [*PERMISSIONS]})
    return f"Bearer {made.json()['key']['key']}"


@pytest.fixture(scope="module")
def served(module_dsn: str, serve_module: Callable[..., Any]) -> tuple[Any, str]:
    """A guiado that trusts proxies of this machine, and a key of it."""
    server = serve_module(module_dsn, GUIADO_TRUSTED_PROXIES="127.0.0.1")
    return server, key_of(server)


@pytest.fixture(scope="module")
def service(served: tuple[Any, str]) -> str:
    """Address of a guiado that trusts proxies of this machine, without its scheme."""
    return served[0].url.removeprefix("http://")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*words, *named], check=True, capture_output=True)
    return cert, key


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def running(words: list[str], folder: Path, *ports: int) -> Iterator[None]:
    """Keep a program running that listens on these ports."""
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
    try:
        deadline = time.monotonic() + 20
        for port in ports:
            while True:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def shipped(name: str, service: str, certificate: tuple[Path, Path], folder: Path, plain: int, tls: int) -> str:
    """A configuration of nginx with the places and ports of this test."""
    text = (DEPLOY / name).read_text("utf-8")
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
    cert, key = certificate
    for old, new in (
        ("127.0.0.1:3000", service),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{tls} ssl;"),
        ("/etc/letsencrypt/live/soporte.example.com/fullchain.pem", str(cert)),
        ("/etc/letsencrypt/live/soporte.example.com/privkey.pem", str(key)),
        ("https://soporte.example.com$request_uri", f"https://localhost:{tls}$request_uri"),
        ("soporte.example.com", "localhost"),
        ("/var/log/nginx/", f"{folder}/"),
    ):
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def nginx(
    service: str, certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, Path]]:
    """Plain and TLS addresses of an nginx with what ships, and the folder of its logs; the prefix is at the TLS one too."""
    if NGINX is None:
        pytest.skip("needs nginx: apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    plain, tls, prefixed = free_port(), free_port(), free_port()
    site = shipped("nginx.conf", service, certificate, folder, plain, tls)
    below = shipped("nginx-prefix.conf", service, certificate, folder, plain, tls)
    cert, key = certificate
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    main = (
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ {temporary}\n{site}\nserver {{ listen 127.0.0.1:{prefixed} ssl; server_name localhost;"
        f" ssl_certificate {cert}; ssl_certificate_key {key};\n{below}\n"
        # The same without cutting the prefix.
        f"{below.replace(service + '/;', service + ';').replace('/soporte', '/entero')} }} }}\n"
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(main)
    words = [NGINX, "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
    tested = subprocess.run([*words, "-t"], check=False, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    for _ in running(words, folder, plain, tls, prefixed):
        yield f"http://localhost:{plain}", f"https://localhost:{tls}", folder


@pytest.fixture(scope="module")
def nginx_prefixed(nginx: tuple[str, str, Path]) -> str:
    ports = re.findall(r"listen 127.0.0.1:(\d+) ssl;", (nginx[2] / "nginx.conf").read_text())
    return f"https://localhost:{ports[-1]}"


@pytest.fixture(scope="module")
def caddy(service: str, certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Caddy with what ships; the example with a prefix is at /soporte of the same site."""
    if CADDY is None:
        pytest.skip("needs Caddy: apt-get install caddy")
    folder, port = tmp_path_factory.mktemp("caddy"), free_port()
    site, _, example = (DEPLOY / "Caddyfile").read_text("utf-8").partition("\n# Below a path")
    below = "\n".join(line.removeprefix("#") for line in example.splitlines()[2:])
    cert, key = certificate
    site = site.replace(
        "soporte.example.com {", f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {cert} {key}\n{below}\n", 1
    )
    text = "{\n\tadmin off\n\tauto_https off\n}\n" + site.replace("127.0.0.1:3000", service)
    configuration = folder / "Caddyfile"
    configuration.write_text(text)
    words = [CADDY, "run", "--config", str(configuration), "--adapter", "caddyfile"]
    for _ in running(words, folder, port):
        yield f"https://localhost:{port}"


@pytest.fixture(scope="module")
def http(certificate: tuple[Path, Path], served: tuple[Any, str]) -> Iterator[httpx2.Client]:
    context, headers = ssl.create_default_context(cafile=str(certificate[0])), {"authorization": served[1]}
    with httpx2.Client(verify=context, timeout=30, headers=headers) as client:
        yield client


def check_site(http: httpx2.Client, site: str, prefix: str = "") -> None:
    """Everything works at this address, and what a caller says about it counts nothing."""
    assert http.get(f"{site}{prefix}/", headers=HTML | FORGED).status_code == 200
    home = http.get(f"{site}{prefix}/estado", headers=HTML | FORGED)
    assert home.status_code == 200
    assert f"curl {site}{prefix}{BASE}/start" in home.text
    assert "evil" not in home.text
    links = re.findall(r'href="(/[^"#]*)"', home.text)
    assert len(links) > 4
    for link in links:
        assert link.startswith(f"{prefix}/")
        assert http.get(f"{site}{link}").status_code == 200, link
    document = http.get(f"{site}{prefix}/schema/openapi.json").json()
    assert document["servers"] == [{"url": prefix or "/"}]
    assert home.headers["strict-transport-security"] == "max-age=31536000"
    assert home.headers["x-content-type-options"] == "nosniff"
    api = f"{site}{prefix}{BASE}"
    start = {"problem_description": "no me deja instalar el programa", "customer_email": "a@b.com"}
    session = http.post(f"{api}/start", json=start).json()["session_id"]
    assert http.post(f"{api}/{session}/step", json={"success": False}).status_code == 200
    # Caddy has a limit of its own, whose refusal may reach the caller as that of the server behind it.
    assert http.post(f"{api}/start", content=b"x" * 1_100_000).status_code in {413, 502}


def test_nginx_with_a_name_of_its_own(nginx: tuple[str, str, Path], http: httpx2.Client) -> None:
    plain, tls, folder = nginx
    check_site(http, tls)
    sent_on = http.get(f"{plain}/schema?x=1")
    assert (sent_on.status_code, sent_on.headers["location"]) == (301, f"{tls}/schema?x=1")
    assert "/" not in http.get(f"{tls}/").headers["server"]  # no version
    logged = (folder / "guiado.log").read_text()
    assert " POST 200 " in logged
    assert BASE not in logged


@pytest.mark.parametrize("prefix", ["/soporte", "/entero"], ids=["cut", "not cut"])
def test_nginx_below_a_path(nginx_prefixed: str, http: httpx2.Client, prefix: str) -> None:
    check_site(http, nginx_prefixed, prefix)
    assert http.get(f"{nginx_prefixed}{prefix}").headers["location"].endswith(f"{prefix}/")


def test_caddy_with_a_name_of_its_own(caddy: str, http: httpx2.Client) -> None:
    check_site(http, caddy)
    assert "server" not in http.get(f"{caddy}/").headers


def test_caddy_below_a_path(caddy: str, http: httpx2.Client) -> None:
    check_site(http, caddy, "/soporte")
