"""The detector: every problem of a knowledge base, ready to be compared with a customer's text."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from functools import cached_property, lru_cache

import numpy as np

from guiado.detection.arrays import Floats, Rows, largest
from guiado.detection.classifier.calibration import USUAL_SHARE, Sureness, judge, shifted
from guiado.detection.classifier.fitted_model import FORMAT, FittedModel
from guiado.detection.classifier.scorer import Observation, Scorer
from guiado.detection.classifier.training import can_fit, fit_heads, profile
from guiado.detection.codes import CodeIndex, JudgedCodes
from guiado.detection.disputes import Disputes, weighed
from guiado.detection.lexical.ranker import LexicalIndex, build_lexical
from guiado.detection.lexical.spelling import Speller
from guiado.detection.not_this import Denial, denial_in_words, judge_denied
from guiado.detection.prepared.readings import NOTHING, Readings
from guiado.detection.problem import Candidate, Problem
from guiado.detection.roles.head import role_chances_apart
from guiado.detection.roles.role import ROLES
from guiado.detection.semantic.approximate_search import LargeDense, Vectors, dense_of
from guiado.detection.semantic.corpus_texts import Texts, texts_of
from guiado.detection.semantic.encoder import Encoder, has_meaning, shared_from
from guiado.detection.semantic.exact_search import Dense
from guiado.errors import EncoderUnavailable
from guiado.text.language import detect_language, language_of
from guiado.text.normalise import clean_part, meaningful_part
from guiado.text.tokenize import mail_of, one_line

FITTED_FROM = 0.75
"""Least trust of a text that words alone are fitted to: of an author or an agent."""


class Index:
    """A detector that is ready to rank texts. Immutable; safe between threads.

    Args:
        problems: with different ids, in alphabetical order.
        lexical: the lexical model of them.
        texts: what is known of them.
        encoder: turns a customer's text into a vector; None where the words alone decide.
        vectors: of `texts`; None where there is no encoder, or it could not be asked.
        model: what was fitted, for these problems or for an earlier state of them.
        share: of all queries, how many are about nothing known, as far as the operator knows; 0..1.
        previous: shares what it has in common.
        readings: of texts that were read before.
    """

    def __init__(
        self,
        problems: tuple[Problem, ...],
        lexical: LexicalIndex,
        texts: Texts,
        encoder: Encoder | None,
        vectors: Vectors | None,
        model: FittedModel | None = None,
        share: float = USUAL_SHARE,
        previous: Index | None = None,
        readings: Readings = NOTHING,
    ) -> None:
        self.problems, self.lexical, self.texts, self.encoder, self.vectors = problems, lexical, texts, encoder, vectors
        self.share = share
        mode = encoder.name if encoder and vectors is not None else ""
        self.model = model if model and model.encoder == mode and model.serves(texts.problem_ids) else None
        self._scorer = Scorer(
            texts.problem_ids,
            lexical,
            self._dense(previous),
            self.model.heads if self.model else None,
            shared_from(encoder),
        )
        self._role_shares: dict[str | None, Floats] = {}
        self._profile = self.model.profile_for(texts.problem_ids) if self.model else None
        self._speller: Speller = self._speller_after(previous)
        self._none = frozenset(each.problem_id for each in problems if each.is_none)
        self.disputes = Disputes(problems)
        self.codes = CodeIndex.of(problems, previous.codes if previous else None, readings)

    @property
    def version(self) -> str:
        """Version made of model, contents and fit, as in "hybrid-1:0123456789ab:01234567"; changes with them only."""
        kind = "lexical-2" if self.vectors is None else "hybrid-1"
        return ":".join((kind, self._digest[:12], self.model.version if self.model else "unfitted"))

    @cached_property
    def _digest(self) -> str:
        """Names texts, own codes, negative examples and what is disputed."""
        said = [
            (each.problem_id, each.codes, each.not_this, each.disputed, *(("none",) if each.is_none else ()))
            for each in self.problems
            if each.codes or each.not_this or each.disputed or each.is_none
        ]
        texts = self.lexical.contents.digest
        return hashlib.sha256(json.dumps([texts, said]).encode()).hexdigest() if said else texts

    @property
    def intercept(self) -> float:
        """Number that is added to the log-odds of each confidence."""
        return self.model.intercept if self.model else 0.0

    @cached_property
    def contents(self) -> str:
        """Name of the contents to be fitted: problems, texts, trust and encoder."""
        return contents_of(self.problems, self.encoder.name if self.encoder and self.vectors is not None else "")

    def __len__(self) -> int:
        return len(self.problems)

    def rank(self, text: str, limit: int = 3) -> tuple[Candidate, ...]:
        """Rank the problems that a text may be about.

        Args:
            text: what the customer wrote, of any length; its first 2,000 meaningful characters are read.
            limit: most candidates wanted.

        Returns:
            Candidates with a confidence over 0, best first, equal ones by id; the confidences add up to 1 at most, and what is
            left to 1 is the chance that it is none of them. Empty where nothing can be said.
        """
        losses = self.disputes.of(text)
        return weighed(self._rank(text, limit + len(losses)), losses)[:limit] if losses and limit > 0 else self._rank(text, limit)

    def _rank(self, text: str, limit: int) -> tuple[Candidate, ...]:
        mail = mail_of(text)
        part = one_line(mail.body)
        clean = self._read(part)
        if mail.automatic:  # a program has no problem of these
            return ()
        return self.judge_codes(part, clean, self._vector(clean) if clean else None, limit).candidates

    def judge_codes(self, part: str, clean: str, vector: Floats | None, limit: int) -> JudgedCodes:
        """The same of a meaningful part that was read before, with the codes that it names and no problem has.

        Args:
            part: as the customer wrote it, see `meaningful_part`.
            clean: as `read_part` gives it.
            vector: its meaning, of length 1; None where there is no encoder.
            limit: most candidates wanted.
        """

        def rank(text: str, most: int) -> tuple[Candidate, ...]:
            if text == part:
                return self._rank_words(part, clean, vector, most)
            read = self._read(text)
            return self._rank_words(text, read, self._vector(read) if read else None, most)

        return self.codes.judge(part, limit, rank)

    def _rank_words(self, part: str, clean: str, vector: Floats | None, limit: int) -> tuple[Candidate, ...]:
        if not clean or not len(self.texts) or limit < 1:
            return ()
        if self.vectors is None and self._profile is None:  # nothing was fitted for words alone: their own measure
            found = self.lexical.rank(part, limit + len(self._none))
            known = tuple(each for each in found if each.problem_id not in self._none)[:limit]
            return judge_denied(known, self._denials(part, None))
        foreign = vector is not None and self._is_foreign(clean)
        observed = self._scorer.observe(part, clean, vector, foreign=foreign)
        mode = self.encoder.name if self.encoder else ""
        sure = judge(observed, self._profile, len(self.texts), self.share, foreign=foreign, encoder=mode)
        return judge_denied(self._candidates(observed, sure, vector, limit), self._denials(part, vector))

    def observe(self, text: str, *, foreign: bool = False) -> Observation | None:
        """Return the signals of a text before they are judged; None for a text that cannot be ranked.

        Args:
            foreign: whether it is in a language that the knowledge base is not written in.
        """
        part = meaningful_part(text)
        clean = self._read(part)
        if not clean or not len(self.texts):
            return None
        return self._scorer.observe(part, clean, self._vector(clean), foreign=foreign)

    def with_model(self, model: FittedModel | None) -> Index:
        """Return an index with the same contents and another fitted model."""
        return Index(self.problems, self.lexical, self.texts, self.encoder, self.vectors, model, self.share, self)

    def with_vectors(self, encoder: Encoder, vectors: Vectors) -> Index:
        """Return an index with the same contents and vectors of `texts` that came later."""
        return Index(self.problems, self.lexical, self.texts, encoder, vectors, self.model, self.share, self)

    def fit(self, pause: Callable[[], None] = lambda: None, intercept: float = 0.0) -> FittedModel:
        """Fit classifiers and profile. Takes seconds to minutes.

        Args:
            pause: called now and then; may raise to end it.
            intercept: from judged answers, see `calibration.fit_intercept`.
        """
        texts, lexical = self._fitted_texts()
        heads = fit_heads(texts, self.vectors, pause) if can_fit(texts) else None
        own = profile(texts, self.vectors, lexical, pause, shared_from(self.encoder))
        mode = self.encoder.name if self.encoder and self.vectors is not None else ""
        return FittedModel(mode, heads, own, self.texts.problem_ids, intercept)

    def _fitted_texts(self) -> tuple[Texts, LexicalIndex]:
        """The texts that classifiers are fitted to.

        Without an encoder a few customers' mixed sentences would give each of their words to one problem: what customers
        taught is known, and not fitted to.
        """
        if self.vectors is not None or bool((self.texts.trust >= FITTED_FROM).all()):
            return self.texts, self.lexical
        trusted = tuple(
            replace(each, learned=tuple(one for one in each.learned if one.weight >= FITTED_FROM)) for each in self.problems
        )
        texts, _ = texts_of(trusted)
        return texts, build_lexical(trusted)

    def prepare(self) -> Index:
        """Compute all that the first query would have to wait for: with 50,000 problems that is seconds.

        Returns:
            Itself.
        """
        _ = self._spoken
        self._speller.prepare()
        if isinstance(self._scorer.dense, Dense):
            self._scorer.dense.prepare()
        return self

    def read(self, text: str) -> str:
        """Return a text as encoder and classifiers read it: the meaningful part, repaired; empty where there is none."""
        return self._read(meaningful_part(text))

    def read_part(self, part: str) -> str:
        """The same of a meaningful part."""
        return self._read(part)

    def vectors_of(self, cleans: Sequence[str]) -> Floats | None:
        """Encoder's vectors of texts, a row each; None where there is none, or it cannot be asked."""
        if self.encoder is None or self.vectors is None:
            return None
        try:
            return self.encoder.encode(cleans)
        except EncoderUnavailable:
            return None

    def role_shares(self, problem_id: str | None = None) -> Floats:
        """Shares of the roles among the known texts of a problem, in the order of `ROLES`.

        Args:
            problem_id: None for the whole knowledge base, of which a sample is read.
        """
        if problem_id not in self._role_shares:
            self._role_shares[problem_id] = self._read_roles(self._rows_of(problem_id))
        return self._role_shares[problem_id]

    def _rows_of(self, problem_id: str | None) -> Rows:
        own = ~self.texts.negative & ~self.texts.heading
        if problem_id is None and self._none:
            named = np.array([each in self._none for each in self.texts.problem_ids])
            own = own & ~named[self.texts.owners]
        if problem_id is not None:
            own = own & (self.texts.owners == self.texts.problem_ids.index(problem_id))
        rows = np.flatnonzero(own)
        return rows[:: max(1, len(rows) // _ROLES_SAMPLE)]

    def _read_roles(self, rows: Rows) -> Floats:
        if not len(rows):
            return np.zeros(len(ROLES), np.float32)
        spoken = [self.texts.spoken[int(row)] for row in rows]
        vectors = None if self.vectors is None else np.asarray(self.vectors[rows], np.float32)
        return role_chances_apart(spoken, vectors, self.encoder.name if self.encoder else "").mean(axis=0)

    def _read(self, part: str) -> str:
        clean = clean_part(part, self.texts.words.keys())
        return self._speller.repair(clean) if has_meaning(clean) else ""

    def _vector(self, clean: str) -> Floats | None:
        found = self.vectors_of([clean])
        return None if found is None else found[0]

    def _dense(self, previous: Index | None) -> Dense | LargeDense | None:
        if self.vectors is None:
            return None
        if previous and previous.texts is self.texts and previous.vectors is self.vectors:
            return previous._scorer.dense  # noqa: SLF001 its own kind
        return dense_of(self.texts, self.vectors)

    def _speller_after(self, previous: Index | None) -> Speller:
        before = previous._speller if previous else None  # noqa: SLF001 its own kind
        lexicon = None if self.vectors is not None else _no_lexicon
        if previous and before and previous.texts is self.texts and (previous.vectors is None) == (self.vectors is None):
            return before
        return Speller(self.texts.words, lexicon, before)

    def _is_foreign(self, text: str) -> bool:
        spoken = language_of(text)
        return spoken is not None and bool(self._spoken) and spoken not in self._spoken

    @cached_property
    def _spoken(self) -> frozenset[str]:
        return _languages(self.texts)

    def _candidates(self, observed: Observation, sure: Sureness, vector: Floats | None, limit: int) -> tuple[Candidate, ...]:
        first = shifted(sure.known * sure.right, self.intercept)
        shares = np.exp(observed.scores)
        best = observed.best
        others = max(float(shares.sum() - shares[best]), 1e-9)
        none = float(shares[self._none_places].sum() / shares.sum())
        shares *= max(0.0, min(sure.known, 1 - first) * (1 - sure.right)) / others
        np.minimum(shares, first, out=shares)
        shares[best] = first
        if not self.problems[best].is_none:
            # What is no problem may be likely by many of its subjects at once, and the best of none of them.
            shares *= 1 - none
        # Others may be as likely as the best one.
        others_first = (place for place in largest(shares, limit + len(self._none)) if place != best)
        places = [place for place in (best, *others_first) if self.texts.problem_ids[place] not in self._none]
        return tuple(
            self._candidate(observed, vector, place, float(shares[place])) for place in places[:limit] if shares[place] > 0
        )

    @cached_property
    def _none_places(self) -> Rows:
        return np.flatnonzero([each.is_none for each in self.problems])

    def _denials(self, part: str, vector: Floats | None) -> Callable[[str], Denial | None]:
        """Finds the nearest negative example of a problem for this text."""
        dense = self._scorer.dense

        def denial_of(problem_id: str) -> Denial | None:
            place = bisect_left(self.texts.problem_ids, problem_id)
            if not self.problems[place].not_this:
                return None
            if dense is None or vector is None:
                return denial_in_words(part, self.problems[place])
            return dense.denial(vector, place)

        return denial_of

    def _candidate(self, observed: Observation, vector: Floats | None, place: int, confidence: float) -> Candidate:
        problem_id = self.texts.problem_ids[place]
        dense = self._scorer.dense
        example = dense.nearest_text(vector, place) if dense and vector is not None else None
        return Candidate(problem_id, confidence, observed.found.evidence(place) if observed.found else (), example)


def _no_lexicon() -> None:
    """Return no lexicon: where words alone decide, the encoder's vocabulary is not worth its memory."""


def _languages(texts: Texts) -> frozenset[str]:
    """Return the languages that a knowledge base is written in; none where none is recognised."""
    step = max(1, len(texts) // _LANGUAGE_SAMPLE)
    found = Counter(filter(None, map(_sampled_language, texts.spoken[::step])))
    return frozenset(language for language, count in found.items() if count >= _LEAST_SHARE * found.total())


_ROLES_SAMPLE = 200
"""Known texts of which the roles are read."""
_LANGUAGE_SAMPLE = 300
_sampled_language = lru_cache(2 * _LANGUAGE_SAMPLE)(detect_language)  # an edit leaves most of the sample as it was
_LEAST_SHARE = 0.1


def contents_of(problems: Sequence[Problem], encoder: str) -> str:
    """Return the name of contents to be fitted, a hash of problems and encoder."""
    named = hashlib.sha256(f"{FORMAT} {encoder}".encode())
    for problem in problems:
        named.update(json.dumps(_fitted_of(problem)).encode())
    return named.hexdigest()[:32]


def _fitted_of(problem: Problem) -> tuple[object, ...]:
    """Name of a fit by all that it depends on; without negative examples it is the name that it always had."""
    of_all = (problem.problem_id, problem.texts, [astuple(e) for e in problem.learned])
    return (*of_all, problem.not_this) if problem.not_this else of_all
