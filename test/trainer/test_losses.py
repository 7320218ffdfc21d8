"""Every loss against arithmetic done by hand (method.md, section 6).

Pair 1: Delta_w = -1, Delta_l = -3; pair 2: Delta_w = 0.5, Delta_l = 1; beta = 0.1.
DPO's margins are 0.1 * (-1 + 3) = 0.2 and 0.1 * (0.5 - 1) = -0.05, so its losses are log(1 + e^-0.2) and log(1 + e^0.05).
Only the first chosen answer fell below the reference, by 1.
"""

from __future__ import annotations

import math

import pytest
import torch

from multismp.losses import PairLogps, dpo, dpop, dpop_outside, idpop, preference_loss, weighted_token_loss

LOGPS = PairLogps(
    policy_chosen=torch.tensor([-6.0, -4.5]),
    policy_rejected=torch.tensor([-10.0, -6.0]),
    reference_chosen=torch.tensor([-5.0, -5.0]),
    reference_rejected=torch.tensor([-7.0, -7.0]),
)
MU = torch.tensor([2.0, 50.0])


def softplus(value: float) -> float:
    return math.log(1 + math.exp(value))


def test_dpo() -> None:
    assert dpo(LOGPS, 0.1).item() == pytest.approx((softplus(-0.2) + softplus(0.05)) / 2)


def test_dpop_has_its_penalty_inside_the_sigmoid_and_inside_beta() -> None:
    # pair 1: 0.1 * (-1 + 3 - 3 * 1) = -0.1
    assert dpop(LOGPS, 0.1, 3.0).item() == pytest.approx((softplus(0.1) + softplus(0.05)) / 2)


def test_dpop_outside_adds_lambda_times_the_drop() -> None:
    assert dpop_outside(LOGPS, 0.1, 3.0).item() == pytest.approx((softplus(-0.2) + softplus(0.05)) / 2 + 3.0 * 1 / 2)


def test_idpop_weighs_each_pair_by_its_own_mu() -> None:
    # pair 2 rose, so that its mu of 50 costs nothing
    assert idpop(LOGPS, 0.1, MU).item() == pytest.approx((softplus(-0.2) + softplus(0.05)) / 2 + 2.0 * 1 / 2)


def test_a_penalty_of_zero_leaves_dpo() -> None:
    plain = dpo(LOGPS, 0.1).item()
    assert dpop(LOGPS, 0.1, 0.0).item() == pytest.approx(plain)
    assert dpop_outside(LOGPS, 0.1, 0.0).item() == pytest.approx(plain)
    assert idpop(LOGPS, 0.1, torch.zeros(2)).item() == pytest.approx(plain)


def test_a_loss_is_found_by_its_name() -> None:
    for name, value in (
        ("dpo", dpo(LOGPS, 0.1)),
        ("dpop", dpop(LOGPS, 0.1, 3.0)),
        ("dpop-outside", dpop_outside(LOGPS, 0.1, 3.0)),
        ("idpop", idpop(LOGPS, 0.1, MU)),
    ):
        assert preference_loss(name, 0.1, 3.0)(LOGPS, MU).item() == pytest.approx(value.item())


def test_every_loss_is_log_2_where_policy_and_reference_agree() -> None:
    same = PairLogps(LOGPS.reference_chosen, LOGPS.reference_rejected, LOGPS.reference_chosen, LOGPS.reference_rejected)
    for name in ("dpo", "dpop", "dpop-outside", "idpop"):
        assert preference_loss(name, 0.1, 3.0)(same, MU).item() == pytest.approx(math.log(2))


def test_the_penalty_pulls_the_chosen_answer_up() -> None:
    chosen = LOGPS.policy_chosen.clone().requires_grad_()
    logps = PairLogps(chosen, LOGPS.policy_rejected, LOGPS.reference_chosen, LOGPS.reference_rejected)
    (slope,) = torch.autograd.grad(idpop(logps, 0.1, MU), chosen)
    # pair 1: (-0.1 * (1 - sigmoid(0.2)) - 2) / 2; pair 2: -0.1 * (1 - sigmoid(-0.05)) / 2
    first = (-0.1 * (1 - 1 / (1 + math.exp(-0.2))) - 2) / 2
    second = -0.1 * (1 - 1 / (1 + math.exp(0.05))) / 2
    assert slope.tolist() == pytest.approx([first, second])


def test_weighted_token_loss() -> None:
    # two tokens of probability 1/2 and 1/4, weights 1 and 0.3
    logits = torch.tensor([[0.0, 0.0, -100.0], [math.log(3.0), 0.0, -100.0]])
    loss = weighted_token_loss(logits, torch.tensor([0, 1]), torch.tensor([1.0, 0.3]))
    assert loss.item() == pytest.approx((math.log(2) + 0.3 * math.log(4)) / 1.3)
