"""Forward passes that compute logits only where they are needed.

With a vocabulary of 128,000 the logits of a whole prompt cost more than the model; only an answer's tokens (and,
for the tiny base, the history's scores) carry loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from .data import Example
from .losses import weighted_token_loss

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def logits_at(model: PreTrainedModel, selected: Tensor, **inputs: Any) -> Tensor:
    """Logits [selected tokens, vocabulary], float32, of the positions that `selected` [batch, length] marks.

    The output head sees the selected hidden states alone. Whatever a model does to its logits afterwards (scaling,
    soft caps) works on single tokens and so stays as the model has it.
    """
    head = cast(torch.nn.Module, model.get_output_embeddings())
    hook = head.register_forward_pre_hook(lambda _, arguments: (arguments[0][selected],))
    try:
        output = model(**inputs, use_cache=False)
    finally:
        hook.remove()
    return cast("Tensor", output.logits).float()


def supervised_loss(model: PreTrainedModel, examples: Sequence[Example], history_score_weight: float) -> Tensor:
    """Mean cross-entropy on answers and end tokens, plus the history's scores times their weight (method.md, 4).

    Padding stands on the right: causal attention never looks at it, so that no mask is needed.
    """
    length = max(len(example) for example in examples)
    ids = torch.zeros(len(examples), length, dtype=torch.long)
    weights = torch.zeros(len(examples), length)
    for row, example in enumerate(examples):
        start, end = len(example.prompt), len(example)
        ids[row, :end] = torch.tensor(example.prompt + example.answer)
        weights[row, start:end] = 1.0
        if history_score_weight > 0 and example.history_positions:
            weights[row, torch.tensor(example.history_positions)] = history_score_weight
    ids, weights = ids.to(model.device), weights.to(model.device)
    predicted, targets = weights[:, 1:], ids[:, 1:]  # the logits at t say what stands at t + 1
    selected = predicted > 0
    logits = logits_at(model, selected, input_ids=ids[:, :-1])
    return weighted_token_loss(logits, targets[selected], predicted[selected])
