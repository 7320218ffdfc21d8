"""Shared fixtures: a random model of a few thousand weights, the shipped base, invented rows, and a way to run verbs."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "resources" / "trainer"))

import torch  # noqa: E402

from multismp.__main__ import main  # noqa: E402
from multismp.config import ModelReference, Tuning  # noqa: E402
from multismp.data import PromptEncoder  # noqa: E402
from multismp.prior import InventedUsers, PriorSize, build_model, build_tokenizer  # noqa: E402
from multismp.tuning import LoadedModel, load_model, prepare_to_learn, save_model  # noqa: E402

BASE = ROOT / "resources" / "base"
RANGE = {"min_hundredths": 100, "max_hundredths": 1656}
FEW_ANSWERS = {"min_hundredths": 650, "max_hundredths": 849}  # looks at validation rows cost little with these

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def random_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model of random weights with the tiny tokenizer: it is certain of nothing."""
    folder = tmp_path_factory.mktemp("models") / "random"
    tokenizer = build_tokenizer(0)
    model = build_model(PriorSize(hidden=16, layers=2, heads=2, steps=0, learning_rate=0.0), tokenizer, seed=0)
    save_model(LoadedModel(model, tokenizer, PromptEncoder(tokenizer)), folder)
    return folder


@pytest.fixture(scope="session")
def base() -> LoadedModel:
    """The shipped base, read only."""
    return load_model(ModelReference(str(BASE), None))


@pytest.fixture
def learner(random_base: Path) -> LoadedModel:
    """The random model, all weights learning."""
    loaded = load_model(ModelReference(str(random_base), None))
    prepare_to_learn(loaded, Tuning("full", 8), seed=0)
    return loaded


def invented_rows(count: int, seed: int, writing: str = "scores") -> list[dict[str, Any]]:
    """Instruction rows of invented users with three earlier posts."""
    users = InventedUsers(seed)
    rows = []
    for at in range(count):
        pieces, answer = users.user(3, writing)
        rows.append({"id": f"{seed}/{at}", "pieces": pieces, "answer": answer})
    return rows


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Writes rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Reads JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def steps_of(folder: Path) -> dict[tuple[str, int], float]:
    """The loss of each step that a job's events tell; of a repeated step the last."""
    events = read_rows(folder / "events.jsonl")
    return {(event["phase"], event["step"]): event["loss"] for event in events if event["event"] == "step"}


def events_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    """All events of a kind."""
    return [event for event in read_rows(folder / "events.jsonl") if event["event"] == kind]


@pytest.fixture
def run_verb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, dict[str, Any]], int]]:
    """Runs an order in a job folder, in this process, and gives the exit code."""

    def run(folder: Path, order: dict[str, Any]) -> int:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps(order), encoding="utf-8")
        monkeypatch.chdir(folder)
        return main([order["verb"], "run.json"])

    yield run


def phase(name: str, data: Path, **changes: Any) -> dict[str, Any]:
    """A phase of run.json."""
    return {
        "name": name,
        "data": str(data),
        "steps": 4,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "history_score_weight": 0.3,
        "validate_every": 2,
    } | changes


def train_order(model: Path, phases: list[dict[str, Any]], validation: Path | None, **changes: Any) -> dict[str, Any]:
    """A whole run.json for `train`."""
    return {
        "version": 1,
        "verb": "train",
        "seed": 7,
        "threads": 1,
        "model": {"base": str(model), "adapter": None},
        "tuning": {"method": "full", "lora_rank": 4},
        "phases": phases,
        "validation": None if validation is None else {"data": str(validation), "range": dict(FEW_ANSWERS)},
        "output": "model",
    } | changes


def predict_order(model: Path, data: Path, decoders: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A whole run.json for `predict`."""
    return {
        "version": 1,
        "verb": "predict",
        "seed": 7,
        "threads": 1,
        "model": {"base": str(model), "adapter": None},
        "data": str(data),
        "range": dict(RANGE),
        "decoders": decoders,
        "batch_size": 4,
        "output": "predictions.jsonl",
    } | changes


def align_order(model: Path, data: Path, loss: str, validation: Path | None = None, **changes: Any) -> dict[str, Any]:
    """A whole run.json for `align`."""
    return {
        "version": 1,
        "verb": "align",
        "seed": 7,
        "threads": 1,
        "model": {"base": str(model), "adapter": None},
        "tuning": {"method": "full", "lora_rank": 4},
        "loss": {"name": loss, "beta": 0.1, "lambda": 1.0},
        "data": str(data),
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "clip": 1.0,
        "merge_sft": False,
        "checkpoint_every": 2,
        "validation": None if validation is None else {"data": str(validation), "range": dict(FEW_ANSWERS)},
        "output": "model",
    } | changes


def pair_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Pairs on invented prompts: the chosen answer nearer to the truth."""
    rows = []
    for at, row in enumerate(invented_rows(count, seed)):
        truth = float(row["answer"])
        near, far = (min(31.99, max(0.0, truth + shift)) for shift in (0.2 + 0.01 * at, 2.5))
        rows.append(
            {
                "id": row["id"],
                "pieces": row["pieces"],
                "chosen": f"{near:.2f}",
                "rejected": f"{far:.2f}",
                "mu": 0.25 * (at % 5),
                "label": row["answer"],
            }
        )
    return rows


def signal_at_call(monkeypatch: pytest.MonkeyPatch, place: object, name: str, at: int) -> list[tuple[Any, ...]]:
    """From here on the process gets SIGTERM when `place.name` is called for the at-th time, counted from 1. Returns the
    arguments of each call, as they come."""
    calls: list[tuple[Any, ...]] = []
    real = getattr(place, name)

    def call_then_real(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments)

    monkeypatch.setattr(place, name, call_then_real)
    return calls
