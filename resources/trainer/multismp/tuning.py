"""Models: loading one by folder, id or .gguf file, choosing which weights learn, and saving what learned.

Models stay in evaluation mode, also while they learn: dropout is off by construction, so that a reference
log-probability and the policy's first one come from the same computation (method.md, section 6).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError

from .config import ModelReference, Tuning
from .data import PromptEncoder
from .failures import UserError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Below this a second thread waits more than it works, and on a busy machine it slows a step down tenfold.
ONE_THREAD_PARAMETERS = 10_000_000
LARGE_MODEL_PARAMETERS = 100_000_000  # beyond this a GPU holds frozen weights in bfloat16


@dataclass
class LoadedModel:
    """A model with its tokenizer; `model` is a PeftModel where an adapter is on."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    encoder: PromptEncoder
    base: str = ""  # folder, .gguf file or id that the model without its adapter was loaded from

    @property
    def device(self) -> str:
        """ "cpu" or the name of the GPU in use."""
        device = self.model.device
        return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type

    @property
    def dtype(self) -> str:
        """The dtype of the weights, such as "float32"."""
        return str(self.model.dtype).removeprefix("torch.")

    def parameter_counts(self) -> tuple[int, int]:
        """All parameters, and those that learn."""
        sizes = [(parameter.numel(), parameter.requires_grad) for parameter in self.model.parameters()]
        return sum(size for size, _ in sizes), sum(size for size, learns in sizes if learns)


def load_model(reference: ModelReference, threads: int | None = None, tuning: Tuning | None = None) -> LoadedModel:
    """The model as it stands, with its adapter if it has one, frozen.

    `threads` None: one for a tiny model, else what torch chooses. `tuning`: what will learn, None where nothing will.
    """
    model, tokenizer = _load_base(reference.base)
    if torch.cuda.is_available():
        parameters = sum(parameter.numel() for parameter in model.parameters())
        model = cast(Any, model).to("cuda", gpu_dtype(parameters, tuning))
    if reference.adapter is not None:
        from peft import PeftModel

        try:
            # is_trainable keeps the adapter's own dtype and lets `prepare_to_learn` unfreeze it
            model = cast("PreTrainedModel", PeftModel.from_pretrained(model, reference.adapter, is_trainable=True))
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(
                f"The adapter '{reference.adapter}' cannot be put on '{reference.base}': {_first_line(error)}",
                "Check that it was trained on this base.",
            ) from error
    model.requires_grad_(False)
    model.eval()
    loaded = LoadedModel(model, tokenizer, PromptEncoder(tokenizer), reference.base)
    if threads is not None:
        torch.set_num_threads(threads)
    elif loaded.parameter_counts()[0] < ONE_THREAD_PARAMETERS:
        torch.set_num_threads(1)
    return loaded


def gpu_dtype(parameters: int, tuning: Tuning | None) -> torch.dtype:
    """What a GPU holds a base of so many weights in. Weights that learn are float32: bfloat16 keeps 8 bits of a weight,
    and a step of AdamW is smaller than the last of them. (An adapter's weights are float32 in either case: PEFT's own way.)
    """
    learns = tuning is not None and tuning.method == "full"
    return torch.bfloat16 if parameters > LARGE_MODEL_PARAMETERS and not learns else torch.float32


def prepare_to_learn(loaded: LoadedModel, tuning: Tuning, seed: int) -> None:
    """Unfreezes what `tuning` names: the adapter (its own, or a fresh one that changes nothing yet), or all weights."""
    if tuning.method == "lora":
        if not _has_adapter(loaded.model):
            from peft import LoraConfig, get_peft_model

            torch.manual_seed(seed)  # the fresh adapter's A; its B is 0
            cast(Any, loaded.model).name_or_path = loaded.base  # PEFT writes it down; of a .gguf it would know the folder alone
            lora = LoraConfig(
                task_type="CAUSAL_LM",
                r=tuning.lora_rank,
                lora_alpha=2 * tuning.lora_rank,
                lora_dropout=0.0,
                target_modules="all-linear",
            )
            loaded.model = cast("PreTrainedModel", get_peft_model(loaded.model, lora))
        for name, parameter in loaded.model.named_parameters():
            parameter.requires_grad_("lora_" in name)
    else:
        merge_adapter(loaded)
        loaded.model.requires_grad_(True)
    loaded.model.eval()


def merge_adapter(loaded: LoadedModel) -> None:
    """Adds the adapter, if there is one, to the weights it stands on."""
    if _has_adapter(loaded.model):
        loaded.model = cast("PreTrainedModel", cast(Any, loaded.model).merge_and_unload())


def trainable_state(model: PreTrainedModel) -> dict[str, Tensor]:
    """A copy, on the CPU, of all weights that learn."""
    return {
        name: parameter.detach().to("cpu", copy=True) for name, parameter in model.named_parameters() if parameter.requires_grad
    }


def load_trainable_state(model: PreTrainedModel, state: dict[str, Tensor]) -> None:
    """Puts a copy from `trainable_state` back, in place."""
    parameters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if parameters.keys() != state.keys():
        raise ValueError("the saved weights are not those of this model")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(state[name])


def save_model(loaded: LoadedModel, output: Path) -> None:
    """Writes a folder that loads with stock transformers or PEFT; it appears whole or not at all."""
    unfinished = output.with_name(f".{output.name}.writing")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    # Vocabularies are never changed here; PEFT would look for the base's config.json, on a hub as well, to find that out.
    options = {"save_embedding_layers": False} if _has_adapter(loaded.model) else {}
    cast(Any, loaded.model).save_pretrained(str(unfinished), **options)
    loaded.tokenizer.save_pretrained(str(unfinished))
    shutil.rmtree(output, ignore_errors=True)
    unfinished.rename(output)


def _load_base(base: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    path = Path(base)
    source: dict[str, Any] = {}
    name = base
    if path.suffix == ".gguf":
        if not path.is_file():
            raise UserError(f"The model file '{base}' does not exist.", "Choose a .gguf file that is on this machine.")
        name, source = str(path.parent), {"gguf_file": path.name}
    elif path.is_dir():
        name = str(path)
    elif path.is_absolute() or base.startswith((".", "~")) or (os.sep in base and len(path.parts) != 2):
        raise UserError(f"The model folder '{base}' does not exist.", "Choose a folder that is on this machine.")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **source)
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, **source)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise _loading_failure(base, error) from error
    return model, tokenizer


def _loading_failure(base: str, error: Exception) -> UserError:
    """What the loading libraries' complaint means, and what mends it."""
    reason = _first_line(error)
    next_step = "Check the folder or id; an id must be in this machine's cache, or the machine needs a network."
    if isinstance(error, ImportError) or "pip install" in str(error):
        reason = f"a Python package is missing. {reason}"
        next_step = (
            "Install it into the trainer's Python environment (tokenizers of some models need sentencepiece, tiktoken or "
            "protobuf), or choose a model whose folder holds a tokenizer.json."
        )
    elif isinstance(error, RuntimeError) and "mismatched" in str(error):
        reason = "its weights have other shapes than its config.json says."
        next_step = "Download or copy the whole folder again: config.json and weights must be of one model."
    elif isinstance(error, RuntimeError):
        next_step = "Check that the folder is complete and that the model fits into this machine's memory."
    return UserError(f"The model '{base}' cannot be loaded: {reason}", next_step)


def _has_adapter(model: PreTrainedModel) -> bool:
    return hasattr(model, "peft_config")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
