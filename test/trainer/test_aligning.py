"""`align`: every loss and control, the reference, and going on after a stop."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from conftest import align_order, events_of, invented_rows, pair_rows, phase, signal_at_call, steps_of, train_order, write_rows
from multismp import aligning
from multismp import validation as validating
from multismp.checkpoints import StopSignal
from multismp.config import AnswerRange, ModelReference, Validation
from multismp.data import read_instruction_rows
from multismp.decoding import PromptBatch
from multismp.losses import PairLogps
from multismp.prefix_sharing import shared_pair_logps
from multismp.schedule import set_linear_rate
from multismp.tuning import load_model, save_model
from multismp.validation import ValidationSet

Run = Callable[[Path, dict[str, Any]], int]
LORA = {"method": "lora", "lora_rank": 4}


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "pairs.jsonl", pair_rows(10, seed=1))


@pytest.fixture
def validation(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "validation.jsonl", invented_rows(4, seed=3))


@pytest.fixture
def sft_adapter(random_base: Path, tmp_path: Path, run_verb: Run) -> Path:
    """An adapter that has learned something, as SFT leaves it."""
    rows = write_rows(tmp_path / "sft.jsonl", invented_rows(8, seed=2))
    order = train_order(random_base, [phase("sft", rows, steps=10, learning_rate=2e-2)], None, tuning=LORA)
    assert run_verb(tmp_path / "sft", order) == 0
    return tmp_path / "sft" / "model"


@pytest.mark.parametrize("loss", ["dpo", "dpop", "dpop-outside", "idpop"])
def test_a_preference_loss_starts_at_log_2_and_widens_the_margin(
    random_base: Path, tmp_path: Path, pairs: Path, validation: Path, run_verb: Run, loss: str
) -> None:
    job = tmp_path / "job"
    assert run_verb(job, align_order(random_base, pairs, loss, validation, epochs=4)) == 0
    steps = events_of(job, "step")
    assert steps[0]["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert steps[0]["reward_chosen"] == steps[0]["reward_rejected"] == 0.0
    margins = [step["reward_chosen"] - step["reward_rejected"] for step in steps]
    assert sum(margins[-3:]) > 0.01
    assert [epoch["epoch"] for epoch in events_of(job, "epoch")] == [0, 1, 2, 3, 4]
    assert {pair["id"] for pair in events_of(job, "epoch")[0]["pairs"]} == {row["id"] for row in pair_rows(10, seed=1)}
    looks = events_of(job, "validation")
    assert [look["step"] for look in looks] == [0, 3, 6, 9, 12]
    assert not any(look["best"] for look in looks)


@pytest.mark.parametrize("control", ["sft-continued", "sft-chosen"])
def test_a_control_learns_its_own_answers(random_base: Path, tmp_path: Path, run_verb: Run, control: str) -> None:
    rows = pair_rows(4, seed=1)
    for row in rows:
        row |= {"label": "3.14", "chosen": "2.72", "rejected": "1.62"}
    data = write_rows(tmp_path / "pairs.jsonl", rows)
    job = tmp_path / "job"
    assert run_verb(job, align_order(random_base, data, control, epochs=100, learning_rate=2e-2)) == 0
    assert "reward_chosen" not in events_of(job, "step")[0]
    first, last = (events_of(job, "epoch")[at]["pairs"][0]["logps_chosen"] for at in (0, -1))
    loss = list(steps_of(job).values())[-1]
    assert loss < 0.2  # nats a token
    if control == "sft-chosen":
        assert last > first + 5
        assert last > -1
    else:
        assert last < -3  # "2.72" is not what it learned


def test_dpop_without_lambda_is_dpo(random_base: Path, tmp_path: Path, pairs: Path, run_verb: Run) -> None:
    nothing = {"beta": 0.1, "lambda": 0.0}
    for loss in ("dpo", "dpop", "dpop-outside"):
        assert run_verb(tmp_path / loss, align_order(random_base, pairs, loss) | {"loss": {"name": loss} | nothing}) == 0
    dpo, inside, outside = ([*steps_of(tmp_path / loss).values()] for loss in ("dpo", "dpop", "dpop-outside"))
    assert inside == pytest.approx(dpo, abs=1e-6)
    assert outside == pytest.approx(dpo, abs=1e-6)


def test_the_penalty_share_is_what_idpop_has_beyond_dpo(random_base: Path, tmp_path: Path, pairs: Path, run_verb: Run) -> None:
    job = tmp_path / "job"
    assert run_verb(job, align_order(random_base, pairs, "idpop", epochs=6, learning_rate=1e-2)) == 0
    shares = [step["penalty_share"] for step in events_of(job, "step")]
    assert shares[0] == pytest.approx(0.0, abs=1e-6)
    assert all(0 <= share < 1 for share in shares)
    assert max(shares) > 0


def test_the_reference_is_the_tuned_adapter_not_the_base(
    random_base: Path, tmp_path: Path, pairs: Path, sft_adapter: Path, run_verb: Run
) -> None:
    job = tmp_path / "job"
    order = align_order(random_base, pairs, "idpop", tuning=LORA)
    order["model"]["adapter"] = str(sft_adapter)
    assert run_verb(job, order) == 0
    assert steps_of(job)["idpop", 1] == pytest.approx(math.log(2), abs=1e-5)
    fresh = tmp_path / "fresh"
    assert run_verb(fresh, align_order(random_base, pairs, "idpop", tuning=LORA)) == 0
    tuned, untuned = (events_of(folder, "epoch")[0]["pairs"][0]["logps_chosen"] for folder in (job, fresh))
    assert abs(tuned - untuned) > 0.1
    before, after = (load_file(folder / "adapter_model.safetensors") for folder in (sft_adapter, job / "model"))
    assert before.keys() == after.keys()  # the same adapter went on
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_merging_first_gives_a_fresh_adapter_on_the_merged_model(
    random_base: Path, tmp_path: Path, pairs: Path, sft_adapter: Path, run_verb: Run
) -> None:
    job = tmp_path / "job"
    order = align_order(random_base, pairs, "idpop", tuning=LORA, merge_sft=True)
    order["model"]["adapter"] = str(sft_adapter)
    save_model(load_model(ModelReference(str(random_base), None)), job / "model-merged")  # left by other orders
    assert run_verb(job, order) == 0
    assert steps_of(job)["idpop", 1] == pytest.approx(math.log(2), abs=1e-5)
    assert json.loads((job / "model" / "adapter_config.json").read_text())["base_model_name_or_path"] == str(
        job / "model-merged"
    )
    ids = torch.tensor([[5, 6, 7]])
    merged = load_model(ModelReference(str(job / "model-merged"), None)).model(input_ids=ids).logits
    tuned = load_model(ModelReference(str(random_base), str(sft_adapter))).model(input_ids=ids).logits
    assert torch.allclose(merged, tuned, atol=1e-4)
    load_model(ModelReference(str(job / "model-merged"), str(job / "model")))


@pytest.mark.parametrize("loss", ["idpop", "sft-chosen"])
def test_a_stopped_run_goes_on_with_the_losses_it_would_have_had(
    random_base: Path, tmp_path: Path, pairs: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    order = align_order(random_base, pairs, loss, epochs=3)
    assert run_verb(tmp_path / "whole", order) == 0
    signal_at_call(monkeypatch, aligning, "set_linear_rate", 5)
    job = tmp_path / "stopped"
    assert run_verb(job, order) == 143
    assert run_verb(job, order) == 0
    assert events_of(job, "started")[1]["resumed_at"] == 5
    assert steps_of(job) == steps_of(tmp_path / "whole")
    whole, resumed = (load_file(folder / "model" / "model.safetensors") for folder in (tmp_path / "whole", job))
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_a_policy_that_is_not_its_reference_at_step_0_is_a_bug(
    random_base: Path, tmp_path: Path, pairs: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = aligning._Aligner._all_logps
    monkeypatch.setattr(
        aligning._Aligner, "_all_logps", lambda self, what: [(chosen + 0.01, rejected) for chosen, rejected in real(self, what)]
    )
    job = tmp_path / "job"
    assert run_verb(job, align_order(random_base, pairs, "dpo")) == 1
    assert not events_of(job, "step")


def test_a_model_that_ignores_masks_gets_its_prompts_twice(
    random_base: Path, tmp_path: Path, pairs: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        aligning, "shared_pair_logps", lambda model, batch: tuple(part + 0.5 for part in shared_pair_logps(model, batch))
    )
    job = tmp_path / "job"
    assert run_verb(job, align_order(random_base, pairs, "idpop")) == 0
    assert "computed twice" in events_of(job, "warning")[0]["message"]
    assert run_verb(tmp_path / "plain", align_order(random_base, pairs, "idpop")) == 0


def test_a_loss_that_is_no_number_stops_the_run(
    random_base: Path, tmp_path: Path, pairs: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log-probabilities become NaN in the third step: the figures that are none are left out, and the message says why."""
    real = aligning._Aligner._pair_logps
    counted: list[int] = []

    def logps_then_nan(self: Any, batch_index: int) -> PairLogps:
        counted.append(batch_index)
        found = real(self, batch_index)
        return dataclasses.replace(found, policy_chosen=found.policy_chosen * float("nan")) if len(counted) == 3 else found

    monkeypatch.setattr(aligning._Aligner, "_pair_logps", logps_then_nan)
    job = tmp_path / "job"
    assert run_verb(job, align_order(random_base, pairs, "idpop")) == 2
    assert "loss of step 3 is not a number" in events_of(job, "failed")[0]["message"]
    *_, before, last = events_of(job, "step")
    assert last["loss"] is None
    assert before.keys() - last.keys() == {"reward_chosen", "logps_chosen", "penalty_share"}
    assert not (job / "model").exists()


def test_a_model_that_gives_no_numbers_is_named_before_the_first_step(
    random_base: Path, tmp_path: Path, pairs: Path, validation: Path, run_verb: Run
) -> None:
    broken = load_model(ModelReference(str(random_base), None))
    with torch.no_grad():
        broken.model.get_output_embeddings().weight.fill_(float("nan"))
    save_model(broken, tmp_path / "broken")
    job = tmp_path / "job"
    assert run_verb(job, align_order(tmp_path / "broken", pairs, "idpop", validation)) == 2
    assert "log-probabilities (reference, batch 1) are not numbers" in events_of(job, "failed")[0]["message"]
    assert not events_of(job, "step")
    order = Validation(validation, AnswerRange(650, 849))
    look = ValidationSet(broken, order, read_instruction_rows(validation)).look(StopSignal())
    assert (look.valid_mass, look.entropy) == (0.0, 0.0)
    assert look.mae > 0  # every answer counts as the worst one


@pytest.mark.parametrize("stop_at", ["reference", "look 1", "epoch", "look 3", "last step of an epoch"])
def test_a_stop_outside_the_steps_keeps_them(
    random_base: Path,
    tmp_path: Path,
    pairs: Path,
    validation: Path,
    run_verb: Run,
    monkeypatch: pytest.MonkeyPatch,
    stop_at: str,
) -> None:
    """Of long work between steps nothing is finished first, and nothing is missing once the run has gone on."""
    monkeypatch.setattr(validating, "_PROMPTS_AT_ONCE", 2)  # two batches a look
    order = align_order(random_base, pairs, "idpop", validation)  # 3 steps an epoch
    assert run_verb(tmp_path / "whole", order) == 0
    seen: list[str] = []

    def signal_at(place: str) -> None:
        seen.append(place)
        if place == stop_at and seen.count(place) == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    real_logps = aligning._Aligner._logps

    def logps(self: Any, batch: Any) -> Any:
        signal_at("steps" if torch.is_grad_enabled() else "epoch" if self._reference else "reference")
        return real_logps(self, batch)

    def batch(*arguments: Any) -> Any:
        signal_at(f"look {seen.count('look') + 1}")
        seen.append("look")
        return PromptBatch(*arguments)

    def rate(optimizer: Any, peak: float, step: int, steps: int) -> float:
        signal_at("last step of an epoch" if step == 2 else "another step")
        return set_linear_rate(optimizer, peak, step, steps)

    monkeypatch.setattr(aligning._Aligner, "_logps", logps)
    monkeypatch.setattr(validating, "PromptBatch", batch)
    monkeypatch.setattr(aligning, "set_linear_rate", rate)
    job = tmp_path / "stopped"
    assert run_verb(job, order) == 143
    assert seen[-1] == ("steps" if stop_at == "last step of an epoch" else "look" if "look" in stop_at else stop_at)
    assert run_verb(job, order) == 0
    resumed_at = {"reference": None, "look 1": 0, "epoch": 3, "look 3": 3, "last step of an epoch": 3}[stop_at]
    assert events_of(job, "started")[1]["resumed_at"] == resumed_at
    assert steps_of(job) == steps_of(tmp_path / "whole")
    assert len(events_of(job, "step")) == 6  # none was done twice
    for kind, number in (("epoch", "epoch"), ("validation", "step")):
        whole, found = (
            {event[number]: {**event, "time": 0} for event in events_of(folder, kind)} for folder in (tmp_path / "whole", job)
        )
        assert found == whole
