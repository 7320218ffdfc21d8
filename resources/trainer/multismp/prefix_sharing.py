"""Log-probabilities of both answers of a pair, with the prompt computed once.

Prompts hold hundreds of tokens, answers four to six, and both answers share their prompt: one row holds prompt, chosen
and rejected answer; positions start again at the second answer, and a mask keeps it from seeing the first. That halves
the work and equals the plain way (test/trainer/test_prefix_sharing.py). Summed log-probabilities, end token included,
log-softmax in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .forward import logits_at

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class PairExample:
    """One prompt with two answers as tokens, each closed by its end token."""

    id: str
    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    mu: float

    def __len__(self) -> int:
        return len(self.prompt) + len(self.chosen) + len(self.rejected)


def shared_pair_logps(model: PreTrainedModel, pairs: Sequence[PairExample]) -> tuple[Tensor, Tensor]:
    """Log-probabilities of chosen and rejected answers, each [pairs], the prompt computed once per pair."""
    rows = [pair.prompt + pair.chosen[:-1] + pair.rejected[:-1] for pair in pairs]  # an end token predicts nothing
    length = max(map(len, rows))
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    positions = torch.zeros(len(rows), length, dtype=torch.long)
    selected = torch.zeros(len(rows), length, dtype=torch.bool)
    seen = torch.ones(length, length, dtype=torch.bool).tril().repeat(len(rows), 1, 1)
    gathered = _Gathered()
    for at, (pair, row) in enumerate(zip(pairs, rows, strict=True)):
        prompt_end = len(pair.prompt)
        chosen_end = prompt_end + len(pair.chosen) - 1
        ids[at, : len(row)] = torch.tensor(row)
        positions[at, :chosen_end] = torch.arange(chosen_end)
        positions[at, chosen_end : len(row)] = prompt_end + torch.arange(len(row) - chosen_end)
        seen[at, chosen_end:, prompt_end:chosen_end] = False
        selected[at, prompt_end - 1 : len(row)] = True
        prompt_logits = gathered.rows
        gathered.rows += len(row) - prompt_end + 1
        gathered.add([prompt_logits + token for token in range(len(pair.chosen))], pair.chosen)
        rejected_logits = prompt_logits + len(pair.chosen)
        gathered.add([prompt_logits, *range(rejected_logits, gathered.rows)], pair.rejected)
    device, dtype = model.device, model.dtype
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)
    logits = logits_at(
        model,
        selected.to(device),
        input_ids=ids.to(device),
        attention_mask=mask[:, None].to(device),
        position_ids=positions.to(device),
    )
    sums = gathered.sums(logits)
    return sums[0::2], sums[1::2]


def plain_pair_logps(model: PreTrainedModel, pairs: Sequence[PairExample]) -> tuple[Tensor, Tensor]:
    """The same with one row for each answer: for models that take no mask of their own."""
    rows = [(pair.prompt, answer) for pair in pairs for answer in (pair.chosen, pair.rejected)]
    length = max(len(prompt) + len(answer) for prompt, answer in rows) - 1
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    selected = torch.zeros(len(rows), length, dtype=torch.bool)
    gathered = _Gathered()
    for at, (prompt, answer) in enumerate(rows):
        row = prompt + answer[:-1]
        ids[at, : len(row)] = torch.tensor(row)
        selected[at, len(prompt) - 1 : len(row)] = True
        gathered.add(list(range(gathered.rows, gathered.rows + len(answer))), answer)
        gathered.rows += len(answer)
    sums = gathered.sums(logits_at(model, selected.to(model.device), input_ids=ids.to(model.device)))
    return sums[0::2], sums[1::2]


class _Gathered:
    """Which row of the selected logits predicts which token of which answer."""

    def __init__(self) -> None:
        self.rows = 0  # selected logits so far
        self._at: list[int] = []
        self._tokens: list[int] = []
        self._answers: list[int] = []
        self._count = 0

    def add(self, at: Sequence[int], answer: Sequence[int]) -> None:
        self._at += at
        self._tokens += answer
        self._answers += [self._count] * len(answer)
        self._count += 1

    def sums(self, logits: Tensor) -> Tensor:
        """[answers] from `logits` [selected tokens, vocabulary]."""
        device = logits.device
        logps = logits.log_softmax(-1)[torch.tensor(self._at, device=device), torch.tensor(self._tokens, device=device)]
        return torch.zeros(self._count, device=device).index_add(0, torch.tensor(self._answers, device=device), logps)
