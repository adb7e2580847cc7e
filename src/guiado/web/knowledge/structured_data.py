"""Structured data of the knowledge-base pages, as search engines read it: `HowTo` of a problem, `FAQPage` of the list.

Source: https://schema.org/HowTo, https://schema.org/FAQPage (read 2026-11-29).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guiado.domain.guide import Guide, Step

JsonLd = dict[str, object]
_CONTEXT = "https://schema.org"


def how_to(guide: Guide, address: str, language: str, images: Sequence[Sequence[str]] = ()) -> JsonLd:
    """The steps of a problem.

    Args:
        guide: in the language of the page.
        address: whole one of the page.
        language: that the guide's texts are in.
        images: whole addresses of the pictures of each step.
    """
    minutes = [step.minutes for step in guide.steps]
    known = [each for each in minutes if each is not None]
    is_timed = bool(known) and len(known) == len(minutes)
    return {
        "@context": _CONTEXT,
        "@type": "HowTo",
        "name": guide.problem_title,
        **_given(description=guide.problem_description),
        "inLanguage": language,
        "url": address,
        **({"totalTime": f"PT{max(1, round(sum(known)))}M"} if is_timed else {}),
        **_given(tool=[{"@type": "HowToTool", "name": each} for each in guide.prerequisites]),
        "step": [
            {**_step(step, place, address), **_given(image=list(images[place - 1]) if images else [])}
            for place, step in enumerate(guide.steps, 1)
        ],
    }


def _step(step: Step, place: int, address: str) -> JsonLd:
    tips = [{"@type": "HowToTip", "text": each} for each in step.warnings]
    # What is done is never missing: a step without instructions says it in its description, or in its title.
    to_do = step.instructions or (step.description or step.title,)
    return {
        "@type": "HowToStep",
        "position": place,
        "name": step.title,
        "url": f"{address}#paso-{place}",
        "itemListElement": [*tips, *({"@type": "HowToDirection", "text": each} for each in to_do)],
    }


def questions(entries: Iterable[tuple[str, str]], address: str, language: str) -> JsonLd:
    """The problems of the list with what the list says of each.

    Args:
        entries: title and text of each.
        address: whole one of the list.
        language: of the list.
    """
    return {
        "@context": _CONTEXT,
        "@type": "FAQPage",
        "inLanguage": language,
        "url": address,
        "mainEntity": [
            {"@type": "Question", "name": title, "acceptedAnswer": {"@type": "Answer", "text": text}} for title, text in entries
        ],
    }


def _given(**values: object) -> JsonLd:
    return {name: value for name, value in values.items() if value}
