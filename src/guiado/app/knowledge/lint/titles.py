"""Doubts about near titles of guides without customers' phrases: detection has nothing else to tell them apart by."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from guiado.app.knowledge.entry_reader import Findings
from guiado.detection.semantic.encoder import Encoder
from guiado.domain.guide import Guide
from guiado.errors import EncoderUnavailable
from guiado.text.json_shapes import items_in
from guiado.text.normalise import clean_sentence

_ALIKE = 0.85
"""Cosine of the vectors of two titles from which on they say nearly the same."""
_MOST_TITLES = 2_000
_CODE = re.compile(r"(?<!\w)[^\W\d]*+\d\w*+")


def doubt_near_titles(
    guides: Mapping[str, Guide], encoder: Encoder, twins: Collection[frozenset[str]], findings: Findings
) -> None:
    """Name guides without phrases whose title nearly says what another one says.

    Args:
        encoder: tells how near two titles are.
        twins: pairs of problems that were named already.
    """
    titled = [guide for guide in guides.values() if guide.problem_title][:_MOST_TITLES]
    try:
        pairs = list(_near([clean_sentence(guide.problem_title) for guide in titled], encoder))
    except EncoderUnavailable:
        return
    for one, other in pairs:
        bare = [guide for guide in (titled[one], titled[other]) if not _has_phrases(guide)]
        if bare and frozenset((titled[one].problem_id, titled[other].problem_id)) not in twins:
            guide = bare[-1]
            near = titled[one] if guide is titled[other] else titled[other]
            findings.of("near_titles").warn(
                f"$.{guide.problem_id}.problem_title",
                "«{title}» dice casi lo mismo que «{near}», de {other}, y no hay frases de clientes que las distingan. Únelas, o "
                "agrega common_issues a las dos.",
                title=guide.problem_title,
                near=near.problem_title,
                other=f"$.{near.problem_id}",
            )


def _near(titles: Sequence[str], encoder: Encoder) -> Iterator[tuple[int, int]]:
    """Places of titles that are near, each of them once; those that name different codes are not."""
    if len(titles) < 2:  # noqa: PLR2004 a pair
        return
    vectors = encoder.encode(titles)
    for place, vector in enumerate(vectors[1:], 1):
        cosines = vectors[:place] @ vector
        nearest = int(np.argmax(cosines))
        same_codes = set(_CODE.findall(titles[place])) == set(_CODE.findall(titles[nearest]))
        if cosines[nearest] >= _ALIKE and same_codes:
            yield nearest, place


def _has_phrases(guide: Guide) -> bool:
    return bool(guide.common_issues) or any(items_in(texts.get("common_issues")) for texts in guide.translations.values())
