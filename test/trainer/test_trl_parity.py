"""The same batch at perturbed weights through TRL's DPOTrainer: equal loss, equal gradients, for every loss.

TRL has DPO alone. A penalty outside the log-sigmoid is added to its loss; one inside is a reference that lies higher by
the penalty, since TRL subtracts the reference from the policy. Either is made of TRL's own log-probabilities.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import Tensor
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer
from trl.trainer.utils import selective_log_softmax

from conftest import pair_rows
from multismp.config import ModelReference, Tuning
from multismp.losses import PairLogps, preference_loss
from multismp.prefix_sharing import PairExample, shared_pair_logps
from multismp.tuning import LoadedModel, load_model, prepare_to_learn

BETA = 0.1
LAMBDA = 0.7


def learning_gradients(model: torch.nn.Module) -> Tensor:
    parts = [
        parameter.grad.flatten() for parameter in model.parameters() if parameter.requires_grad and parameter.grad is not None
    ]
    return torch.cat(parts)


def trl_loss(
    name: str, loaded: LoadedModel, batch: list[PairExample], reference: tuple[Tensor, Tensor], folder: Path
) -> Tensor:
    """The loss of that name from TRL's own DPO loss and log-probabilities, on our tokens and reference."""
    examples = [
        {
            "prompt_ids": pair.prompt,
            "chosen_ids": pair.chosen,
            "rejected_ids": pair.rejected,
            "ref_chosen_logps": float(reference[0][at]),
            "ref_rejected_logps": float(reference[1][at]),
        }
        for at, pair in enumerate(batch)
    ]
    trainer = DPOTrainer(
        model=loaded.model,
        args=DPOConfig(
            str(folder),
            beta=BETA,
            use_cpu=True,
            bf16=False,
            report_to=[],
            precompute_ref_log_probs=True,
            gradient_checkpointing=False,
        ),
        train_dataset=Dataset.from_list([{"prompt": "a", "chosen": " b", "rejected": " c"}]),
        processing_class=loaded.tokenizer,
    )
    inputs: dict[str, Any] = DataCollatorForPreference(pad_token_id=0)(examples)
    # A pass of its own: the outputs that TRL hands back carry no gradient.
    logits = loaded.model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
    mask = inputs["completion_mask"][..., 1:]
    chosen, _ = (selective_log_softmax(logits[..., :-1, :], inputs["input_ids"][..., 1:]) * mask).sum(1).chunk(2)
    drop = torch.relu(reference[0] - chosen)
    if name == "dpop":
        inputs["ref_chosen_logps"] = inputs["ref_chosen_logps"] + LAMBDA * drop
    loss: Tensor = trainer._compute_loss(loaded.model, dict(inputs), True)[0]  # type: ignore[no-untyped-call]
    if name == "dpop-outside":
        loss = loss + (LAMBDA * drop).mean()
    if name == "idpop":
        loss = loss + (torch.tensor([pair.mu for pair in batch]) * drop).mean()
    return loss


@pytest.mark.parametrize("name", ["dpo", "dpop", "dpop-outside", "idpop"])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_loss_equals_trl_and_its_penalty(random_base: Path, tmp_path: Path, method: str, name: str) -> None:
    loaded = load_model(ModelReference(str(random_base), None))
    prepare_to_learn(loaded, Tuning(method, 4), seed=0)  # type: ignore[arg-type]
    encoder = loaded.encoder
    batch = [
        PairExample(
            row["id"], encoder.prompt(row["pieces"]), encoder.answer(row["chosen"]), encoder.answer(row["rejected"]), row["mu"]
        )
        for row in pair_rows(12, seed=4)
    ]
    with torch.no_grad():
        reference = shared_pair_logps(loaded.model, batch)
        random_numbers = torch.Generator().manual_seed(1)
        for parameter in loaded.model.parameters():
            if parameter.requires_grad:  # at the reference itself the hinge sits at its kink
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=random_numbers))
    logps = PairLogps(*shared_pair_logps(loaded.model, batch), *reference)
    mu = torch.tensor([pair.mu for pair in batch])
    assert ((logps.chosen_drop > 0.01) & (mu > 0)).sum() >= 2  # the penalty has something to do
    ours = preference_loss(name, BETA, LAMBDA)(logps, mu)
    ours.backward()
    our_gradients = learning_gradients(loaded.model)
    loaded.model.zero_grad()
    theirs = trl_loss(name, loaded, batch, reference, tmp_path)
    theirs.backward()
    assert abs(float(ours.detach()) - float(theirs.detach())) < 1e-5
    assert (our_gradients - learning_gradients(loaded.model)).abs().max() < 1e-5
    assert our_gradients.abs().max() > 1e-3
