"""Reads a mail: its newest part without quotes, greeting, signature and footers, its subject, and who wrote a forwarded one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guiado.text.automatic_mail import is_automatic
from guiado.text.mail_lines import (
    DESK_LINE,
    FORWARD_MARK,
    HEADER,
    MACHINE_HEADER,
    REPLY_MARK,
    SENDER_HEADER,
    SUBJECT_HEADER,
    Quote,
    has_attribution,
    is_legal,
    lines_of,
    quote_at,
    with_desk_lines,
    without_footers,
)
from guiado.text.quoted_evidence import GREETING, answers_between, answers_inline, is_quoted, without_quotes
from guiado.text.sent_from import is_sent_from
from guiado.text.signatures import is_bare_name, postscript, signature_at, without_formalities
from guiado.text.vague_words import is_vague, passes_on

_MOST_FORWARDS = 4  # one within another
_MOST_SUBJECT_CHARS = 200
_MOST_SENDER_CHARS = 200

_WORD = re.compile(r"[^\W\d_]{2,}")
_DESK = re.compile(
    r"\b(?:soporte|suporte|support|help|helpdesk|ayuda|ajuda|atenci[oó]n|atendimento|no-?reply|servicio)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class MailReading:
    """A mail as it was read.

    Args:
        body: the customer's own words; of a forwarded mail those of the forwarded one.
        subject: without "RE:" and a ticket's number; empty where there is none. It is in the body where that says nothing.
        original_sender: of a forwarded mail, as it names them; empty where nothing was forwarded, or it names nobody.
        automatic: whether a program wrote it: an automatic reply, a receipt, a mail that came back.
    """

    body: str
    subject: str = ""
    original_sender: str = ""
    automatic: bool = False


def newest_part(text: str) -> str:
    """The newest part of a mail, without quotes, greeting, signature and legal notice.

    Never empty unless the text is: a text that is only "Saludos" stays, and of a mail forwarded without a word its content.

    Args:
        text: of any kind; a text that is no mail stays as it is.
    """
    return read_mail(text).body


def read_mail(text: str) -> MailReading:
    """Read a mail; see `newest_part`.

    Args:
        text: of any kind, as plain text.
    """
    marked = with_desk_lines(without_footers(text))
    if "\n" not in marked and not has_attribution(marked):
        own = without_formalities(marked) if _says_something([marked]) else text
        return MailReading(own, automatic=is_automatic((), marked))
    lines = lines_of(marked)
    head, below = _split_head(lines)
    automatic = is_automatic(head.lines, _joined(below))
    read = _read_lines(below, forwarded=FORWARD_MARK.match(head.subject) is not None)
    if not _says_something([read.body]):
        body = _joined(_first_with_words(_own(lines), lines, [text]))
        return replace(head.reading, body=body, automatic=automatic)
    body = without_formalities(read.body)
    if head.reading.subject and is_vague(body):
        body = f"{head.reading.subject}\n{body}"
    return MailReading(body, head.reading.subject, read.original_sender or head.reading.original_sender, automatic)


@dataclass(frozen=True, slots=True)
class _Head:
    """Header lines above the body.

    Args:
        reading: subject and sender.
        subject: as it was written.
        lines: all of it.
    """

    reading: MailReading
    subject: str = ""
    lines: Sequence[str] = ()


_NO_HEAD = _Head(MailReading(""))


def _split_head(lines: Sequence[str]) -> tuple[_Head, Sequence[str]]:
    """Header lines or a subject at the top, and the lines below; no head where nothing is below it."""
    start = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    end = _end_of_headers(lines, start)
    if end > start:
        head = _head_of(lines[start:end])
    elif start < len(lines) and REPLY_MARK.match(lines[start]):
        head, end = _Head(MailReading("", _subject(lines[start])), lines[start], lines[start : start + 1]), start + 1
    else:
        return _NO_HEAD, lines
    return (head, lines[end:]) if _says_something(lines[end:]) else (_NO_HEAD, lines)


def _end_of_headers(lines: Sequence[str], start: int) -> int:
    """End of the header lines at the top: two or more, or one that names the subject."""
    end, known = start, 0
    while end < len(lines) and (counts := _header_worth(lines[end], continued=end > start)) >= 0:
        known, end = known + counts, end + 1
    return end if known > 1 else start


def _header_worth(line: str, *, continued: bool) -> int:
    """2 for a header that alone makes a head, 1 for one that others must stand beside, 0 for its continuation, -1 for none."""
    if SUBJECT_HEADER.match(line) or MACHINE_HEADER.match(line):
        return 2
    if HEADER.match(line):
        return 1
    return 0 if continued and line[:1].isspace() and line.strip() else -1


def _head_of(headers: Sequence[str]) -> _Head:
    found = next(filter(None, map(SUBJECT_HEADER.match, headers)), None)
    subject = found["subject"] if found else ""
    return _Head(MailReading("", _subject(subject), _sender_in(headers)), subject, headers)


def _subject(line: str) -> str:
    return REPLY_MARK.sub("", line).strip()[:_MOST_SUBJECT_CHARS]


def _sender_in(headers: Sequence[str]) -> str:
    found = next(filter(None, map(SENDER_HEADER.match, headers)), None)
    return found["sender"].strip(" *\t")[:_MOST_SENDER_CHARS] if found else ""


def _read_lines(lines: Sequence[str], depth: int = 0, *, forwarded: bool = False) -> MailReading:
    """Words of a mail: above its quote, else below it, else in what it passes on."""
    lines = _below_marks(lines)
    cut = next((at for at in range(len(lines)) if quote_at(lines, at)), len(lines))
    note = _joined(_own(without_quotes(lines[:cut])))
    kind = quote_at(lines, cut) if cut < len(lines) else None
    passed = kind is Quote.FORWARDED or (kind is Quote.ANSWERED and (forwarded or passes_on(note)))
    if kind is Quote.FORWARDED and _WORD.search(note) and not is_vague(note, most=1) and _is_desk(lines[cut:]):
        return MailReading(note)
    if passed and depth < _MOST_FORWARDS and (inner := _passed_on(lines[cut:], depth)).body:
        kept = "" if is_vague(note, most=1) else note
        return replace(inner, body=f"{kept}\n{inner.body}".strip())
    above = _with_answers(note, lines[cut + 1 :]) if kind is Quote.ANSWERED else note
    for own in (above, _joined(_own(_below_quote(lines)))):
        if _says_something([own]):
            return MailReading(own)
    if depth >= _MOST_FORWARDS:
        return MailReading("")
    return _passed_on(lines[cut:] if _says_something(lines[cut:]) else lines, depth)


def _below_marks(lines: Sequence[str]) -> Sequence[str]:
    """The lines below the mark of a help desk with which a mail begins; all where there is none or nothing below it."""
    start = next((at for at, line in enumerate(lines) if line.strip() and line != DESK_LINE), 0)
    return lines[start:] if DESK_LINE in lines[:start] else lines


def _with_answers(note: str, quote: Sequence[str]) -> str:
    """A note, with what stands between the lines of the quote below it where the note itself says nothing."""
    if not is_vague(note) and not answers_inline(note):
        return note
    between = _joined(_own(answers_between(note, quote)))
    return f"{note}\n{between}".strip() if _says_something([between]) else note


def _is_desk(lines: Sequence[str]) -> bool:
    """Whether a forwarded mail is the help desk's own, which the customer sends back with an answer."""
    sender = next(filter(None, map(SENDER_HEADER.match, lines[:6])), None)
    return sender is not None and _DESK.search(sender["sender"].split("@")[0]) is not None


def _below_quote(lines: Sequence[str]) -> list[str]:
    """The lines below a quote, for mails whose answer stands under it."""
    quoted = [position for position, line in enumerate(lines) if is_quoted(line)]
    return list(lines[quoted[-1] + 1 :]) if quoted else []


def _passed_on(lines: Sequence[str], depth: int) -> MailReading:
    """Words of a forwarded mail; its sender is the innermost that is named."""
    bare = [line.lstrip("> \t") for line in lines]
    start = 1 if bare and quote_at(bare, 0) and not HEADER.match(bare[0]) else 0
    while start < len(bare) and (not bare[start].strip() or HEADER.match(bare[start])):
        start += 1
    head = _head_of(bare[:start]).reading
    inner = _read_lines(bare[start:], depth + 1)
    body = f"{head.subject}\n{inner.body}".strip() if is_vague(inner.body) else inner.body
    sender = "" if _is_desk(bare[:start]) else head.original_sender
    return replace(inner, body=body, original_sender=inner.original_sender or sender)


def _own(lines: Sequence[str]) -> list[str]:
    """The lines without greeting, closing, signature and footers."""
    kept: list[str] = []
    for position, line in enumerate(lines):
        if is_legal(lines, position) or signature_at(lines, position) or is_bare_name(lines, position):
            return [*kept, *postscript(lines[position + 1 :])]
        if not GREETING.match(line) and not is_sent_from(line):
            kept.append(line)
    return kept


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip()


def _says_something(lines: Sequence[str]) -> bool:
    return any(_WORD.search(line) for line in lines)


def _first_with_words(*choices: Sequence[str]) -> Sequence[str]:
    return next((lines for lines in choices if _says_something(lines)), choices[-1])
