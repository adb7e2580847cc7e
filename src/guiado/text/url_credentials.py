"""Recognition of URLs that let in whoever knows them: their path or query is a key."""

from __future__ import annotations

import re

PATTERN = r"[?#@]|://[^/]*hook|/(?=[A-Za-z0-9_=-]{16})[A-Za-z_=-]*[0-9]"
"""Mark of a URL with a credential, in the syntax that Python and PostgreSQL share.

A login, a query or a fragment; a host for hooks, such as hooks.slack.com; a long part of the path with a digit in it, as the
tokens of Discord, Teams and others are. A path of plain words is an address like any other.
"""
_CREDENTIAL = re.compile(PATTERN)


def has_credential(url: str) -> bool:
    """Whether a URL may hold a credential."""
    return _CREDENTIAL.search(url) is not None
