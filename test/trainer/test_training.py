"""`train`: the best state goes on, a killed run goes on, a finished one is not repeated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from conftest import BASE, ROOT, events_of, invented_rows, phase, signal_at_call, steps_of, train_order, write_rows
from multismp import training
from multismp import validation as validating
from multismp.checkpoints import StopSignal
from multismp.config import ModelReference
from multismp.failures import Terminated
from multismp.forward import supervised_loss
from multismp.tuning import load_model

Run = Callable[[Path, dict[str, Any]], int]


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Path]:
    return {
        "pool": write_rows(tmp_path / "pool.jsonl", invented_rows(12, seed=1)),
        "sft": write_rows(tmp_path / "sft.jsonl", invented_rows(8, seed=2)),
        "validation": write_rows(tmp_path / "validation.jsonl", invented_rows(4, seed=3)),
    }


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
    return found


def test_training_learns_and_its_model_loads_with_stock_transformers(
    random_base: Path, tmp_path: Path, data: dict[str, Path], run_verb: Run
) -> None:
    job = tmp_path / "job"
    order = train_order(random_base, [phase("sft", data["sft"], steps=60, learning_rate=1e-2, validate_every=60)], None)
    assert run_verb(job, order) == 0
    losses = list(steps_of(job).values())
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    model = AutoModelForCausalLM.from_pretrained(job / "model")
    assert len(AutoTokenizer.from_pretrained(job / "model")) == model.config.vocab_size
    assert events_of(job, "saved") == [{**events_of(job, "saved")[0], "path": "model", "chosen": "sft 60"}]
    assert events_of(job, "started")[0]["trainable"] == sum(parameter.numel() for parameter in model.parameters())


def test_a_phase_that_hurts_is_not_chosen(tmp_path: Path, data: dict[str, Path], run_verb: Run) -> None:
    """The base reads histories well; a learning rate that wrecks it must leave the base as it is, for the next phase too."""
    job = tmp_path / "job"
    pool = phase("pool", data["pool"], steps=4, learning_rate=0.5)
    sft = phase("sft", data["sft"], steps=2, learning_rate=0.5)
    assert run_verb(job, train_order(BASE, [pool, sft], data["validation"])) == 0
    looks = [(event["phase"], event["step"], event["best"]) for event in events_of(job, "validation")]
    assert looks == [("pool", 0, True), ("pool", 2, False), ("pool", 4, False), ("sft", 2, False)]
    assert events_of(job, "saved")[0]["chosen"] == "base"
    base = weights(BASE)
    assert all(torch.equal(value, base[name]) for name, value in weights(job / "model").items())


def test_the_next_phase_starts_from_the_best_state(tmp_path: Path, data: dict[str, Path], run_verb: Run) -> None:
    """After a pool phase that hurt, the first step of sft has the loss it has without that phase."""
    sft = phase("sft", data["sft"], steps=1, batch_size=8, validate_every=1)
    bad_pool = phase("pool", data["pool"], steps=2, learning_rate=0.5)
    assert run_verb(tmp_path / "with", train_order(BASE, [bad_pool, sft], data["validation"])) == 0
    assert run_verb(tmp_path / "without", train_order(BASE, [sft], data["validation"])) == 0
    assert steps_of(tmp_path / "with")["sft", 1] == pytest.approx(steps_of(tmp_path / "without")["sft", 1], abs=1e-6)


def test_the_best_look_is_what_is_saved(tmp_path: Path, data: dict[str, Path], run_verb: Run) -> None:
    job = tmp_path / "job"
    sft = phase("sft", data["validation"], steps=12, learning_rate=5e-3, validate_every=4)  # learns its own validation rows
    assert run_verb(job, train_order(BASE, [sft], data["validation"])) == 0
    looks = events_of(job, "validation")
    best = min(looks, key=lambda look: look["mae"])
    assert best["step"] > 0
    assert events_of(job, "saved")[0]["chosen"] == f"sft {best['step']}"


def test_lora_saves_an_adapter_that_stock_peft_puts_on_its_base(
    random_base: Path, tmp_path: Path, data: dict[str, Path], run_verb: Run
) -> None:
    from peft import PeftModel

    job = tmp_path / "job"
    order = train_order(random_base, [phase("sft", data["sft"], learning_rate=1e-2)], None)
    order["tuning"] = {"method": "lora", "lora_rank": 4}
    assert run_verb(job, order) == 0
    started = events_of(job, "started")[0]
    assert 0 < started["trainable"] < started["parameters"] / 2
    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(random_base), job / "model")
    ids = torch.tensor([[5, 6, 7]])
    ours = load_model(ModelReference(str(random_base), str(job / "model")))
    plain = load_model(ModelReference(str(random_base), None))
    assert torch.allclose(tuned(input_ids=ids).logits, ours.model(input_ids=ids).logits, atol=1e-6)
    assert not torch.allclose(plain.model(input_ids=ids).logits, ours.model(input_ids=ids).logits, atol=1e-3)


def test_the_same_seed_gives_the_same_losses(random_base: Path, tmp_path: Path, data: dict[str, Path], run_verb: Run) -> None:
    phases = [phase("sft", data["sft"], steps=5)]
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        assert run_verb(tmp_path / name, train_order(random_base, phases, None, seed=seed)) == 0
    assert steps_of(tmp_path / "one") == steps_of(tmp_path / "two")
    assert steps_of(tmp_path / "one") != steps_of(tmp_path / "three")


def two_phases(random_base: Path, data: dict[str, Path]) -> dict[str, Any]:
    pool = phase("pool", data["pool"], steps=24, validate_every=7, learning_rate=5e-3)
    sft = phase("sft", data["sft"], steps=6, validate_every=3, learning_rate=5e-3)
    return train_order(random_base, [pool, sft], data["validation"])


def test_a_killed_run_goes_on_with_the_losses_it_would_have_had(
    random_base: Path, tmp_path: Path, data: dict[str, Path], run_verb: Run
) -> None:
    order = two_phases(random_base, data)
    assert run_verb(tmp_path / "whole", order) == 0
    job = tmp_path / "killed"
    job.mkdir()
    (job / "run.json").write_text(json.dumps(order), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "resources" / "trainer"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "multismp", "train", "run.json"]
    with subprocess.Popen(command, cwd=job, env=environment) as process:
        while process.poll() is None and b'"step": 10, "steps": 24' not in read_bytes(job / "events.jsonl"):
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert run_verb(job, order) == 0
    assert events_of(job, "started")[1]["resumed_at"] >= 7
    assert steps_of(job) == steps_of(tmp_path / "whole")
    whole, resumed = weights(tmp_path / "whole" / "model"), weights(job / "model")
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    assert events_of(job, "saved")[-1]["chosen"] == events_of(tmp_path / "whole", "saved")[-1]["chosen"]


def read_bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


@pytest.mark.parametrize("stop_after", [3, 26])  # within the first phase, and within the second
def test_sigterm_saves_a_checkpoint_and_exits_143(
    random_base: Path, tmp_path: Path, data: dict[str, Path], run_verb: Run, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    order = two_phases(random_base, data)
    assert run_verb(tmp_path / "whole", order) == 0
    signal_at_call(monkeypatch, training, "supervised_loss", stop_after)
    job = tmp_path / "stopped"
    assert run_verb(job, order) == 143
    assert len(steps_of(job)) == stop_after
    assert not events_of(job, "finished")
    assert run_verb(job, order) == 0
    assert events_of(job, "started")[1]["resumed_at"] == stop_after
    assert len(events_of(job, "step")) == 30  # no step was done twice
    assert steps_of(job) == steps_of(tmp_path / "whole")


# batches of looks, two a look: the first before all steps, at step 7, at the end of the phase; and the last one there
@pytest.mark.parametrize("stop_at", [1, 3, 9, 10])
def test_a_stop_within_a_look_keeps_the_steps_and_takes_the_look_later(
    random_base: Path, tmp_path: Path, data: dict[str, Path], run_verb: Run, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    monkeypatch.setattr(validating, "_PROMPTS_AT_ONCE", 2)  # two batches a look
    order = two_phases(random_base, data)
    assert run_verb(tmp_path / "whole", order) == 0
    batches = signal_at_call(monkeypatch, validating, "PromptBatch", stop_at)
    job = tmp_path / "stopped"
    assert run_verb(job, order) == 143
    assert len(batches) == stop_at  # no further batch was begun
    assert run_verb(job, order) == 0
    assert steps_of(job) == steps_of(tmp_path / "whole")
    assert len(events_of(job, "step")) == 30  # no step was done twice
    whole, found = ([event | {"time": 0} for event in events_of(folder, "validation")] for folder in (tmp_path / "whole", job))
    assert found == whole


def test_a_finished_run_is_not_repeated_unless_its_orders_change(
    random_base: Path, tmp_path: Path, data: dict[str, Path], run_verb: Run
) -> None:
    job = tmp_path / "job"
    order = train_order(random_base, [phase("sft", data["sft"])], None)
    assert run_verb(job, order) == 0
    assert run_verb(job, order) == 0
    assert len(events_of(job, "finished")) == 1
    assert run_verb(job, order | {"seed": 8}) == 0
    assert len(events_of(job, "finished")) == 2
    write_rows(data["sft"], invented_rows(8, seed=9))
    assert run_verb(job, order | {"seed": 8}) == 0
    assert len(events_of(job, "finished")) == 3


def test_a_loss_that_is_no_number_stops_the_run(
    random_base: Path, tmp_path: Path, data: dict[str, Path], run_verb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "supervised_loss", lambda *arguments: supervised_loss(*arguments) * float("nan"))
    job = tmp_path / "job"
    assert run_verb(job, train_order(random_base, [phase("sft", data["sft"])], None)) == 2
    assert events_of(job, "step")[-1]["loss"] is None
    assert "not a number" in events_of(job, "failed")[0]["message"]


def test_a_stop_signal_is_quiet_until_it_comes() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stop = StopSignal()
    try:
        stop.install()
        stop.check()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Terminated):
            stop.check()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_cancel_file_of_the_job_stops_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows: a process without a console hears no signal."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    (tmp_path / "cancel").touch()  # of an earlier run
    late, stop = StopSignal(), StopSignal()
    try:
        late.install()
        late.check()
        (tmp_path / "cancel").unlink()
        stop.install()
        stop.check()
        (tmp_path / "cancel").touch()
        with pytest.raises(Terminated):
            stop.check()
    finally:
        signal.signal(signal.SIGTERM, before)
