"""The secret key of the tests: one for all homes and databases, which most tests mix as they like."""

from __future__ import annotations

from guiado.store.key_file import read_keys

SECRET_KEY = "a" * 43 + "="
BOX = read_keys(SECRET_KEY, None)
