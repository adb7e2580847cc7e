"""What `guiado kb lint` says of a knowledge base that detection has trouble with."""

from __future__ import annotations

import pytest
from seven_guides import SEVEN_GUIDES

from guiado.app.knowledge import lint as linting
from guiado.app.knowledge.lint import lint
from guiado.app.knowledge.sources.json_file import read_file
from guiado.cli.detection_setup import quick_index_of
from guiado.domain.guide import Guide, Step
from guiado.i18n import translate

WIFI = ("se me cae el wifi a cada rato", "no tengo internet en casa", "la red va muy lenta", "el router tiene una luz roja",
        "no carga ninguna página")  # fmt: skip
MONEY = ("me cobraron dos veces", "quiero un reembolso", "la factura está mal", "no reconozco un cargo en mi tarjeta",
         "el recibo no llegó")  # fmt: skip
SPOKEN = {"en": {"problem_title": "x"}}


def guide(problem_id: str, title: str, phrases: tuple[str, ...], **more: object) -> Guide:
    return Guide(problem_id, title, common_issues=phrases, **{"translations": {}, **more})


def said(*guides: Guide) -> dict[str, str]:
    """Path -> what is said of it, without what is said of the whole."""
    found = lint({g.problem_id: g for g in guides}, 0.33, 0.6).warnings
    assert all(". " in str(w.message) and str(w.message).endswith(".") for w in found), "no remedy"
    return {w.field: str(w.message) for w in found}


RED, COBRO = guide("red", "Sin internet", WIFI), guide("cobro", "Problema con un cobro", MONEY)


def test_the_knowledge_base_that_ships_leaves_hardly_a_doubt() -> None:
    guides = read_file(SEVEN_GUIDES).guides
    warnings = lint(guides, 0.33, 0.6, quick_index_of).warnings
    assert [w for w in warnings if "se parece más" not in str(w.message)] == []
    assert len(warnings) <= 6, "a few phrases of five alike problems are hard to place without themselves"


def test_a_sound_base_in_one_language_is_told_that_alone() -> None:
    assert list(said(RED, COBRO)) == ["$"]
    assert "translations" in said(RED, COBRO)["$"]
    spoken = [guide(g.problem_id, g.problem_title, g.common_issues, translations=SPOKEN) for g in (RED, COBRO)]
    assert said(spoken[0], COBRO).keys() == {"$.cobro.translations"}


def test_one_problem_alone_is_doubtful() -> None:
    found = lint({"red": guide("red", "Sin internet", WIFI, translations=SPOKEN)}, 0.33, 0.6).warnings
    assert [(w.field, "un solo problema" in str(w.message)) for w in found] == [("$", True)]


def test_it_says_how_many_phrases_are_missing() -> None:
    found = said(RED, guide("cobro", "Problema con un cobro", MONEY[:2]))
    assert "2" in found["$.cobro.common_issues"]
    assert "3 más" in found["$.cobro.common_issues"]


def test_the_same_phrase_in_two_guides_is_named_in_both_places() -> None:
    found = said(RED, guide("cobro", "Problema con un cobro", (*MONEY, "¡Se me CAE el WiFi a cada rato!")))
    assert "$.red.common_issues[0]" in found["$.cobro.common_issues[5]"]
    assert "La misma frase" in found["$.cobro.common_issues[5]"]


def test_nearly_the_same_phrase_is_named_too() -> None:
    found = said(RED, guide("cobro", "Problema con un cobro", (*MONEY, "se me cae mucho el wifi a cada rato")))
    assert "Casi la misma" in found["$.cobro.common_issues[5]"]


def test_twins_are_told_once_not_phrase_by_phrase() -> None:
    found = said(RED, COBRO, guide("red2", "Sin Internet", tuple(reversed(WIFI))))
    assert found.keys() == {"$", "$.red2"}
    assert "$.red" in found["$.red2"]


def test_a_phrase_without_words_and_one_with_personal_data_are_named() -> None:
    bad = guide("cobro", "Problema con un cobro", (*MONEY, "😀 ...", "cobraron a juan.perez@gmail.com"))
    found = said(RED, bad)
    assert "ninguna palabra" in found["$.cobro.common_issues[5]"]
    assert "personales" in found["$.cobro.common_issues[6]"]


def test_translations_are_read_by_their_own_path() -> None:
    texts = {"en": {"problem_title": "Billing", "common_issues": ["write to me at ana@example.com"]}}
    found = said(RED, guide("cobro", "Problema con un cobro", MONEY, translations=texts))
    assert "$.cobro.translations.en.common_issues[0]" in found


def test_a_phrase_that_belongs_elsewhere_is_named() -> None:
    lost = guide("cobro", "Problema con un cobro", ("en casa no tengo internet ni wifi, la red se cae a cada rato", *MONEY))
    assert "se parece más a la guía red" in said(RED, lost)["$.cobro.common_issues[0]"]


def test_phrases_are_not_tried_one_by_one_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linting, "MOST_TRIED", 5)
    lost = guide("cobro", "Problema con un cobro", ("en casa no tengo internet ni wifi, la red se cae a cada rato", *MONEY))
    assert said(RED, lost).keys() == {"$"}


def test_the_work_grows_with_the_number_of_phrases_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    original = linting._say_the_same

    def count(one, other) -> bool:
        nonlocal compared
        compared += 1
        return original(one, other)

    monkeypatch.setattr(linting, "_say_the_same", count)
    words = [f"{a}{b}{c}" for a in "bcdfglmprst" for b in "aeiou" for c in ("no", "ra", "le", "mi", "so", "du")]

    def base(size: int) -> int:
        nonlocal compared
        compared = 0
        guides = [
            guide(
                f"p{n}",
                f"Falla {words[n % 330]}",
                tuple(f"{words[(n * 7 + i) % 330]} {words[(n + i * 11) % 330]} no va ya" for i in range(5)),
            )
            for n in range(size)
        ]
        lint({g.problem_id: g for g in guides}, 0.33, 0.6)
        return compared

    assert base(2_000) < 3 * base(1_000)


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_a_problem_in_spanish_alone_is_told_in_every_language(language: str) -> None:
    shipped = read_file(SEVEN_GUIDES).guides
    own = guide("impresora", "La impresora no imprime", ("no imprime", "la impresora no saca la hoja"))
    found = lint({**shipped, "impresora": own}, 0.33, 0.6).warnings
    missing = [translate(w, language) for w in found if w.field == "$.impresora.translations"]
    assert len(missing) == 2
    assert all(each in " ".join(missing) for each in ("en", "pt"))


def test_a_time_that_is_not_the_sum_of_the_steps_is_doubted() -> None:
    steps = (Step(1, "Uno", minutes=5), Step(2, "Dos", minutes=7))
    timed = [
        guide("red", "Sin internet", WIFI, steps=steps, estimated_time=said) for said in ("10 minutos", "12 minutos", "un rato")
    ]
    doubted = ["$.red.estimated_time" in said(each, COBRO) for each in timed]
    assert doubted == [True, False, False]


@pytest.mark.parametrize(
    "text", ["Cl@ve", "no entro con cl@ve", "Error contraseña: router", "código 5100", "me sale el código 1402", "hola a tod@s"]
)
def test_what_only_looks_personal_is_no_doubt(text: str) -> None:
    found = said(RED, guide("cobro", text, (*MONEY, f"{text} al pagar")))
    assert [path for path, message in found.items() if "personales" in message] == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Reinicia el <b>router</b>", "HTML"),
        ("Espera 30&nbsp;segundos", "HTML"),
        ("Primero<br/>después", "HTML"),
        ("Reinicia el **router**", "Markdown"),
        ("Entra en [la página](https://example.com)", "Markdown"),
        ("Escribe `ipconfig`", "Markdown"),
        ("## Antes de empezar", "Markdown"),
        ("Abre {{product_name}}", "variable"),
        ("Abre {{ product_name | upper }}", "variable"),
        ("Abre ${producto}", "variable"),
        ("Abre {% if x %}ya", "variable"),
        ("Pulsa *Aceptar* y espera", "Markdown"),
        ("Pulsa _Aceptar_ y espera", "Markdown"),
    ],
)
def test_markup_that_readers_would_see_is_named_with_its_path(text: str, kind: str) -> None:
    steps = (Step(1, "Uno", instructions=("Mira.", text)), Step(2, "Dos", expected_result=text))
    texts = {"en": {"problem_title": text, "steps": [{"title": "One", "instructions": [text]}]}}
    found = said(RED, guide("cobro", f"Cobro {text}", MONEY, steps=steps, translations=texts))
    wanted = ("problem_title", "steps[0].instructions[1]", "steps[1].expected_result", "translations.en.steps[0].instructions[0]")
    if not text.startswith("#"):
        assert kind in found["$.cobro.problem_title"]
    assert {f"$.cobro.{path}" for path in wanted if kind in found.get(f"$.cobro.{path}", "")} >= {
        f"$.cobro.{path}" for path in wanted[1:]
    }


@pytest.mark.parametrize(
    "text",
    [
        "Pulsa Ctrl + Alt + Supr",
        "Elige 2 < 3 y 5 > 4",
        "Abre Ajustes > Red > Wi-Fi",
        "Escribe <tu-nombre> en la casilla",
        "Marca *#06# en el teléfono",
        "Pulsa el botón * dos veces",
        "Guarda el archivo mi_archivo_nuevo.txt",
        "Mira la opción {modo}",
        "Multiplica 2*3*4 y anota",
        "Abre el archivo _config_nuevo",
        "Sube un 100%, (s) o no",
        "Visita AT&T o H&M; después sigue",
    ],
)
def test_signs_that_are_no_markup_are_no_doubt(text: str) -> None:
    found = said(RED, guide("cobro", "Problema con un cobro", MONEY, steps=(Step(1, text, instructions=(text,)),)))
    assert found.keys() <= {"$", "$.cobro.estimated_time"}


def test_phrases_criteria_and_resources_are_shown_too() -> None:
    step = Step(1, "Uno", instructions=("Mira.",), resources=({"title": "**Ayuda**", "url": "https://example.com"},))
    more = {"steps": (step,), "escalation_criteria": ("Sigue <b>igual</b>",)}
    found = said(RED, guide("cobro", "Problema con un cobro", (*MONEY, "me cobraron **dos** veces ayer"), **more))
    assert "Markdown" in found["$.cobro.common_issues[5]"]
    assert "HTML" in found["$.cobro.escalation_criteria[0]"]
    assert "Markdown" in found["$.cobro.steps[0].resources[0].title"]


def test_tags_of_one_word_are_named_together_as_what_they_are() -> None:
    found = said(RED, guide("cobro", "Problema con un cobro", (*MONEY, "factura", "Reembolso")))
    assert "«factura», «Reembolso»" in found["$.cobro.common_issues"]
    assert "etiquetas" in found["$.cobro.common_issues"]


def test_near_titles_without_phrases_are_found_by_their_meaning() -> None:
    titles = {
        "a": "Wi‑Fi Keeps Disconnecting", "b": "WiFi Disconnects", "c": "Printer does not print", "d": "Update Error 0x80070002",
        "e": "Update Error 0x80070005",
    }  # fmt: skip
    guides = {key: guide(key, title, ()) for key, title in titles.items()}
    found = {w.field: str(w.message) for w in lint(guides, 0.33, 0.6, quick_index_of).warnings}
    assert found.keys() - {"$"} == {"$.b.problem_title"}
    assert "«WiFi Disconnects»" in found["$.b.problem_title"]
    assert "«Wi‑Fi Keeps Disconnecting», de $.a" in found["$.b.problem_title"]
    spoken = {**guides, **{key: guide(key, titles[key], (f"{titles[key]} all the time",)) for key in "ab"}}
    assert "$.b.problem_title" not in {w.field for w in lint(spoken, 0.33, 0.6, quick_index_of).warnings}


def test_a_phrase_on_which_a_person_always_takes_over_is_quoted() -> None:
    from guiado.domain.criteria import triggers_of

    own = {"escalation_criteria": [{"text": "Hay un fraude.", "phrases": ["me robaron la tarjeta"]}]}
    alarming = guide("cobro", "Problema con un cobro", (*MONEY, "me robaron la tarjeta"), triggers=triggers_of(own))
    assert "«me robaron la tarjeta»" in said(RED, alarming)["$.cobro.common_issues[5]"]
