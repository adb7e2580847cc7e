"""Addresses of people and hooks in one normal form, so that equal ones match however they were written."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import urlsplit

from guiado.errors import FieldProblem, InvalidInput

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""A phone number in E.164 form."""
TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
"""The name of an ntfy topic."""

_FILLERS = ("Zs", "Pd", "Cf")  # blanks, dashes, and invisible marks that address books put around numbers
_DELIVERABLE = ".example.com"


def masked(recipient: str) -> str:
    """Mask an address for lists: of a URL, which may hold a key, only the host and a hash remain."""
    if "://" not in recipient:
        return recipient
    try:
        host = urlsplit(recipient).hostname or ""
    except ValueError:
        host = ""
    mark = hashlib.sha256(recipient.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{recipient.partition('://')[0]}://{host}/…{mark}"


def ascii_domain(domain: str) -> str | None:
    """Convert a domain to ASCII, as DNS has it; None where it is none."""
    found = read_mail(f"x@{domain}")
    return found[1] if found else None


def normal_mail(given: str) -> str:
    """Return an e-mail address in its normal form."""
    found = read_mail(given)
    return f"{found[0].lower()}@{found[1]}" if found else given.lower()


def mail_spellings(given: str, normal: str) -> list[str]:
    """Return the forms in which older versions stored an address: lower case, its domain in Unicode."""
    return [given.lower(), _in_letters(normal)] if "@" in normal else []


def read_mail(given: str) -> tuple[str, str] | None:
    """Parse an e-mail address into local part and ASCII domain; None where it is none.

    The library refuses domains for special use (.local, .test) and has no switch for it: they are checked with another suffix.
    """
    from email_validator import EmailNotValidError, validate_email

    for suffix in ("", _DELIVERABLE):
        try:
            found = validate_email(given + suffix, check_deliverability=False, globally_deliverable=False)
        except EmailNotValidError:
            continue
        return found.local_part, found.ascii_domain.lower().removesuffix(suffix)
    return None


def _in_letters(address: str) -> str:
    """Return an address with its domain in Unicode."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode().decode('idna')}".lower()
    except UnicodeError:
        return address


def normal_number(given: str) -> str:
    """Return a phone number in its normal form."""
    bare = "".join(character for character in given if unicodedata.category(character) not in _FILLERS)
    bare = bare.lower().removeprefix("tel:")
    if bare.startswith(("+", "00")):
        bare = bare.replace("(0)", "")  # "+44 (0)20 …": the zero is for calls within the country only
    bare = re.sub(r"[().]", "", bare)
    return "+" + bare[2:] if bare.startswith("00") else bare


def normal_url(given: str) -> str:
    """Return a URL in its normal form; any other text stays as it is."""
    if "://" not in given:
        return given
    scheme, _, rest = given.partition("://")
    host, slash, path = rest.partition("/")
    login, at, place = host.rpartition("@")
    return f"{scheme.lower()}://{login}{at}{place.lower()}{slash}{path}"


def url_problem(name: str, url: str) -> FieldProblem | None:
    """Return what is wrong with a URL that a caller wrote; None where nothing is.

    Args:
        name: of the field.
    """
    from guiado.delivery.target_url import check_url  # with what it imports, a third of a facade's start

    try:
        check_url(url.strip())
    except InvalidInput as error:
        return FieldProblem(name, error.problems[0].message)
    return None
