"""Agreement of customers: their votes against detection count together or not at all, and no customer has two of them.

A voice is a mailbox, and a domain has no more voices than days on which it spoke: ten addresses that one person makes up in an
afternoon are one voice. Rejections take a bounded share of the confidence from the very words that were rejected; words near to
them keep all of it. Choices that several customers confirmed become examples.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from guiado.detection.classifier.scorer import SAME_COSINE
from guiado.domain.learning_signal import CustomerWord, Dispute, Taught, text_key
from guiado.errors import EncoderUnavailable
from guiado.text.fold import fold_accents
from guiado.text.normalise import clean_sentence

SEVERAL = 5
"""Voices that must agree."""
MOST_LOSS = 0.5
"""The share of a problem's confidence that customers' rejections take at most."""
_SAME_WORDS = 0.6  # of all the words of two texts, so many in both: they say nearly the same
_WORD = re.compile(r"\w+")
Encode = Callable[[Sequence[str]], NDArray[np.float32] | None]
"""Texts to rows of length 1; None where that is not possible now."""
_Near = NDArray[np.bool_]


def voices(words: Iterable[CustomerWord]) -> int:
    """How many customers speak, as far as their addresses tell."""
    mailboxes, days = defaultdict[str, set[str]](set), defaultdict[str, set[object]](set)
    for word in words:
        domain = word.mailbox.rpartition("@")[2]
        mailboxes[domain].add(word.mailbox)
        days[domain].add(word.day)
    return sum(min(len(boxes), len(days[domain])) for domain, boxes in mailboxes.items())


def agreed(words: Sequence[CustomerWord], encode: Encode) -> tuple[list[Taught], list[Dispute]]:
    """Taught examples that the agreeing votes of customers make.

    Args:
        words: see `store.learning.votes`.
        encode: asked only for the texts of problems on which enough customers speak.

    Returns:
        The choices that several confirmed, and the words that several rejected, each text once.
    """
    of_problem = defaultdict[str, list[CustomerWord]](list)
    for word in words:
        of_problem[word.taught.problem_id].append(word)
    examples, disputes = dict[tuple[str, str], Taught](), dict[tuple[str, str], Dispute]()
    for said in of_problem.values():
        if _may_agree(said):
            found, lost = _agreed_on(said, near(tuple(word.taught.text for word in said), encode))
            examples.update(((each.problem_id, text_key(each.text)), each) for each in found)
            disputes.update(((each.problem_id, each.text), each) for each in lost)
    return list(examples.values()), list(disputes.values())


def near(texts: Sequence[str], encode: Encode) -> _Near:
    """Pairs of texts that say nearly the same: by meaning, or by their words where there is no encoder."""
    try:
        vectors = encode([clean_sentence(text) for text in texts])
    except EncoderUnavailable:
        vectors = None
    shared = _shared_words(texts)
    return shared >= _SAME_WORDS if vectors is None else (vectors @ vectors.T >= SAME_COSINE) | (shared == 1)


def _shared_words(texts: Sequence[str]) -> NDArray[np.float32]:
    """For each two texts, how many of all their words are in both, 0..1."""
    bags = [frozenset[str](_WORD.findall(fold_accents(text))) for text in texts]
    numbers = {word: number for number, word in enumerate(sorted(frozenset[str]().union(*bags)))}
    has = np.zeros((len(texts), len(numbers)), np.float32)
    for row, bag in enumerate(bags):
        has[row, [numbers[word] for word in bag]] = 1
    both, sizes = has @ has.T, has.sum(axis=1)
    return both / np.maximum(sizes[:, None] + sizes - both, 1)


def _may_agree(said: Sequence[CustomerWord]) -> bool:
    votes = [word for word in said if word.is_vote]
    return any(voices(w for w in votes if w.taught.negative is negative) >= SEVERAL for negative in (False, True))


def _agreed_on(said: Sequence[CustomerWord], is_near: _Near) -> tuple[list[Taught], list[Dispute]]:
    """Taught examples that the agreeing votes on one problem make."""
    examples, disputes = list[Taught](), list[Dispute]()
    for place, word in enumerate(said):
        if not word.is_vote:
            continue
        around = [said[int(other)] for other in np.flatnonzero(is_near[place])]
        against = voices(w for w in around if w.taught.negative)
        for_it = voices(w for w in around if not w.taught.negative)
        if word.taught.negative and against >= SEVERAL:
            disputes.append(Dispute(word.taught.problem_id, word.taught.text, MOST_LOSS * against / (against + for_it)))
        elif not word.taught.negative and for_it >= SEVERAL and for_it > against:
            examples.append(word.taught)
    return examples, disputes
