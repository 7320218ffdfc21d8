"""Sharing the prompt of a pair, and computing few logits, change nothing but the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from conftest import pair_rows
from multismp.config import ModelReference, Tuning
from multismp.data import Example
from multismp.forward import logits_at, supervised_loss
from multismp.losses import PairLogps, idpop
from multismp.prefix_sharing import PairExample, plain_pair_logps, shared_pair_logps
from multismp.tuning import LoadedModel, load_model, prepare_to_learn

Way = Callable[[PreTrainedModel, Sequence[PairExample]], tuple[Tensor, Tensor]]


def pairs(loaded: LoadedModel, count: int = 8) -> list[PairExample]:
    encoder = loaded.encoder
    return [
        PairExample(
            row["id"],
            encoder.prompt(row["pieces"]),
            encoder.answer(row["chosen"]),
            # answers of different lengths: nothing may depend on their being equal
            encoder.answer(row["rejected"]) if at % 2 else [*encoder.answer(row["rejected"])[:-1], 5, 6, encoder.end_token],
            row["mu"],
        )
        for at, row in enumerate(pair_rows(count, seed=2))
    ]


def loss_and_gradient(loaded: LoadedModel, batch: Sequence[PairExample], way: Way) -> tuple[Tensor, Tensor]:
    chosen, rejected = way(loaded.model, batch)
    shift = torch.linspace(-0.4, 0.3, len(batch))  # a reference away from the policy, so that no hinge sits at its kink
    logps = PairLogps(chosen, rejected, chosen.detach() + shift, rejected.detach() - 0.1)
    loss = idpop(logps, 0.1, torch.tensor([pair.mu for pair in batch]))
    learning = [parameter for parameter in loaded.model.parameters() if parameter.requires_grad]
    return loss.detach(), torch.cat([part.flatten() for part in torch.autograd.grad(loss, learning)])


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_shared_way_equals_the_plain_way(random_base: Path, method: str) -> None:
    loaded = load_model(ModelReference(str(random_base), None))
    prepare_to_learn(loaded, Tuning(method, 4), seed=0)  # type: ignore[arg-type]
    for name, parameter in loaded.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)  # a fresh adapter's B is 0 and would hide A
    batch = pairs(loaded)
    for shared, plain in zip(shared_pair_logps(loaded.model, batch), plain_pair_logps(loaded.model, batch), strict=True):
        assert (shared - plain).abs().max() < 1e-5
    shared_loss, shared_gradient = loss_and_gradient(loaded, batch, shared_pair_logps)
    plain_loss, plain_gradient = loss_and_gradient(loaded, batch, plain_pair_logps)
    assert abs(shared_loss - plain_loss) < 1e-6
    assert (shared_gradient - plain_gradient).abs().max() < 1e-5 * max(1.0, float(plain_gradient.abs().max()))
    assert plain_gradient.abs().max() > 1e-3


def test_log_probabilities_are_sums_over_the_answer_and_its_end(learner: LoadedModel) -> None:
    (pair,) = pairs(learner, 1)
    row = torch.tensor([pair.prompt + pair.chosen])
    logps = learner.model(input_ids=row).logits.log_softmax(-1)[0].detach()
    start = len(pair.prompt)
    by_hand = sum(float(logps[start - 1 + at, token]) for at, token in enumerate(pair.chosen))
    assert shared_pair_logps(learner.model, [pair])[0].item() == pytest.approx(by_hand, abs=1e-5)


def test_one_batch_of_eight_equals_eight_batches_of_one(learner: LoadedModel) -> None:
    batch = pairs(learner)
    with torch.no_grad():
        chosen, rejected = shared_pair_logps(learner.model, batch)
    reference = PairLogps(chosen, rejected, chosen + torch.linspace(-0.4, 0.3, 8), rejected)

    def gradient(indices: Sequence[int]) -> Tensor:
        policy = shared_pair_logps(learner.model, [batch[at] for at in indices])
        logps = PairLogps(*policy, reference.reference_chosen[indices], reference.reference_rejected[indices])
        loss = idpop(logps, 0.1, torch.tensor([batch[at].mu for at in indices]))
        return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(learner.model.parameters()))])

    one_by_one = torch.stack([gradient([at]) for at in range(8)]).mean(0)
    assert (gradient(list(range(8))) - one_by_one).abs().max() < 1e-5


def test_selected_logits_equal_all_logits(learner: LoadedModel) -> None:
    ids = torch.randint(3, 200, (2, 9), generator=torch.Generator().manual_seed(0))
    selected = torch.zeros(2, 9, dtype=torch.bool)
    selected[0, 4] = selected[1, 2] = selected[1, 8] = True
    assert (
        logits_at(learner.model, selected, input_ids=ids) - learner.model(input_ids=ids).logits[selected]
    ).abs().max() < 1e-6


def test_the_supervised_loss_counts_answer_end_and_weighted_history(learner: LoadedModel) -> None:
    example = Example(prompt=[10, 11, 12, 13, 14], answer=[20, 21, 2], history_positions=[2, 3])
    longer = Example(prompt=[9] * 12, answer=[20, 2], history_positions=[])
    logps = learner.model(input_ids=torch.tensor([[10, 11, 12, 13, 14, 20, 21, 2]])).logits.log_softmax(-1)[0].detach()
    other = learner.model(input_ids=torch.tensor([[9] * 12 + [20, 2]])).logits.log_softmax(-1)[0].detach()
    answer = -sum(float(logps[at - 1, token]) for at, token in ((5, 20), (6, 21), (7, 2)))
    answer -= float(other[11, 20]) + float(other[12, 2])
    history = -float(logps[1, 12]) - float(logps[2, 13])
    weighted = supervised_loss(learner.model, [example, longer], 0.3).item()
    assert weighted == pytest.approx((answer + 0.3 * history) / (5 + 0.6), abs=1e-5)
    assert supervised_loss(learner.model, [example, longer], 0.0).item() == pytest.approx(answer / 5, abs=1e-5)
