"""What `guiado kb lint` says of a knowledge base that detection has trouble with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from seven_guides import SEVEN_GUIDES

from guiado.app.knowledge.entry_reader import Findings
from guiado.app.knowledge.lint import alike, base, lint, nearer
from guiado.app.knowledge.lint.nearer import doubt_taken
from guiado.app.knowledge.lint.phrases import Phrase, phrases_of
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


def kinds(*guides: Guide) -> set[str]:
    """Kinds of what is said of guides beside two sound ones."""
    return {w.code for w in lint({g.problem_id: g for g in (RED, *guides)}, 0.33, 0.6).warnings}


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
    monkeypatch.setattr(base, "MOST_TRIED", 5)
    lost = guide("cobro", "Problema con un cobro", ("en casa no tengo internet ni wifi, la red se cae a cada rato", *MONEY))
    assert said(RED, lost).keys() == {"$"}


def test_the_work_grows_with_the_number_of_phrases_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    original = alike._say_the_same

    def count(one, other) -> bool:
        nonlocal compared
        compared += 1
        return original(one, other)

    monkeypatch.setattr(alike, "_say_the_same", count)
    words = [f"{a}{b}{c}" for a in "bcdfglmprst" for b in "aeiou" for c in ("no", "ra", "le", "mi", "so", "du")]

    def phrase(n: int, i: int) -> Phrase:
        said = (words[(n * 7 + i) % 330], words[(n + i * 11) % 330], "no", "va", "ya")
        return Phrase(f"p{n}", f"$.p{n}.common_issues[{i}]", " ".join(said), is_customers=True)

    def work(size: int) -> int:
        nonlocal compared
        compared = 0
        guides = {f"p{n}": guide(f"p{n}", f"Falla {words[n % 330]}", ()) for n in range(size)}
        alike.doubt_alike([phrase(n, i) for n in range(size) for i in range(5)], guides, Findings())
        return compared

    assert work(2_000) < 3 * work(1_000)


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
    steps = (Step(1, text, instructions=(text,)),)
    assert not kinds(guide("cobro", "Problema con un cobro", MONEY, steps=steps)) & {"html", "markdown", "variable"}


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


STEP = Step(1, "Apaga el router", instructions=("Apágalo.",), expected_result="La luz se apaga.", minutes=2)


def doubts(*, kind: str, steps: tuple[Step, ...] = (STEP,), **more: object) -> list[str]:
    """What is said, of one kind, of a guide with these steps."""
    numbered = tuple(replace(step, step_number=place) for place, step in enumerate(steps, 1))
    fields = {"steps": numbered, **more}
    fields["kind"] = fields.pop("kind_of_guide", "guide")
    one = guide("cobro", "Problema con un cobro", MONEY, **fields)
    return [str(w) for w in lint({"red": RED, "cobro": one}, 0.33, 0.6).warnings if w.code == kind]


def asked(*instructions: str, language: str = "", **more: object) -> dict[str, object]:
    """A guide's fields with one step of these instructions, in the main language or in a translation."""
    if not language:
        return {"steps": (replace(STEP, instructions=instructions, **more),)}
    step = {"title": "x", "instructions": list(instructions), "expected_result": "x", **more}
    return {"translations": {language: {"problem_title": "x", "steps": [step]}}}


HARD = (
    "La parametrización administrativa imprescindible condiciona considerablemente la interoperabilidad.",
    "Consecuentemente, recomendamos encarecidamente la verificación exhaustiva de las configuraciones correspondientes.",
    "Posteriormente, proceda inmediatamente al restablecimiento de las funcionalidades anteriormente deshabilitadas.",
)
EASY = (
    "Mira la luz de la caja.",
    "Si es roja, espera un rato.",
    "Luego abre la tapa.",
    "Saca el cable gris.",
    "Mete el cable.",
) * 4
HARD_ENGLISH = ("Subsequent administrative parametrisation considerably facilitates comprehensive interoperability.",) * 10
HARD_PORTUGUESE = ("A parametrização administrativa imprescindível condiciona consideravelmente a interoperabilidade.",) * 10


@pytest.mark.parametrize(
    ("fields", "is_hard"),
    [
        (asked(*HARD, *HARD), True), (asked(*EASY), False), (asked(*HARD_ENGLISH, language="en"), True),
        (asked(*HARD_PORTUGUESE, language="pt"), True), (asked(*["Open the grey box and look at the light."] * 10, language="en"), False),
    ],
)  # fmt: skip
def test_steps_that_are_hard_to_read_are_named_with_their_hardest_text(fields, is_hard: bool) -> None:
    found = doubts(kind="readability", **fields)
    assert len(found) == is_hard
    assert not is_hard or "«" in found[0]


def test_a_sentence_of_more_than_25_words_is_quoted_but_not_a_customers() -> None:
    long = "Mira " + "la luz de la caja " * 6
    assert "«Mira la luz" in doubts(kind="long_sentence", **asked(long))[0]
    assert doubts(kind="long_sentence", **asked("Mira la luz de la caja. " * 6)) == []
    phrases = guide("cobro", "Problema con un cobro", (*MONEY, long))
    assert "long_sentence" not in kinds(phrases)


@pytest.mark.parametrize(
    ("text", "language", "actions"),
    [
        ("Abre Ajustes y toca Wi-Fi.", "", "abre, toca"),
        ("Desenchufa el router, espera 30 segundos, quita la tapa y enchufa el cable.", "", "desenchufa, quita, enchufa"),
        ("Si no puedes, entra en la página y escribe tu correo.", "", "entra, escribe"),
        ("Guarda el archivo, luego cierra el programa.", "", "guarda, cierra"),
        ("Escribe la clave nueva, después guárdala y reinicia el equipo.", "", "escribe, reinicia"),
        ("Open Settings and tap Wi-Fi.", "en", "open, tap"),
        ("Sign in with your account, then choose the plan.", "en", "sign, choose"),
        ("Abra os ajustes e toque em Wi-Fi.", "pt", "abra, toque"),
    ],
)
def test_an_instruction_with_several_actions_is_named(text: str, language: str, actions: str) -> None:
    assert doubts(kind="several_actions", **asked(text, language=language))[0].endswith(
        f"{actions}. Escribe una instrucción para cada una."
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Abre Ajustes. Toca Wi-Fi.", ""), ("Apaga y enciende el router.", ""), ("Mantén pulsado el botón y suelta.", ""),
        ("Cierra el navegador y ábrelo de nuevo.", ""), ("Abre la aplicación y mira si funciona.", ""),
        ("Abre la aplicación y prueba otra vez.", ""), ("Toca «Copia y pega».", ""), ("Anota la fecha y la marca.", ""),
        ("Mira si el equipo se apaga y enciende solo.", ""), ("Ten a mano el recibo y prueba de pago.", ""),
        ("Elige la red que parpadea y cambia de color.", ""), ("Turn it off and wait.", "en"), ("Close the app and open it again.", "en"),
        ("Check the date and time.", "en"), ("Choose the search and call buttons.", "en"), ("Veja se a luz apaga e liga.", "pt"),
        ("Escolha a rede e espere.", "pt"),
    ],
)  # fmt: skip
def test_an_instruction_with_one_action_is_no_doubt(text: str, language: str) -> None:
    assert doubts(kind="several_actions", **asked(text, language=language)) == []


def test_a_step_without_a_result_is_named() -> None:
    assert "«Apaga el router»" in doubts(kind="missing_result", steps=(replace(STEP, expected_result=""),))[0]
    said = {"mac": {"expected_result": "Se ve."}}
    for step in (STEP, replace(STEP, expected_result="", variants=said)):
        assert doubts(kind="missing_result", steps=(step,)) == []
    assert doubts(kind="missing_result", steps=(replace(STEP, expected_result=""),), kind_of_guide="person") == []


@pytest.mark.parametrize(
    ("text", "language", "verb"),
    [
        ("Borra los mensajes viejos.", "", "borra"), ("Toca el menú para eliminar la cuenta.", "", "eliminar"),
        ("Formatea la memoria.", "", "formatea"), ("Restablece el teléfono.", "", "restablece"),
        ("Restaura el equipo a un punto anterior.", "", "restaura"), ("Desinstálala.", "", "desinstálala"),
        ("Reinstala el programa.", "", "reinstala"), ("Vacía la papelera.", "", "vacía"), ("Cancela el plan.", "", "cancela"),
        ("Uninstall the app.", "en", "uninstall"), ("Erase the disk.", "en", "erase"), ("Exclua o perfil.", "pt", "exclua"),
        ("Desinstale o programa.", "pt", "desinstale"),
    ],
)  # fmt: skip
def test_a_dangerous_verb_without_a_warning_is_quoted(text: str, language: str, verb: str) -> None:
    assert f"con «{verb}»" in doubts(kind="missing_warning", **asked("Mira.", text, language=language))[0]
    assert doubts(kind="missing_warning", **asked("Mira.", text, language=language, warnings=("Se pierden datos.",))) == []


@pytest.mark.parametrize(
    "text",
    [
        "Borra la caché del navegador.", "No borres nada.", "Cancela la descarga.", "Restaura la ventana.", "Toca «Cancelar».",
        "Pide restablecer tu contraseña.", "Prueba sin desinstalar la app.", "Elimina los espacios del final.", "Formato de la hoja.",
    ],
)  # fmt: skip
def test_a_harmless_use_of_such_a_verb_is_no_doubt(text: str) -> None:
    assert doubts(kind="missing_warning", **asked(text)) == []


def test_what_nobody_can_undo_is_marked_as_irreversible() -> None:
    for text in (
        "Formatea el disco.",
        "Vacía la papelera.",
        "Restablece el equipo a sus valores de fábrica.",
        "Borra tu cuenta.",
    ):
        assert f"«{text}»" in doubts(kind="missing_irreversible", **asked(text))[0]
        assert doubts(kind="missing_irreversible", **asked(text, irreversible=True)) == []
    assert doubts(kind="missing_irreversible", **asked("Borra la foto.", "Restablece la red.")) == []
    assert len(doubts(kind="missing_irreversible", **asked("Erase all content.", language="en"))) == 1


def test_a_reference_that_leads_nowhere_is_named() -> None:
    for text in ("Vuelve al paso 7.", "Mira la guía no_existe.", "Mira red_movil.", "Mira media:abc123."):
        others = {"red_movil": guide("red_movil", "Sin señal", ()), "red": RED}
        one = guide("cobro", "Problema con un cobro", MONEY, steps=(replace(STEP, instructions=(text,)),))
        found = [w for w in lint({**others, "cobro": one}, 0.33, 0.6).warnings if w.code == "dead_reference"]
        assert [w.field for w in found] == ["$.cobro.steps[0].instructions[0]"], text
    for text in ("Abre el archivo mi_archivo.txt.", "Sigue el paso a paso.", "Escribe tu_nombre.", "Da 3 pasos."):
        assert doubts(kind="dead_reference", **asked(text)) == []


def test_a_step_that_is_named_by_its_number_is_named_by_its_title() -> None:
    assert "«Apaga el router»" in doubts(kind="step_number", **asked("Si falla, repite el paso 1."))[0]


def translated(**more: object) -> dict[str, object]:
    step = {"title": "Turn off the router", "instructions": ["Turn it off."], "expected_result": "The light goes out.", **more}
    return {"en": {"problem_title": "Billing", "estimated_time": "2 minutes", "steps": [step]}}


def test_texts_that_are_missing_in_a_translation_are_named_with_the_spanish_one() -> None:
    assert doubts(kind="missing_translation", translations=translated()) == []
    assert "«La luz se apaga.»" in doubts(kind="missing_translation", translations=translated(expected_result=""))[0]
    assert "instructions[0]" in doubts(kind="missing_translation", translations=translated(instructions=[]))[0]
    assert "Los pasos" in doubts(kind="missing_translation", translations={"en": {"problem_title": "Billing"}})[0]
    warned = (replace(STEP, warnings=("Se pierde todo.",)),)
    assert "warnings[0]" in doubts(kind="missing_translation", steps=warned, translations=translated())[0]


def test_a_text_that_was_left_in_spanish_is_named() -> None:
    assert doubts(kind="same_text", translations=translated()) == []
    assert "«Apaga el router»" in doubts(kind="same_text", translations=translated(title="Apaga el router"))[0]
    english = {"mac": {"instructions": ["Open it."]}}
    steps = (replace(STEP, variants={"mac": {"instructions": ["Abre el menú de la manzana."]}}),)
    fields = {"steps": steps, "variants": {"mac": ""}}
    assert doubts(kind="same_text", translations=translated(variants=english), **fields) == []
    left = translated(variants=dict(steps[0].variants))
    assert "variants.mac.instructions[0]" in doubts(kind="same_text", translations=left, **fields)[0]


def test_variants_that_no_step_uses_and_steps_that_leave_some_out_are_named() -> None:
    ways = {"windows": {"instructions": ["Abre Inicio."]}}
    both = {"windows": "", "mac": ""}
    assert "la variante mac" in doubts(kind="variants", steps=(replace(STEP, variants=ways),), variants=both)[0]
    bare = (replace(STEP, instructions=(), variants=ways), replace(STEP, variants={"mac": {"instructions": ["Abre."]}}))
    assert "a quien tiene mac" in doubts(kind="variants", steps=bare, variants=both)[0]
    whole = (replace(STEP, instructions=(), variants={**ways, "mac": {"instructions": ["Abre."]}}),)
    assert doubts(kind="variants", steps=whole, variants=both) == []


def test_minutes_that_are_missing_and_chances_that_leave_nothing_are_named() -> None:
    assert "pasos" in doubts(kind="missing_minutes", steps=(STEP, replace(STEP, minutes=None)))[0]
    assert doubts(kind="missing_minutes") == []
    assert "suman 1.1" in doubts(kind="chances", steps=(replace(STEP, chance=0.5), replace(STEP, chance=0.6)))[0]
    assert doubts(kind="chances", steps=(replace(STEP, chance=0.5), replace(STEP, chance=0.4))) == []
    assert len(doubts(kind="chances", steps=(replace(STEP, chance=0.5, preparation=True),))) == 1


def test_guides_that_overlap_are_told_once_not_phrase_by_phrase() -> None:
    guides = {"red": RED, "cobro": guide("cobro", "Problema con un cobro", (*MONEY, *(f"sin wifi {n}" for n in range(4))))}
    phrases = [phrase for each in guides.values() for phrase in phrases_of(each)]
    taken = [(phrase, "red") for phrase in phrases if phrase.text.startswith("sin wifi")]
    for count, kind in ((4, "overlap"), (1, "nearer_to_another")):
        findings = Findings()
        doubt_taken(taken[:count], phrases, guides, set(), findings)
        assert [w.code for w in findings.warnings] == [kind]
        assert "«sin wifi 0»" in str(findings.warnings[0])


def test_a_phrase_that_belongs_elsewhere_is_found_in_a_large_base_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearer, "_MOST_DETECTED", 0)
    lost = guide("cobro", "Problema con un cobro", ("no tengo internet ni wifi en casa", *MONEY))
    found = {w.field for w in lint({"red": RED, "cobro": lost}, 0.33, 0.6, quick_index_of).warnings}
    assert "$.cobro.common_issues[0]" in found
    assert {path for path in found if path.startswith("$.cobro.common")} == {"$.cobro.common_issues[0]"}
