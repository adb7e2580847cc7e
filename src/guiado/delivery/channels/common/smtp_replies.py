"""Failures of SMTP: whose fault one is, what to do about it, and whether another attempt can help.

For good is only what is about this recipient or this message. What is about the operator's account, sender or server would refuse
every other message too: it waits until somebody mends it.

Source: RFC 5321, section 4.2 (codes); RFC 3463 and IANA's registry of enhanced status codes; RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

import re
import ssl

import aiosmtplib

from guiado.errors import DeliveryFailed, os_reason

_ENHANCED = re.compile(r"\b([45]\.\d{1,3}\.\d{1,3})\b")
_FOR_GOOD = 500  # SMTP's class of failures for good
_LOGIN_CODES = (530, 534, 535, 538)
_RECIPIENT_CODES = (501, 550, 551, 552, 553, 554, 556)
_CONTENT_CODES = (550, 552, 553, 554)
_LOGIN = ("5.7.8", "5.7.9", "5.7.11", "5.7.57")
_SENDER = ("5.1.7", "5.1.8", "5.7.23", "5.7.25", "5.7.26", "5.7.27", "5.7.28", "5.7.29", "5.7.60")
_TOO_LARGE = ("5.3.4", "5.2.3")
_POLICY = re.compile(r"5\.7\.\d+")
_SAYS_LOGIN = re.compile(r"authenticat|log ?in|credential", re.IGNORECASE)
_SAYS_SENDER = re.compile(r"\bsender|send as|client host", re.IGNORECASE)
_SAYS_RELAY = re.compile(r"relay|rcpthosts", re.IGNORECASE)
_SAYS_RECIPIENT = re.compile(r"recipient address rejected|user unknown|unknown user|no such|does ?n[o']t exist", re.IGNORECASE)
_SAYS_SIZE = re.compile(r"size|large|big|long", re.IGNORECASE)


def explain_failure(host: str, error: Exception, recipient: str) -> DeliveryFailed:
    """Turn a failure into an error that says the cause, the remedy, and whether another attempt can help.

    Args:
        host: of the mail server, for messages.
        error: as `aiosmtplib`, the TLS library or the operating system raised it.
        recipient: its address is left out of what the server said.
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code > 0:
        return _explain_reply(error, str(error.message).replace(recipient, "…")[:300])
    if type(error) in (aiosmtplib.SMTPNotSupported, aiosmtplib.SMTPException):
        return _explain_missing(host, str(error))
    return _explain_connection(host, error)


def _explain_reply(error: aiosmtplib.SMTPResponseException, answer: str) -> DeliveryFailed:
    template = _account_fault(error, answer)
    if template is not None:
        return DeliveryFailed(template, of_channel=True, code=error.code, answer=answer)
    return DeliveryFailed(
        "El servidor de correo contestó {code}: {answer}", permanent=_is_for_good(error, answer), code=error.code, answer=answer
    )


_BAD_LOGIN = "El servidor de correo no acepta el usuario o la contraseña ({code}: {answer}). Revisa SMTP_USER y SMTP_PASSWORD."
_BAD_SENDER = "El servidor de correo no acepta el remitente ({code}: {answer}). Revisa SMTP_FROM y SMTP_USER."
_NO_RELAY = "El servidor de correo no envía a otros dominios sin permiso ({code}: {answer}). Revisa SMTP_USER y SMTP_PASSWORD."
_NOT_READY = "El servidor de correo no admite envíos ({code}: {answer}). Revisa SMTP_HOST, SMTP_PORT y SMTP_TLS."


def _account_fault(error: aiosmtplib.SMTPResponseException, answer: str) -> str | None:
    """Text for a permanent refusal of the operator's account, sender or server; None for any other reply."""
    if error.code < _FOR_GOOD:
        return None
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) or error.code in _LOGIN_CODES or _enhanced(answer) in _LOGIN:
        return _BAD_LOGIN
    match error:
        case aiosmtplib.SMTPSenderRefused():
            return None if _is_too_large(error.code, answer) else _BAD_SENDER
        case aiosmtplib.SMTPRecipientRefused():
            return _refused_before_recipient(error.code, answer)
        case aiosmtplib.SMTPDataError() if error.code in _CONTENT_CODES:
            return _BAD_SENDER if _enhanced(answer) in _SENDER else None
        case _:
            return _NOT_READY


def _refused_before_recipient(code: int, answer: str) -> str | None:
    """Text for a refusal that comes with the recipient but is about the sender's side; None for one about the recipient."""
    enhanced = _enhanced(answer)
    if _SAYS_RELAY.search(answer):
        return _NO_RELAY
    if enhanced in _SENDER or (_SAYS_SENDER.search(answer) and not _SAYS_RECIPIENT.search(answer)):
        return _BAD_SENDER
    if _SAYS_LOGIN.search(answer):
        return _BAD_LOGIN
    if code not in _RECIPIENT_CODES:
        return _NOT_READY
    if _POLICY.fullmatch(enhanced) and not _SAYS_RECIPIENT.search(answer):
        return _NO_RELAY
    return None


def _is_for_good(error: aiosmtplib.SMTPResponseException, answer: str) -> bool:
    if error.code < _FOR_GOOD:
        return False
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return _is_too_large(error.code, answer)
    return isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)


def _is_too_large(code: int, answer: str) -> bool:
    """Whether a refusal is about the size; a server that is told it beforehand gives this reply to the sender."""
    return _enhanced(answer) in _TOO_LARGE or (code == 552 and _SAYS_SIZE.search(answer) is not None)  # noqa: PLR2004 "too large"


def _enhanced(answer: str) -> str:
    found = _ENHANCED.search(answer)
    return found[1] if found else ""


def _explain_missing(host: str, said: str) -> DeliveryFailed:
    if "SMTPUTF8" in said.upper():
        return DeliveryFailed(_NO_LETTERS, permanent=True, host=host)
    template = _NO_STARTTLS if "STARTTLS" in said.upper() else _NO_LOGIN
    return DeliveryFailed(template, of_channel=True, host=host)


def _explain_connection(host: str, error: Exception) -> DeliveryFailed:
    cause = _cause(error)
    if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
        reason = os_reason(cause)
        return DeliveryFailed("{host}: la conexión falló ({reason}).", of_channel=True, host=host, reason=reason)
    return DeliveryFailed(_why_no_connection(cause), of_channel=True, host=host)


def _why_no_connection(cause: BaseException) -> str:
    match cause:
        case ssl.SSLCertVerificationError():
            return _BAD_CERTIFICATE
        case ssl.SSLError():
            return _NO_TLS
        case ValueError():
            return _BAD_WORDS
        case _:
            return _CUT_OFF


_NO_LETTERS = (
    "{host}: el servidor de correo no admite direcciones con tildes ni otras letras especiales antes de la @ (SMTPUTF8). "
    "Usa otra dirección de esa persona."
)
_NO_STARTTLS = "{host}: el servidor de correo no ofrece STARTTLS. Pon SMTP_TLS=tls, o SMTP_TLS=none si está en tu propia red."
_NO_LOGIN = "{host}: el servidor de correo no admite iniciar sesión así. Revisa SMTP_TLS, o quita SMTP_USER si no pide usuario."
_BAD_CERTIFICATE = (
    "{host}: el certificado del servidor de correo no es de ese nombre, caducó o no es de confianza. Revisa SMTP_HOST."
)
_NO_TLS = "{host}: el servidor de correo no habla TLS en ese puerto. Revisa SMTP_TLS y SMTP_PORT."
_BAD_WORDS = "{host}: SMTP_USER o SMTP_PASSWORD llevan caracteres que el correo no admite. Escríbelos de nuevo."
_CUT_OFF = "{host}: el servidor de correo cortó la conexión o no habla SMTP. Revisa SMTP_HOST, SMTP_PORT y SMTP_TLS."


def _cause(error: BaseException) -> BaseException:
    """Return the deepest cause of an error: outer ones only say that connecting failed."""
    deeper = error.__cause__ or error.__context__
    return error if deeper is None else _cause(deeper)
