"""The exception hierarchy of guiado, and the messages that it carries.

GuiadoError
├── InvalidInput            one or more fields are bad; carries a FieldProblem for each
├── NotFound
│   ├── SessionNotFound
│   ├── WebhookNotFound
│   ├── TemplateNotFound
│   ├── KeyNotFound
│   └── AttachmentNotFound
├── Conflict
│   ├── StaleSession        the session changed since the caller read it
│   ├── SessionEnded        the session takes no more answers
│   ├── NoStepLeft          there is no step to answer
│   ├── WrongStep           the answer is about another step than the current one
│   ├── NothingToClarify    the session did not ask what the problem is
│   ├── QuestionNotOpen     the question of the guide is neither asked nor answered
│   ├── NothingToReject     the session does not follow the guide that is rejected
│   ├── NothingToUndo       no answer to a step can be taken back
│   ├── NotLastAnswer       the answer to take back is not the last one
│   ├── CannotUndo          the last answer cannot be taken back any more
│   ├── NoOtherProblem      the customer named no other problem that is left
│   ├── ContactKnown        the session has an address, which a customer may not change
│   ├── TooManyAttachments  the session has as many pictures as it may have
│   ├── AttachmentsFull     the pictures of the tenant take all the room that there is for them
│   ├── AttachmentsOff      this installation takes no pictures
│   └── KeyReused           an Idempotency-Key came back with another body
├── KeyRequired             the request needs an API key, and came with none that is good
├── ScopeMissing            the API key may not do this
├── TargetRefused           an outgoing address is not allowed
├── DeliveryFailed          an outgoing request did not succeed
├── KnowledgeBaseInvalid    the knowledge-base file is broken; carries where
├── SettingsInvalid         the environment or `.env` is broken
│   └── SecretKeyWrong      the secret key is not the one that the database was written with
├── SecretUnreadable        a stored credential cannot be decrypted
├── EncoderUnavailable      the encoder of texts cannot be used; the words alone decide
├── QueryTooSlow            one statement took longer than it may; the database itself answers
└── DatabaseUnavailable     PostgreSQL cannot be reached, started or used
    ├── PoolerUnfit         the pooler before it does not keep what guiado needs
    └── SchemaMismatch      the database holds a schema that this version does not know

A message is a Spanish template with named parameters. `i18n.translate` turns it into the reader's language; `str()` gives
the Spanish. `code` is the same for programs: it never changes. HTTP status codes live in `http/problems.py` only.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence in Spanish with named placeholders, and the values for them.

    Args:
        template: Spanish text, `str.format` placeholders by name; the key of the translation catalogues.
        params: values of the placeholders.
    """

    template: str
    params: dict[str, object] = field(default_factory=dict[str, object])

    def __str__(self) -> str:
        return self.template.format(**self.params)


FIELD_CODES = frozenset((
    "missing", "empty", "too_long", "wrong_type", "out_of_range", "not_an_option", "control_characters", "invalid_email",
    "invalid_date", "invalid_time", "invalid_json", "invalid_encoding", "too_deep", "repeated", "unknown_field",
    "unknown_parameter", "invalid", "not_a_picture", "broken_picture", "too_many_pixels",
))  # fmt: skip
"""Codes of a field's problems, for programs; `invalid` is any problem without a code of its own."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A problem of one field of the caller's input, with its remedy.

    Args:
        field: name or JSON path of the field, as the caller wrote it.
        message: what is wrong and the remedy.
        code: the same for programs, one of `FIELD_CODES`; of a warning of `kb lint`, its kind.
    """

    field: str
    message: Message
    code: str = "invalid"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class Problems(tuple[FieldProblem, ...]):
    """Several problems as one parameter of a message."""

    __slots__ = ()

    def __str__(self) -> str:
        return "; ".join(str(problem) for problem in self)


def os_reason(error: OSError) -> Message:
    """The message for an error of the operating system, whose own text depends on its language setting."""
    reasons = {
        errno.ENOENT: Message("no existe"),
        errno.EACCES: Message("falta permiso"),
        errno.EPERM: Message("falta permiso"),
        errno.EISDIR: Message("es una carpeta"),
        errno.ENOTDIR: Message("una parte de la ruta no es una carpeta"),
        errno.ELOOP: Message("sus enlaces apuntan en círculo"),
        errno.ENAMETOOLONG: Message("el nombre es demasiado largo"),
        errno.ENOSPC: Message("no queda espacio en el disco"),
        errno.EDQUOT: Message("no queda espacio en el disco"),
        errno.EROFS: Message("el disco es de solo lectura"),
        errno.EEXIST: Message("ya hay un archivo con ese nombre"),
        errno.ENOEXEC: Message("no es un programa para este equipo"),
        errno.ENOMEM: Message("no queda memoria"),
        errno.EMFILE: Message("hay demasiados archivos abiertos"),
        errno.EADDRINUSE: Message("lo está usando otro programa"),
        errno.EADDRNOTAVAIL: Message("esa dirección no es de este equipo"),
        errno.ECONNREFUSED: Message("ningún programa responde en esa dirección"),
        errno.ECONNRESET: Message("se cortó la conexión"),
        errno.EHOSTUNREACH: Message("no se puede llegar a ese equipo"),
        errno.ENETUNREACH: Message("no se puede llegar a ese equipo"),
        errno.ETIMEDOUT: Message("no contesta"),
    }
    number = error.errno or 0
    return reasons.get(number, Message("error {code} del sistema", {"code": errno.errorcode.get(number, "?")}))


def _without_breaks(value: object) -> object:
    # Line breaks belong to the template: it says on one line what is wrong, and on the next one what to do.
    foreign = isinstance(value, str | BaseException) or hasattr(value, "__fspath__")
    return " ".join(str(value).split()) if foreign and len(str(value).splitlines()) > 1 else value


class GuiadoError(Exception):
    """Base of every error that guiado raises on purpose.

    Args:
        template: Spanish text with named placeholders.
        params: values of the placeholders.

    Every class has a `code` of its own, or else that of its base.
    """

    code: ClassVar[str] = "internal_error"

    def __init__(self, template: str, /, **params: object) -> None:
        self.message = Message(template, {name: _without_breaks(value) for name, value in params.items()})
        super().__init__(template)

    def __str__(self) -> str:
        return str(self.message)


class InvalidInput(GuiadoError, ValueError):
    """One or more fields of the input are invalid; nothing was done."""

    code = "invalid_input"

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        super().__init__("Datos no válidos")

    def __str__(self) -> str:
        return "; ".join(str(problem) for problem in self.problems)


_SECRETS = re.compile(r"\b(guiado_|gl_)[0-9A-Za-z]{16,}|(?<=/ayuda/)[^/?#\s\"']{4,}")


def without_secrets(words: str) -> str:
    """Mask API keys and tokens of customer links in a text for logs and error messages."""
    return _SECRETS.sub(lambda found: f"{found[1] or ''}…", words)


def printable(given: object) -> str:
    """The first 80 characters of a caller's id, with control characters escaped, so that it can be shown anywhere."""
    try:
        words = str(given)
    except ValueError:  # a number of thousands of digits
        words = "?"
    words = without_secrets(words[:200])[:80]
    return words if words.isprintable() else ascii(words)


class NotFound(GuiadoError):
    """The object that the caller named does not exist."""

    code = "not_found"


class SessionNotFound(NotFound):
    """No session has this id."""

    code = "session_not_found"

    def __init__(self, session_id: object) -> None:
        super().__init__("Sesión no encontrada: {session_id}. Revisa el identificador.", session_id=printable(session_id))


class WebhookNotFound(NotFound):
    """No webhook has this id."""

    code = "webhook_not_found"

    def __init__(self, webhook_id: object) -> None:
        super().__init__("Webhook no encontrado: {webhook_id}. Revisa el identificador.", webhook_id=printable(webhook_id))


class TemplateNotFound(NotFound):
    """No template has this id."""

    code = "template_not_found"

    def __init__(self, template_id: object) -> None:
        super().__init__(
            "Plantilla no encontrada: {template_id}. Pide la lista de plantillas.", template_id=printable(template_id)
        )


class KeyNotFound(NotFound):
    """No API key has this id."""

    code = "key_not_found"

    def __init__(self, key_id: object) -> None:
        super().__init__("Clave de API no encontrada: {key_id}. Mira las que hay con guiado keys list.", key_id=printable(key_id))


class LinkNotFound(NotFound):
    """The session has no such customer link."""

    code = "link_not_found"

    def __init__(self, link_id: object) -> None:
        super().__init__("Enlace no encontrado: {link_id}. Mira los que tiene la sesión.", link_id=printable(link_id))


class AttachmentNotFound(NotFound):
    """The session has no such picture."""

    code = "attachment_not_found"

    def __init__(self, attachment_id: object) -> None:
        super().__init__(
            "Imagen no encontrada: {attachment_id}. Mira las que tiene la sesión.", attachment_id=printable(attachment_id)
        )


class KeyRequired(GuiadoError):
    """The request needs an API key, and came with none that is good."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("Falta una clave de API válida. Envíala en la cabecera Authorization: Bearer.")


class LinkNotEnough(GuiadoError):
    """The caller has a customer's link, which does not reach this."""

    code = "link_not_enough"

    def __init__(self) -> None:
        super().__init__("Con el enlace de un cliente solo se llega a su sesión. Para esto hace falta una clave de API.")


class ScopeMissing(GuiadoError):
    """The API key may not do this."""

    code = "scope_missing"

    def __init__(self, permission: str) -> None:
        super().__init__(
            "Esta clave de API no tiene el permiso {permission}. Usa otra, o crea una: "
            "guiado keys create --name NOMBRE --scope {permission}",
            permission=permission,
        )


class Conflict(GuiadoError):
    """The request was understood but does not fit the present state; `state` is the session's, where it is known."""

    code = "conflict"

    state: object | None = None


class StaleSession(Conflict):
    """The session changed since the caller read it."""

    code = "stale_session"

    def __init__(self) -> None:
        super().__init__("La sesión cambió mientras tanto. Lee el estado actual y vuelve a intentarlo.")


class SessionEnded(Conflict):
    """The session has ended and takes no more answers."""

    code = "session_ended"

    def __init__(self, status: str) -> None:
        if status == "abandoned":
            super().__init__("La sesión está abandonada. Ábrela de nuevo con resume y sigue donde estaba.")
            return
        words = {"resolved": Message("resuelta"), "escalated": Message("con una persona")}
        said = words.get(status, status)
        super().__init__("La sesión ya terminó ({status}). Inicia una sesión nueva.", status=said)


class NoStepLeft(Conflict):
    """The session has no step to answer: none was ever offered, or all were passed."""

    code = "no_step_left"

    def __init__(self) -> None:
        super().__init__("No queda ningún paso por responder. Escala la sesión o indica que el problema está resuelto.")


class WrongStep(Conflict):
    """The answer is about another step than the current one."""

    code = "wrong_step"

    def __init__(self, given: int, expected: int) -> None:
        super().__init__(
            "step_number: {given} no es el paso actual ({expected}). Lee el estado actual y responde a ese paso.",
            given=given,
            expected=expected,
        )


class NothingToClarify(Conflict):
    """The session has no open clarification, or another one than the answer is about."""

    code = "nothing_to_clarify"

    def __init__(self) -> None:
        super().__init__("La sesión no espera esa aclaración. Lee el estado actual y responde a lo que pregunta.")


class QuestionNotOpen(Conflict):
    """The question of the guide is neither the one that is asked now nor one that was answered."""

    code = "question_not_open"

    def __init__(self, question_id: str) -> None:
        super().__init__(
            "question_id: «{question_id}» no es la pregunta abierta ni una que ya se respondió. Lee el estado actual y "
            "responde a la que haya en question.",
            question_id=question_id,
        )


class NothingToReject(Conflict):
    """The session follows no guide, or the guide of another problem than the one rejected."""

    code = "nothing_to_reject"

    def __init__(self) -> None:
        super().__init__("La sesión no sigue la guía de ese problema. Lee el estado actual.")


class NothingToUndo(Conflict):
    """The session holds no answer to a step that could be taken back."""

    code = "nothing_to_undo"

    def __init__(self) -> None:
        super().__init__("No hay ninguna respuesta que deshacer. Lee el estado actual.")


class NotLastAnswer(Conflict):
    """The answer to take back is about another step than the one that was answered last."""

    code = "not_last_answer"

    def __init__(self, given: int, expected: int) -> None:
        super().__init__(
            "step_number: {given} no es el último paso respondido ({expected}). Lee el estado actual.",
            given=given,
            expected=expected,
        )


class CannotUndo(Conflict):
    """The last answer cannot be taken back any more; the message says why."""

    code = "cannot_undo"

    def __init__(self, why: Message) -> None:
        super().__init__(why.template, **why.params)


class NoOtherProblem(Conflict):
    """The customer named no other problem that is left and has a guide."""

    code = "no_other_problem"

    def __init__(self) -> None:
        super().__init__("No queda ningún otro problema de los que nombró el cliente. Lee el estado actual.")


class ContactKnown(Conflict):
    """The session has its customer's address already, and a customer may not change it."""

    code = "contact_known"

    def __init__(self) -> None:
        super().__init__("Esta sesión ya tiene un correo. Pide al equipo que lo cambie.")


class TooManyAttachments(Conflict):
    """The session has as many pictures as it may have."""

    code = "too_many_attachments"

    def __init__(self, most: int) -> None:
        super().__init__("Esta sesión ya tiene {most} imágenes, y no caben más. Cuenta con palabras lo que falta.", most=most)


class AttachmentsFull(Conflict):
    """The pictures of the tenant take all the room that there is for them."""

    code = "attachments_full"

    def __init__(self, most_mb: int) -> None:
        super().__init__(
            "Ya no hay lugar para más imágenes: entre todas llegan a {most} MB. Cuenta con palabras lo que se ve en la tuya.",
            most=most_mb,
        )


class AttachmentsOff(Conflict):
    """This installation takes no pictures."""

    code = "attachments_off"

    def __init__(self) -> None:
        super().__init__("Aquí no se pueden enviar imágenes. Cuenta con palabras lo que se ve en ella.")


class KeyReused(Conflict):
    """The same Idempotency-Key came with another body."""

    code = "key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key: este valor ya se usó con otros datos. Genera uno nuevo para cada petición distinta.")


class TargetRefused(GuiadoError):
    """The address of an outgoing request is not allowed."""

    code = "target_refused"


class DeliveryFailed(GuiadoError):
    """An outgoing request did not succeed.

    Args:
        permanent: true when trying again cannot help: this recipient or this content is refused.
        of_channel: true when the account, server or hook is refused, so that every message to it fails until somebody mends it.
        retry_after_s: how long the other side asks to be left alone, in seconds.
    """

    code = "delivery_failed"

    def __init__(
        self,
        template: str,
        /,
        *,
        permanent: bool = False,
        of_channel: bool = False,
        retry_after_s: float | None = None,
        **params: object,
    ) -> None:
        self.permanent, self.of_channel, self.retry_after_s = permanent, of_channel, retry_after_s
        super().__init__(template, **params)


class KnowledgeBaseInvalid(GuiadoError):
    """The knowledge base cannot be used; every problem names its JSON path.

    Args:
        source: name of the file.
        problems: what makes it unusable.
        warnings: what is doubtful besides.
    """

    code = "knowledge_base_invalid"

    def __init__(self, source: str, problems: list[FieldProblem], warnings: list[FieldProblem] | None = None) -> None:
        self.problems, self.warnings = problems, warnings or []
        super().__init__(
            "Base de conocimiento no válida ({source}): {problems}",
            source=printable(source),
            problems=Problems(problems[:20]),
        )


class SettingsInvalid(GuiadoError, ValueError):
    """The environment or `.env` holds a value that cannot be used."""

    code = "settings_invalid"


class SecretKeyWrong(SettingsInvalid):
    """The secret key of this process is not the one that the credentials in the database were encrypted with."""

    code = "secret_key_wrong"


class SecretUnreadable(GuiadoError):
    """A credential in the database cannot be decrypted: another key wrote it, or it was moved or damaged."""

    code = "secret_unreadable"

    def __init__(self) -> None:
        super().__init__(
            "No se puede descifrar un secreto guardado: se cifró de otro modo, o alguien cambió la fila. "
            "Guárdalo otra vez; guiado secrets status muestra cuáles faltan."
        )


class EncoderUnavailable(GuiadoError):
    """The model that turns texts into vectors is missing, or did not answer as it should."""

    code = "encoder_unavailable"


class QueryTooSlow(GuiadoError):
    """One statement took longer than it may and was broken off; the database answers others."""

    code = "query_too_slow"


class DatabaseUnavailable(GuiadoError):
    """PostgreSQL cannot be reached, started or used right now."""

    code = "database_unavailable"


class PoolerUnfit(DatabaseUnavailable):
    """The pooler before PostgreSQL does not keep what guiado needs: its transactions, or the names of its statements."""

    code = "pooler_unfit"


class SchemaMismatch(DatabaseUnavailable):
    """The database was written by a version of guiado that this one does not know."""

    code = "schema_mismatch"
