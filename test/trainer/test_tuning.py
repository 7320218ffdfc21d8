"""Loading models, and which numbers their weights are kept in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from conftest import BASE
from multismp.config import ModelReference, Tuning
from multismp.failures import UserError
from multismp.tuning import LARGE_MODEL_PARAMETERS, gpu_dtype, load_model, prepare_to_learn

FULL = Tuning("full", 8)
LORA = Tuning("lora", 4)


@pytest.mark.parametrize(
    ("parameters", "tuning", "dtype"),
    [
        (LARGE_MODEL_PARAMETERS, None, torch.float32),
        (LARGE_MODEL_PARAMETERS + 1, None, torch.bfloat16),
        (LARGE_MODEL_PARAMETERS + 1, LORA, torch.bfloat16),
        (LARGE_MODEL_PARAMETERS + 1, FULL, torch.float32),
    ],
)
def test_a_gpu_keeps_weights_that_learn_in_float32(parameters: int, tuning: Tuning | None, dtype: torch.dtype) -> None:
    assert gpu_dtype(parameters, tuning) == dtype


def test_an_adapter_on_a_bfloat16_base_learns_in_float32(random_base: Path) -> None:
    loaded = load_model(ModelReference(str(random_base), None), tuning=LORA)
    loaded.model.to(torch.bfloat16)  # type: ignore[arg-type]
    prepare_to_learn(loaded, LORA, seed=0)
    dtypes = {parameter.requires_grad: parameter.dtype for parameter in loaded.model.parameters()}
    assert dtypes == {True: torch.float32, False: torch.bfloat16}
    assert loaded.model(input_ids=torch.tensor([[5, 6, 7]])).logits.isfinite().all()


def test_weights_of_another_shape_are_told(tmp_path: Path) -> None:
    shutil.copytree(BASE, tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"intermediate_size": 100}))
    with pytest.raises(UserError, match=r"other shapes than its config\.json says.* again"):
        load_model(ModelReference(str(tmp_path / "model"), None))


@pytest.mark.parametrize("error", [ImportError("It needs sentencepiece."), ValueError("Install it: `pip install tiktoken`")])
def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", failing)
    with pytest.raises(UserError) as told:
        load_model(ModelReference(str(BASE), None))
    assert str(error) in told.value.what_happened
    assert "Install it into the trainer's Python environment" in told.value.next_step
