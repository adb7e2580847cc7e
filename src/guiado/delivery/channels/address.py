"""Addresses of people: one normal form for each channel, so that the same person is found however somebody wrote the address."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import urlsplit

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""A telephone number as networks take it (E.164)."""
TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
"""A topic of ntfy."""

_FILLERS = ("Zs", "Pd", "Cf")  # blanks, dashes, and invisible marks that address books put around numbers
_DELIVERABLE = ".example.com"


def normal_form(channel: str, recipient: str) -> str:
    """The one way in which an address is stored and compared; one that cannot be read stays as it is, without outer blanks.

    Args:
        channel: how messages travel.
        recipient: address, number, channel name, topic or URL, as somebody wrote it.
    """
    given = recipient.strip()
    match channel:
        case "email":
            return _normal_mail(given)
        case "sms":
            return _normal_number(given)
        case "slack" if given.startswith("#"):
            return given.lower()
        case _ if "://" in given:
            return _normal_url(given)
        case _:
            return given


def spellings(channel: str, recipient: str) -> list[str]:
    """The normal form, and how older versions may have stored the same address."""
    normal = normal_form(channel, recipient)
    known = [normal, recipient.strip()]
    if channel == "email" and "@" in normal:
        known += [known[1].lower(), _in_letters(normal)]
    return list(dict.fromkeys(known))


def masked(recipient: str) -> str:
    """An address for lists: of a URL, which may hold a key, only its host and a mark that tells it from others."""
    if "://" not in recipient:
        return recipient
    try:
        host = urlsplit(recipient).hostname or ""
    except ValueError:
        host = ""
    mark = hashlib.sha256(recipient.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{recipient.partition('://')[0]}://{host}/…{mark}"


def ascii_domain(domain: str) -> str | None:
    """A domain as name servers know it; None where it is none."""
    found = _read_mail(f"x@{domain}")
    return found[1] if found else None


def _normal_mail(given: str) -> str:
    found = _read_mail(given)
    return f"{found[0].lower()}@{found[1]}" if found else given.lower()


def _read_mail(given: str) -> tuple[str, str] | None:
    """Local part and ASCII domain; the library refuses domains for special use (.local, .test) and has no switch for it."""
    from email_validator import EmailNotValidError, validate_email

    for suffix in ("", _DELIVERABLE):
        try:
            found = validate_email(given + suffix, check_deliverability=False, globally_deliverable=False)
        except EmailNotValidError:
            continue
        return found.local_part, found.ascii_domain.lower().removesuffix(suffix)
    return None


def _in_letters(address: str) -> str:
    """The same address with its domain in the letters of its language."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode().decode('idna')}".lower()
    except UnicodeError:
        return address


def _normal_number(given: str) -> str:
    bare = "".join(character for character in given if unicodedata.category(character) not in _FILLERS)
    bare = bare.lower().removeprefix("tel:")
    if bare.startswith(("+", "00")):
        bare = bare.replace("(0)", "")  # "+44 (0)20 …": the zero is for calls within the country only
    bare = re.sub(r"[().]", "", bare)
    return "+" + bare[2:] if bare.startswith("00") else bare


def _normal_url(given: str) -> str:
    scheme, _, rest = given.partition("://")
    host, slash, path = rest.partition("/")
    login, at, place = host.rpartition("@")
    return f"{scheme.lower()}://{login}{at}{place.lower()}{slash}{path}"
