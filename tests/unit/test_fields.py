"""What a caller sends is either taken or refused with the name of the field, whatever it is."""

from __future__ import annotations

import inspect
import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiado.app import commands
from guiado.app.validation import Command, _kind_of, check, clean
from guiado.errors import InvalidInput
from guiado.http.body import decode

START: dict[str, Any] = {
    "problem_description": "No va",
    "customer_email": "a@example.com",
    "customer_name": "Ana",
    "ticket_id": "T-1",
    "source": "web",
    "language": "es",
    "device": "móvil",
    "product": "app",
    "customer_token": "los.datos.firmados",
    "clarify": True,
}
VALID: dict[type[Command], dict[str, Any]] = {
    commands.Contact: {"customer_email": "a@example.com", "customer_name": "Ana"},
    commands.Undo: {"step_number": 1},
    commands.SetVariant: {"variant": "windows"},
    commands.AnswerGuideQuestion: {"question_id": "luz", "answer_id": "roja", "skip": False},
    commands.StartHere: {**START, "problem_id": "conexion_internet"},
    commands.Start: START,
    commands.Customer: {"customer_email": "a@example.com"},
    commands.Detect: {"problem_description": "No va", "limit": 3, "language": "es"},
    commands.AnswerStep: {
        "success": True,
        "notes": "Bien",
        "step_number": 1,
        "step_title": "Paso",
        "step_id": "p1",
        "outcome": "done",
        "reason": "Nada",
        "active_seconds": 1.5,
        "source": "customer",
        "first_seen_at": "2026-11-22T10:00:00Z",
    },
    commands.Clarify: {"problem_id": "p", "answer": "yes", "question_id": "q", "text": "Otra cosa", "none": True},
    commands.Reject: {"rejected": "p", "problem_id": "q", "text": "Otra cosa"},
    commands.StartNext: {"problem_id": "p"},
    commands.Rate: {"rating": 5, "feedback_text": "Bien", "was_helpful": True},
    commands.Escalate: {"reason": "Prisa", "source": "agent"},
    commands.Resolve: {"source": "agent", "problem_id": "p", "step_id": "s", "minutes": 3.5, "notes": "Era el cable"},
    commands.Correct: {"problem_id": "p", "notes": "Era el cable"},
    commands.GuideRules: {
        "order": "learned",
        "pinned": ["a"],
        "kept": [["a", "b"]],
        "floor": 1,
        "explores": False,
        "costs": {"person": 20.5},
    },
    commands.CostRules: {"person": 20.5, "leaving": 1.5, "recontact": 0.5},
    commands.Replay: {
        "event_id": "01a2079f-aaba-7000-b991-2f52aae97554",
        "event": "step_failed",
        "begin": "2026-11-22T10:00:00Z",
        "end": "2026-11-23T10:00:00Z",
        "delivered": True,
    },
    commands.Rotate: {"secret": "s", "overlap_hours": 2},
    commands.Webhook: {
        "url": "https://example.com/x",
        "events": ["session_started"],
        "webhook_id": "w",
        "secret": "s",
        "headers": {"X-A": "b"},
        "timeout": 5.0,
        "retry_attempts": 3,
        "enabled": True,
        "thin": True,
        "max_per_second": 2.5,
        "max_parallel": 4,
    },
    commands.WebhookChange: {
        "url": "https://example.com/x",
        "events": ["*"],
        "secret": "s",
        "overlap_hours": 2,
        "headers": {"X-A": "b"},
        "timeout": 5.0,
        "retry_attempts": 3,
        "enabled": False,
        "thin": True,
        "max_per_second": 2.5,
        "max_parallel": 4,
    },
    commands.Variable: {"name": "v", "description": "d", "required": True, "type": "string", "default": "x"},
    commands.Template: {
        "template_id": "t",
        "name": "n",
        "category": "c",
        "variables": [{"name": "v"}],
        "steps_template": [{"title": "x"}],
        "description": "d",
        "metadata": {"a": 1},
    },
    commands.Render: {"template_id": "t", "variables": {"v": "x"}},
    commands.Recipient: {
        "channel": "email",
        "recipient": "guardia@example.com",
        "events": ["session_escalated"],
        "muted": ["step_completed"],
        "language": "es",
        "time_zone": "Europe/Madrid",
        "quiet_from": "22:00",
        "quiet_to": "07:30",
        "digest_minutes": 30,
        "webhook_url": "https://example.com/aviso",
        "secret": "secreto",
    },
    commands.Notification: {
        "notification_type": "n",
        "recipient": "r",
        "subject": "s",
        "message": "m",
        "session_id": "i",
        "channel": "email",
        "priority": "normal",
        "webhook_url": "https://example.com/aviso",
    },
    commands.NotificationPage: {"limit": 50, "status": "failed", "channel": "email"},
    commands.RetryNotifications: {"channel": "email", "status": "failed", "since": "2026-11-22T10:00:00Z"},
    commands.AuditPage: {"limit": 50, "actor": "operator", "action": "read", "since": "2026-11-22", "until": "2026-11-23"},
    commands.CreateKey: {"name": "Tienda", "scopes": ["sessions:write"], "expires_in_days": 90},
    commands.RotateKey: {"overlap_hours": 24},
    commands.SetMessageTemplate: {"template_id": "t", "subject": "s", "body": "b"},
    commands.TriggerEvent: {"event": "session_started", "data": {"a": 1}, "webhook_id": "w"},
    commands.Period: {"days": 30},
    commands.Page: {
        "limit": 50,
        "status": "resolved",
        "ticket_id": "T-1",
        "customer_email": "ana@example.com",
        "problem_id": "p",
        "since": "2026-11-22",
        "until": "2026-11-23",
    },
}
FIELDS = [(command, name) for command, values in VALID.items() for name in values]
REQUIRED = [(c, f.name) for c in VALID for f in msgspec.structs.fields(c) if f.required]
TEXTS = [(command, name) for command, values in VALID.items() for name in values if type(values[name]) is str]
CHOICES = {"outcome", "language", "event", "channel", "priority", "source", "status"}
FREE = [(c, n) for c, n in TEXTS if n not in CHOICES or (c, n) in {(commands.Start, "source"), (commands.StartHere, "source")}]
WRITTEN = [
    (c, n) for c, n in FREE if _kind_of(next(f.type for f in msgspec.structs.fields(c) if f.name == n)) in {"text", "name"}
]
STRICT = [pair for pair in FREE if pair not in WRITTEN]
OPTIONAL = [pair for pair in FIELDS if pair not in REQUIRED]
NUMBERS = [(command, name) for command, values in VALID.items() for name in values if type(values[name]) in (int, float)]


def named(problem: str) -> str:
    return problem.partition(".")[0].partition("[")[0]


def refusal(command: type[Command], name: str, value: object) -> str:
    """What is said of a bad value; it must be about that field alone."""
    with pytest.raises(InvalidInput) as caught:
        check(command, {**VALID[command], name: value})
    assert {named(problem.field) for problem in caught.value.problems} == {name}
    return str(caught.value)


def test_every_command_is_here() -> None:
    made = {c for _, c in inspect.getmembers(commands, inspect.isclass) if issubclass(c, Command) and c is not Command}
    assert made == set(VALID)
    assert all({f.name for f in msgspec.structs.fields(c)} == set(values) for c, values in VALID.items())


@pytest.mark.parametrize("command", VALID, ids=lambda c: c.__name__)
def test_good_values_are_taken(command: type[Command]) -> None:
    taken = check(command, VALID[command])
    assert clean(taken) == taken
    assert msgspec.to_builtins(taken).keys() <= VALID[command].keys()


@pytest.mark.parametrize(("command", "name"), REQUIRED)
def test_a_missing_field_is_named(command: type[Command], name: str) -> None:
    given = {key: value for key, value in VALID[command].items() if key != name}
    with pytest.raises(InvalidInput, match=f"{name}: Falta"):
        check(command, given)
    assert refusal(command, name, None)


@pytest.mark.parametrize(("command", "name"), OPTIONAL)
def test_null_and_blank_mean_not_given_where_a_field_may_be_left_out(command: type[Command], name: str) -> None:
    left_out = check(command, {key: value for key, value in VALID[command].items() if key != name})
    for value in (None, "", " ", "\n\t "):
        assert check(command, {**VALID[command], name: value}) == left_out
        assert decode(msgspec.json.encode({**VALID[command], name: value}), command) == left_out


@pytest.mark.parametrize(("command", "name"), FIELDS)
def test_a_value_of_another_kind_is_named(command: type[Command], name: str) -> None:
    wrong = [object(), b"x", 1j, math.nan, math.inf, -math.inf, 10**5000, -(10**30), {1: 2}, [object()], lambda: 1]
    wrong += (
        [[], [1]]
        if type(VALID[command][name]) is not list
        else [["no"] if name not in {"muted", "scopes", "pinned"} else [5], {}]
    )
    wrong += [{}] if type(VALID[command][name]) is not dict else [5]
    wrong += [True] if type(VALID[command][name]) is not bool else [1, 0, "true"]
    for value in wrong:
        refusal(command, name, value)


@pytest.mark.parametrize(("command", "name"), STRICT)
def test_texts_that_cannot_be_kept_are_named(command: type[Command], name: str) -> None:
    for value in ("a\x00b", "\x00", "a\x1bb", "\x7f", "a\x9fb", "\ud800", "a\udfffb", "x" * 10_001):
        refusal(command, name, value)
    if (command, name) in REQUIRED:
        for value in ("", " ", "\n\t ", "\u00a0\u2003"):
            assert "vacío" in refusal(command, name, value)


STRAY = ["\x00", "\x07", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\x1b[31m"]


@pytest.mark.parametrize(("command", "name"), WRITTEN)
def test_stray_characters_in_what_people_write_become_a_blank_or_go(command: type[Command], name: str) -> None:
    for stray in (*STRAY, "\ufeff", "\ud83d", "\ude00"):
        body = json.dumps({**VALID[command], name: f"una{stray}dos"}).encode()
        for taken in (check(command, {**VALID[command], name: f"una{stray}dos"}), decode(body, command)):
            assert getattr(taken, name) == ("una dos" if stray in STRAY else "unados"), ascii(stray)
    assert getattr(check(command, {**VALID[command], name: "\ud83d\ude00 👩\u200d💻"}), name) == "😀 👩\u200d💻"
    for nothing in ("\x00", "\x0b \ufeff", "\ud800"):
        if (command, name) in REQUIRED:
            assert "vacío" in refusal(command, name, nothing)
        else:
            assert getattr(check(command, {**VALID[command], name: nothing}), name) is None
    refusal(command, name, "x" * 10_001)


@pytest.mark.parametrize(("written", "meant"), [("es-MX", "es"), ("pt-BR", "pt"), ("ES", "es"), ("es_419", "es"), (" en-GB ", "en"),
                                                ("pt_PT.UTF-8", "pt"), ("es_ES@euro", "es"), ("zh-Hant", None), ("fr", None), ("esx", None),
                                                ("es;q=1", None), ("fr,es", None), ("*", None)])  # fmt: skip
@pytest.mark.parametrize("command", [commands.Start, commands.Detect, commands.Recipient])
def test_a_locale_means_its_language(command: type[Command], written: str, meant: str | None) -> None:
    if meant is None:
        assert "language" in refusal(command, "language", written)
    else:
        assert check(command, {**VALID[command], "language": written}).language == meant
        assert decode(msgspec.json.encode({**VALID[command], "language": written}), command).language == meant


WHOLE = [pair for pair in NUMBERS if type(VALID[pair[0]][pair[1]]) is int and pair[1] != "overlap_hours"]


@pytest.mark.parametrize(("command", "name"), WHOLE)
def test_a_whole_number_may_be_written_with_a_fraction_of_zero(command: type[Command], name: str) -> None:
    number = VALID[command][name]
    for written in (f"{number}.0", f"{number}.0e0", f"{number}00e-2"):
        body = json.dumps({**VALID[command], name: "@"}).replace('"@"', written).encode()
        assert decode(body, command) == check(command, VALID[command])
        assert type(getattr(check(command, {**VALID[command], name: float(written)}), name)) is int
    for wrong in (number + 0.5, str(number), True, [number]):
        assert "Debe ser" in refusal(command, name, wrong)


def test_a_ticket_number_may_be_written_so_too() -> None:
    assert check(commands.Start, {**VALID[commands.Start], "ticket_id": 12.0}).ticket_id == 12
    refusal(commands.Start, "ticket_id", 12.5)


@pytest.mark.parametrize(("command", "name"), [pair for pair in TEXTS if pair not in FREE])
def test_a_choice_that_is_none_is_named(command: type[Command], name: str) -> None:
    for value in ("otro", "\ud800", "\x00", "x" * 100_000):
        refusal(command, name, value)


@pytest.mark.parametrize(("command", "name"), NUMBERS)
def test_numbers_out_of_bounds_are_named(command: type[Command], name: str) -> None:
    for value in (-1, -0.001, 10**9, 2**63, 2**64, 1e308):
        refusal(command, name, value)


@pytest.mark.parametrize("value", [0, 6, -5, 4.5, "5", "cinco"])
def test_a_rating_is_a_whole_number_from_one_to_five(value: object) -> None:
    assert "rating" in refusal(commands.Rate, "rating", value)


@pytest.mark.parametrize(
    ("command", "name", "value", "path"),
    [
        (commands.Webhook, "headers", {"X": "\ud800"}, "headers.X"),
        (commands.Webhook, "headers", {"X": 1}, "headers[...]"),
        (commands.Webhook, "events", ["session_started", "nada"], "events[1]"),
        (commands.Webhook, "events", ["\ud800"], "events[0]"),
        (commands.Template, "variables", [{"name": "a"}, {}], "variables[1]"),
        (commands.Template, "variables", [{"name": "\x00"}], "variables[0].name"),
        (commands.Template, "steps_template", [{"title": {"es": [math.nan]}}], "steps_template[0].title.es[0]"),
        (commands.TriggerEvent, "data", {"a": {"b": math.nan}}, "data.a.b"),
        (commands.TriggerEvent, "data", {"a": [object()]}, "data.a[0]"),
        (commands.TriggerEvent, "data", {"a": 2**63}, "data.a"),
    ],
)
def test_what_lies_deeper_is_named_by_its_path(command: type[Command], name: str, value: object, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(command, {**VALID[command], name: value})
    assert [problem.field for problem in caught.value.problems] == [path]


def test_nesting_without_end_is_named() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    assert "niveles" in refusal(commands.TriggerEvent, "data", {"a": deep})


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        check(commands.Start, {"customer_email": "no", "customer_name": 5, "language": "fr"})
    assert {p.field for p in caught.value.problems} == {"problem_description", "customer_email", "customer_name", "language"}


@pytest.mark.parametrize("raw", [None, [], "texto", 5, True])
def test_a_body_that_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(InvalidInput, match="objeto JSON"):
        check(commands.Start, raw)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**18, 10**40)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.text(st.sampled_from("a \x00\x1b\ud800\n\u202e"), max_size=5)
    | st.binary(max_size=5)
    | st.dates()
    | st.uuids()
    | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
        | st.sampled_from([{1, 2}, frozenset("ab")])
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), command=st.sampled_from(list(VALID)))
def test_any_value_at_all_is_taken_or_refused_by_name(data: st.DataObject, command: type[Command]) -> None:
    bad = data.draw(st.dictionaries(st.sampled_from(sorted(VALID[command])), ANYTHING, min_size=1, max_size=4))
    try:
        taken = check(command, {**VALID[command], **bad})
    except InvalidInput as error:
        refused = error
    else:
        # Whatever was taken can be stored: it is JSON, without a character that PostgreSQL refuses.
        assert b"\\u0000" not in msgspec.json.encode(taken)
        return
    assert {named(problem.field) for problem in refused.problems} <= set(bad)
    assert str(refused)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), command=st.sampled_from(list(VALID)))
def test_what_the_server_decoded_is_cleaned_or_refused_by_name(data: st.DataObject, command: type[Command]) -> None:
    words = st.text(st.sampled_from("a \x00\x1b\n"), min_size=1, max_size=4)
    json = st.recursive(
        words | st.integers(-(2**70), 2**70), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner)
    )
    names = data.draw(st.lists(st.sampled_from(sorted(VALID[command])), min_size=1, max_size=3, unique=True))
    bad = {name: data.draw(words if type(VALID[command][name]) is str else json) for name in names}
    try:
        decoded = msgspec.json.decode(msgspec.json.encode({**VALID[command], **bad}), type=command)
    except msgspec.ValidationError:
        return
    try:
        kept = clean(decoded)
    except InvalidInput as error:
        refused = error
    else:
        assert b"\\u0000" not in msgspec.json.encode(kept)
        return
    assert {named(problem.field) for problem in refused.problems} <= set(bad)


# --------------------------------------------------------------------------------------------------- contract §6, rule 15


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("cliente@example.com", "cliente@example.com"),
        ("  Cliente@Example.COM \n", "cliente@example.com"),
        ("ana@impresora.local", "ana@impresora.local"),
        ("Ana@Equipo.TEST", "ana@equipo.test"),
        ("ana@nadie.invalid", "ana@nadie.invalid"),
        ("ana@localhost", "ana@localhost"),
        ("ana+soporte@sub.dominio.co.uk", "ana+soporte@sub.dominio.co.uk"),
        ("ñandú@españa.es", "ñandú@españa.es"),
        ("o'brien@example.org", "o'brien@example.org"),
    ],
)
def test_an_address_is_checked_for_syntax_only_and_kept_trimmed_and_in_lower_case(written: str, stored: str) -> None:
    given = {**VALID[commands.Start], "customer_email": written}
    assert check(commands.Start, given).customer_email == stored
    assert clean(commands.Start(**given)).customer_email == stored


@pytest.mark.parametrize(
    "written",
    ["ana", "ana@", "@example.com", "a@b@example.com", "a b@example.com", "a@exa mple.com", "a@b..com", "a@.com", "a@-b.com", "a@b.com.", "a..b@c.es",
     "a@b.local.", "a@.local", "a@x_y.com", "a@" + "b" * 64 + ".com", "a@b\u202e.com", "a\n@b.com", "a" * 250 + "@b.com"],
)  # fmt: skip
def test_an_address_with_bad_syntax_is_refused(written: str) -> None:
    refusal(commands.Start, "customer_email", written)


SECRETS = [(c, n) for c, values in VALID.items() for n in values if n in {"secret", "headers", "webhook_url"}]


@pytest.mark.parametrize(("command", "name"), SECRETS, ids=str)
def test_no_key_is_shown_where_a_command_is_written_into_a_log(command: type[Command], name: str) -> None:
    given = VALID[command] | {name: {"X-Clave": "muy-secreta"} if name == "headers" else "https://muy-secreta.example/"}
    assert "muy-secreta" not in repr(check(command, given))
    assert repr(check(command, given)).startswith(f"{command.__name__}(")


def test_a_whole_number_is_told_from_one_with_decimals() -> None:
    with pytest.raises(InvalidInput) as caught:
        check(commands.Rate, {"rating": 4.5})
    assert str(caught.value.problems[0].message) == "Debe ser un número entero, no un número con decimales."
