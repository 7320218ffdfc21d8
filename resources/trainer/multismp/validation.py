"""Looks at held-out rows: mean absolute error of the exact median, valid mass and entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .config import Validation
from .data import InstructionRow, hundredths
from .decoding import AnswerTrie, PromptBatch

if TYPE_CHECKING:
    from .checkpoints import StopSignal
    from .tuning import LoadedModel

_PROMPTS_AT_ONCE = 16


@dataclass(frozen=True)
class Look:
    """What one look at the validation rows saw."""

    mae: float  # score units
    valid_mass: float  # mean share of probability on valid answers
    entropy: float  # mean, nats, of the renormalised distributions


class ValidationSet:
    """Validation rows as tokens, read again at each look."""

    def __init__(self, loaded: LoadedModel, order: Validation, rows: Sequence[InstructionRow]) -> None:
        self._loaded = loaded
        self._trie = AnswerTrie(loaded.encoder, order.range)
        prompts = [(loaded.encoder.prompt(row.pieces), hundredths(row.answer)) for row in rows]
        self._prompts = sorted(prompts, key=lambda prompt: len(prompt[0]))

    @classmethod
    def of(cls, loaded: LoadedModel, order: Validation | None, rows: Sequence[InstructionRow] | None) -> ValidationSet | None:
        """None where the orders name no validation rows."""
        return None if order is None or rows is None else cls(loaded, order, rows)

    @torch.no_grad()
    def look(self, stop: StopSignal) -> Look:
        """A prompt without any valid mass counts with the larger distance to the range's ends.

        Raises Terminated between two batches when `stop` is requested.
        """
        errors: list[int] = []
        masses: list[float] = []
        entropies: list[float] = []
        answers = self._trie.range
        for start in range(0, len(self._prompts), _PROMPTS_AT_ONCE):
            stop.check()
            part = self._prompts[start : start + _PROMPTS_AT_ONCE]
            batch = PromptBatch(self._loaded.model, self._loaded.encoder, [prompt for prompt, _ in part])
            for (_, truth), distribution in zip(part, batch.distributions(self._trie, quick=True), strict=True):
                median = distribution.quantile(0.5)
                worst = max(abs(truth - answers.smallest), abs(truth - answers.largest))
                errors.append(worst if median is None else abs(median - truth))
                masses.append(distribution.mass)
                entropies.append(distribution.entropy())
        count = len(errors)
        return Look(sum(errors) / count / 100, sum(masses) / count, sum(entropies) / count)
