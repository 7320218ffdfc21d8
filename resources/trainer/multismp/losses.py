"""The losses, as pure functions of log-probabilities (method.md, section 6; MultiSmpLLM, equations 7 and 12).

Notation: pi_w, pi_l are the policy's summed log-probabilities of the chosen and the rejected answer (end token
included), ref_w, ref_l the reference's; Delta_w = pi_w - ref_w, Delta_l = pi_l - ref_l. All tensors have the shape
[pairs] and are float32, all losses are means over pairs, in nats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PairLogps:
    """Summed log-probabilities of both answers of a batch of pairs, under policy and reference; each [pairs]."""

    policy_chosen: Tensor
    policy_rejected: Tensor
    reference_chosen: Tensor
    reference_rejected: Tensor

    @property
    def chosen_shift(self) -> Tensor:
        """Delta_w, [pairs]."""
        return self.policy_chosen - self.reference_chosen

    @property
    def rejected_shift(self) -> Tensor:
        """Delta_l, [pairs]."""
        return self.policy_rejected - self.reference_rejected

    @property
    def chosen_drop(self) -> Tensor:
        """max(0, -Delta_w): how far the chosen answer fell below the reference, [pairs]."""
        return functional.relu(-self.chosen_shift)


def dpo(logps: PairLogps, beta: float) -> Tensor:
    """-log sigmoid(beta * Delta_w - beta * Delta_l)  (7)."""
    margin = beta * logps.chosen_shift - beta * logps.rejected_shift
    return -functional.logsigmoid(margin).mean()


def dpop(logps: PairLogps, beta: float, fixed_lambda: float) -> Tensor:
    """-log sigmoid(beta * (Delta_w - Delta_l - lambda * max(0, -Delta_w))): the penalty inside the log-sigmoid.

    Smaug, arXiv 2402.13228, as corrected on 3 July 2024 (the penalty stands inside beta).
    """
    margin = beta * (logps.chosen_shift - logps.rejected_shift - fixed_lambda * logps.chosen_drop)
    return -functional.logsigmoid(margin).mean()


def dpop_outside(logps: PairLogps, beta: float, fixed_lambda: float) -> Tensor:
    """-log sigmoid(beta * Delta_w - beta * Delta_l) + lambda * max(0, -Delta_w): a fixed penalty outside."""
    return dpo(logps, beta) + (fixed_lambda * logps.chosen_drop).mean()


def idpop(logps: PairLogps, beta: float, mu: Tensor) -> Tensor:
    """-log sigmoid(beta * Delta_w - beta * Delta_l) + mu_j * max(0, -Delta_w)  (12).

    `mu` [pairs] is each pair's own penalty weight (13, 14); the exporting side computed it.
    """
    return dpo(logps, beta) + (mu * logps.chosen_drop).mean()


def preference_loss(name: str, beta: float, fixed_lambda: float) -> Callable[[PairLogps, Tensor], Tensor]:
    """The loss of that name as a function of log-probabilities and mu."""
    named: dict[str, Callable[[PairLogps, Tensor], Tensor]] = {
        "dpo": lambda logps, _: dpo(logps, beta),
        "dpop": lambda logps, _: dpop(logps, beta, fixed_lambda),
        "dpop-outside": lambda logps, _: dpop_outside(logps, beta, fixed_lambda),
        "idpop": lambda logps, mu: idpop(logps, beta, mu),
    }
    return named[name]


def weighted_token_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean cross-entropy over tokens: the supervised loss on answer and end token.

    `logits` [tokens, vocabulary], `targets` [tokens], `weights` [tokens]: 1 for an answer's token, the history weight
    for a token of an earlier score.
    """
    losses = functional.cross_entropy(logits.float(), targets, reduction="none")
    return (losses * weights).sum() / weights.sum()
