"""Recognition and masking of URLs that let in whoever knows them: their path or query is a key."""

from __future__ import annotations

import re

_KEY = r"/(?=[A-Za-z0-9_=-]{16})[A-Za-z_=-]*[0-9]"
PATTERN = rf"[?#@]|://[^/]*hook|{_KEY}"
"""Mark of a URL with a credential, in the syntax that Python and PostgreSQL share.

A login, a query or a fragment; a host for hooks, such as hooks.slack.com; a long part of the path with a digit in it, as the
tokens of Discord, Teams and others are. A path of plain words is an address like any other.
"""
HIDDEN = "***"
"""Mask of the parts of a URL that let somebody in."""
_CREDENTIAL, _FIRST_KEY = re.compile(PATTERN), re.compile(_KEY)
_PARTS = re.compile(
    r"(?P<scheme>\w*://)(?P<login>[^/?#]*@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?", re.DOTALL
)
_HOST = re.compile(r"(?:[\w.-]+|\[[\w.:]+\])(?::[0-9]*)?")


def has_credential(url: str) -> bool:
    """Whether a URL may hold a credential."""
    return _CREDENTIAL.search(url) is not None


def masked_url(url: str) -> str:
    """Mask what lets somebody in by a URL: login, values of the query, fragment, and the path from its first key on."""
    if not has_credential(url):
        return url
    parts = _PARTS.fullmatch(url)
    if parts is None:
        return HIDDEN
    login, fragment = parts["login"] and f"{HIDDEN}@", parts["fragment"] and f"#{HIDDEN}"
    host = parts["host"] if _HOST.fullmatch(parts["host"]) else HIDDEN
    return "".join(
        (parts["scheme"], login or "", host, _masked_path(host, parts["path"]), _masked_query(parts["query"]), fragment or "")
    )


def _masked_path(host: str, path: str) -> str:
    if "hook" in host or "@" in path:
        return f"/{HIDDEN}"
    key = _FIRST_KEY.search(path)
    return f"{path[: key.start()]}/{HIDDEN}" if key else path


def _masked_query(query: str | None) -> str:
    if not query:
        return ""
    pairs = [part.partition("=") for part in query[1:].split("&")]
    return "?" + "&".join(f"{name}={HIDDEN}" if equals else HIDDEN for name, equals, _ in pairs)
