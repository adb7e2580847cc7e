"""One customer changes nothing for others: not with one click, not with fifty, not with ten addresses; many may, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2
import pytest
from prepared import Prepared
from seven_guides import SEVEN_GUIDES

from guiado.app.knowledge.knowledge_base import DetectionConfig, KnowledgeBase
from guiado.app.knowledge.sources.file import FileSource
from guiado.detection import Index
from guiado.detection.agreement import MOST_LOSS
from guiado.detection.message_reader import read_message
from guiado.detection.semantic.embedding_cache import VectorCache
from guiado.detection.semantic.encoders import make_encoder
from guiado.detection.verdict import DEFAULT_ACCEPT, Verdict, verdict_of
from guiado.store.database import Database

SAID = "el wifi de casa se me corta"
NEIGHBOURS = ("se me corta el wifi de casa", "el wifi de mi casa se corta", "el módem no me da señal")
INSTEAD = "quiero decir que me cobraron dos veces"
KB = SEVEN_GUIDES


@dataclass
class World:
    """A service with its database.

    Args:
        http: a client of it.
        dsn: address of the database.
        encoder: "use" or "lexical".
        cache: of the encoder; None where words decide.
    """

    http: httpx2.Client
    dsn: str
    encoder: str
    cache: VectorCache | None

    def process(self) -> Index:
        """What a process knows that begins now: detection after a restart, and in a second process."""

        async def run() -> Index:
            async def find() -> str:
                return self.dsn

            db = Database(find)
            try:
                base = KnowledgeBase("", db, "default", DetectionConfig(self.cache), FileSource(KB, "", db, "default"))
                await base.refresh()
                return base.snapshot.index
            finally:
                await db.close()

        return asyncio.run(run())

    def ask(self, query: str, *values: object) -> list[Any]:
        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.dsn)
            try:
                return [tuple(row) for row in await connection.fetch(query, *values)]
            finally:
                await connection.close()

        return asyncio.run(run())

    def start(self, email: str, words: str) -> str:
        answer = self.http.post("/start", json={"problem_description": words, "customer_email": email})
        assert answer.status_code == 200, answer.text
        return answer.json()["session_id"]

    def reject(self, email: str, words: str = SAID, **said: str) -> str:
        """A customer follows the guide of these words, and says that it is not this."""
        session_id = self.start(email, words)
        answer = self.http.post(f"/{session_id}/reject", json=said)
        assert answer.status_code == 200, answer.text
        return session_id

    def solve(self, session_id: str) -> None:
        answer = self.http.post(f"/{session_id}/step", json={"success": True, "outcome": "solved"})
        assert answer.json()["session"]["resolution"] == "confirmed", answer.text

    def crowd(self, session_id: str, people: int) -> None:
        """Have so many customers, of 20 domains and on 10 days, say what was said in a session."""
        self.ask(
            """WITH many AS (
                   SELECT n, md5(format('%s %s %s', $1::text, $2::int, n))::uuid AS id, now() - n % 10 * interval '1 day' AS at FROM generate_series(1, $2::int) n
               ), also AS (
                   INSERT INTO support_troubleshooting_sessions
                   SELECT x.* FROM support_troubleshooting_sessions s, many m, jsonb_populate_record(s, jsonb_build_object(
                       'session_id', m.id, 'customer_email', format('cliente%s@correo%s.example', m.n, m.n % 20), 'customer_id', m.id)) x
                    WHERE s.session_id = $1::text::uuid
               )
               INSERT INTO support_troubleshooting_ml_training
               SELECT x.* FROM support_troubleshooting_ml_training t, many m, jsonb_populate_record(t, jsonb_build_object(
                   'id', md5(format('%s %s', t.id, m.id))::uuid, 'session_id', m.id, 'customer_id', m.id, 'created_at', m.at)) x
                WHERE t.session_id = $1::text::uuid""",
            session_id,
            people,
        )


@pytest.fixture(scope="module", params=["use", "lexical"])
def service(
    request: pytest.FixtureRequest,
    serve_module: Callable[..., Any],
    module_dsn: str,
    tmp_path_factory: pytest.TempPathFactory,
    prepared: Prepared,
) -> Iterator[World]:
    """One service for the encoder that ships, and one for words alone."""
    home = prepared.warm(tmp_path_factory.mktemp("home"), request.param)
    server = serve_module(prepared.fit(module_dsn, request.param), GUIADO_ENCODER=request.param, GUIADO_HOME=str(home))
    encoder = make_encoder() if request.param == "use" else None
    with httpx2.Client(base_url=f"{server.url}/api/support/troubleshooting", timeout=30) as client:
        yield World(client, module_dsn, request.param, VectorCache(home / "cache", encoder) if encoder else None)


@pytest.fixture
def world(service: World) -> World:
    """The service, to which nobody has said anything yet."""
    for table in ("sessions", "ml_training", "learning"):
        service.ask(f"DELETE FROM support_troubleshooting_{table}")
    return service


def likely(index: Index, words: str) -> dict[str, float]:
    return {each.problem_id: each.confidence for each in index.rank(words, 5)}


def verdict(index: Index, words: str) -> Verdict:
    return verdict_of(index.rank(words), 0.33, DEFAULT_ACCEPT)


def test_one_click_counts_for_its_session_only(world: World) -> None:
    before = world.process()
    assert verdict(before, SAID) is Verdict.ACCEPT
    for words in (SAID, NEIGHBOURS[2]):
        world.reject("ana@example.com", words)
    after = world.process()
    assert after.version == before.version
    assert [likely(after, words) for words in (SAID, *NEIGHBOURS)] == [likely(before, words) for words in (SAID, *NEIGHBOURS)]
    shown = world.http.post("/detect", json={"problem_description": SAID}).json()
    assert (shown["verdict"], shown["candidates"][0]["problem_id"]) == ("accept", "conexion_internet")
    assert world.ask("SELECT kind FROM support_troubleshooting_learning") == [("negative",)] * 2
    assert world.ask("SELECT count(*) FROM support_troubleshooting_ml_training") == [(0,)]


ONE_PERSON = {
    "one address": ["ana@example.com"],
    "one mailbox": [f"a.na+{number}@gmail.com" for number in range(10)],
    "one domain": [f"ana{number}@example.com" for number in range(10)],
}


@pytest.mark.parametrize("addresses", ONE_PERSON.values(), ids=ONE_PERSON)
def test_one_person_moves_nothing_with_many_rejections(world: World, addresses: list[str]) -> None:
    before = world.process()
    for number in range(50 if len(addresses) == 1 and world.encoder == "lexical" else 8):
        world.reject(addresses[number % len(addresses)], text=INSTEAD)
    after = world.process()
    assert after.version == before.version
    assert likely(after, SAID) == likely(before, SAID)


def test_a_hundred_customers_take_a_bounded_share_from_the_very_words(world: World) -> None:
    before = world.process()
    for words in (SAID, "el wifi de mi casa se me corta"):
        world.crowd(world.reject("ana@example.com", words, text=INSTEAD), 50)
    after = world.process()
    assert after.version != before.version
    first = after.rank(SAID)[0]
    assert (first.problem_id, verdict(after, SAID)) == ("conexion_internet", Verdict.UNCLEAR)
    assert first.confidence == pytest.approx(likely(before, SAID)["conexion_internet"] * (1 - MOST_LOSS))
    for words in (*NEIGHBOURS, f"{SAID} siempre"):
        assert likely(after, words) == likely(before, words)
    assert world.process().rank(SAID) == after.rank(SAID)


def test_four_customers_are_not_several(world: World) -> None:
    before = world.process()
    session_id = world.reject("ana@example.com", text=INSTEAD)
    world.crowd(session_id, 3)
    assert likely(world.process(), SAID) == likely(before, SAID)
    world.crowd(session_id, 5)
    assert likely(world.process(), SAID) != likely(before, SAID)


def test_those_who_confirm_count_against_those_who_reject(world: World) -> None:
    before = likely(world.process(), SAID)["conexion_internet"]
    world.crowd(world.reject("ana@example.com", text=INSTEAD), 10)
    confirmed = world.start("eva@example.com", SAID)
    world.solve(confirmed)
    world.crowd(confirmed, 30)
    assert likely(world.process(), SAID)["conexion_internet"] >= 0.8 * before


def test_one_person_pushes_no_wrong_example(world: World) -> None:
    """Whoever brings a session to another guide and confirms it there has chosen, and not detection."""
    before = world.process()
    for email in (*ONE_PERSON["one mailbox"][:3], *ONE_PERSON["one domain"][:3]):
        world.solve(world.reject(email, problem_id="problema_facturacion"))
    after = world.process()
    assert likely(after, SAID) == likely(before, SAID)
    assert after.contents == before.contents


def test_a_choice_that_several_confirm_is_an_example(world: World) -> None:
    before = world.process()
    session_id = world.reject("ana@example.com", problem_id="problema_facturacion")
    world.solve(session_id)
    world.crowd(session_id, 10)
    after = world.process()
    (learned,) = [each.learned for each in after.problems if each.problem_id == "problema_facturacion"]
    assert [each.text for each in learned] == [SAID]
    assert after.contents != before.contents


def test_a_vote_stops_nobody_from_teaching_what_detection_knew(world: World) -> None:
    world.solve(world.reject("ana@example.com", problem_id="problema_facturacion"))
    world.solve(world.start("eva@example.com", SAID))
    rows = "SELECT problem_id, label, status, metadata ->> 'vote' FROM support_troubleshooting_ml_training ORDER BY created_at, label"
    assert world.ask(rows) == [
        ("conexion_internet", "negative", "accepted", "rejected"),
        ("problema_facturacion", "positive", "accepted", "chosen"),
        ("conexion_internet", "positive", "accepted", None),
    ]


def test_of_one_mailbox_three_texts_count(world: World) -> None:
    for number, email in enumerate(ONE_PERSON["one mailbox"][:5]):
        world.solve(world.start(email, f"{SAID} {'ya' * (number + 1)}"))
    (learned,) = [each.learned for each in world.process().problems if each.problem_id == "conexion_internet"]
    assert len(learned) == 3


def test_a_persons_word_counts_at_once(world: World) -> None:
    world.solve(world.reject("ana@example.com", problem_id="problema_facturacion"))
    before = world.process()
    assert likely(before, SAID).get("problema_facturacion", 0) < 0.1
    world.ask("""SELECT guiado_judge('default', ARRAY(SELECT id FROM support_troubleshooting_ml_training WHERE label = 'positive'),
                                     'accepted', 'agent', 'review', now())""")
    reviewed = world.process()
    assert reviewed.contents != before.contents
    world.http.post(f"/{world.start('eva@example.com', SAID)}/correct", json={"problem_id": "error_aplicacion"})
    corrected = world.process()
    assert corrected.contents != reviewed.contents
    (negative,) = [each.learned for each in corrected.problems if each.problem_id == "conexion_internet"]
    assert [(each.text, each.negative) for each in negative] == [(SAID, True)]


# ------------------------------------------------------------------------------------ confirming what is about two problems


COMPLAINTS = (
    "me cobraron dos veces", "no reconozco un cargo en mi tarjeta", "me debitaron un pago equivocado", "no me llegó la factura",
    "me siguen cobrando", "el recibo tiene mal mis datos fiscales", "me subieron el precio del plan", "necesito mi factura",
)  # fmt: skip
ALSO = (
    "el wifi de casa",
    "que se me corta el wifi",
    "el módem que no da señal",
    "internet que se cae a cada rato",
    "la red wifi",
)
LINKS = ("por culpa de", "por", "y hablan de", "con")
VICTIMS = (SAID, *NEIGHBOURS, "se corta el wifi", "no tengo internet en casa", "internet se cae todas las noches")


def mixed(world: World, most: int) -> list[str]:
    """Messages about an invoice, with the words of the internet's guide in them, that detection takes for one about the invoice."""
    index, found = world.process(), list[str]()
    for link in LINKS:
        for also in ALSO:
            for complaint in COMPLAINTS:
                words = f"{complaint} {link} {also}"
                reading = read_message(index, words)
                is_taken = (
                    verdict_of(reading.candidates, 0.33, DEFAULT_ACCEPT, reading.kind, tuple(reading.several)) is Verdict.ACCEPT
                )
                if is_taken and reading.candidates[0].problem_id == "problema_facturacion":
                    found.append(words)
                if len(found) == most:
                    return found
    return found


def fitted(world: World) -> Index:
    """A process that begins now, after the refit."""
    index = world.process()
    return index.with_model(index.fit())


def losses(before: Index, after: Index) -> dict[str, float]:
    """Share of the confidence in the internet's guide that was lost, by what the next customer says."""
    known = {words: likely(before, words)["conexion_internet"] for words in VICTIMS}
    return {words: 1 - likely(after, words).get("conexion_internet", 0.0) / known[words] for words in VICTIMS}


FEW, MANY = 0.2, MOST_LOSS
"""The share of a confidence that one person takes at most by confirming what is about two problems, and a hundred customers."""


def test_confirming_mixed_messages_moves_others_within_bounds(world: World) -> None:
    before, texts = fitted(world), mixed(world, 20)
    assert len(texts) >= 20, "the attack needs messages that are accepted"

    for number, words in enumerate(texts[:10]):
        alone = ("ana@example.com", ONE_PERSON["one mailbox"][number]) if number < 3 else ()
        for email in (*alone, ONE_PERSON["one domain"][number]):
            world.solve(world.start(email, words))
    few = losses(before, fitted(world))
    assert max(few.values()) <= FEW, few

    for number, words in enumerate(texts):
        session_id = world.start(f"cliente{number}@correo.example", words)
        world.solve(session_id)
        world.crowd(session_id, 100 // len(texts))
    after = fitted(world)
    many = losses(before, after)
    assert max(many.values()) <= MANY, many
    assert {verdict(after, words) for words in VICTIMS} == {Verdict.ACCEPT}
    assert all(after.rank(words)[0].problem_id == "conexion_internet" for words in VICTIMS)
