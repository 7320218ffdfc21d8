"""`train`: supervised phases (pool, then sft); the state with the smallest validation MAE goes on.

An explicit loop rather than transformers.Trainer, for three reasons that Trainer cannot meet at once: the best of {the
base as it is, every look of every phase} goes on across phases, each with an optimizer of its own; a killed run goes
on with exactly the losses it would have had; and on a model of 0.1 M parameters Trainer's own work costs more than
the steps. Model, optimizer and batches meet in `_Trainer._step` alone, which is where accelerate would wrap them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from .config import Phase, TrainOrder
from .data import Example, InstructionRow, length_bucketed_batches
from .events import finite
from .failures import Terminated, UserError
from .forward import supervised_loss
from .schedule import make_optimizer, set_learning_rate
from .tuning import load_model, load_trainable_state, prepare_to_learn, save_model, trainable_state
from .validation import ValidationSet

if TYPE_CHECKING:
    from .checkpoints import JobState, StopSignal
    from .events import EventLog

GRADIENT_CLIP = 1.0


def train(
    order: TrainOrder,
    phase_rows: Sequence[Sequence[InstructionRow]],
    validation_rows: Sequence[InstructionRow] | None,
    events: EventLog,
    state: JobState,
    stop: StopSignal,
) -> None:
    """Runs the phases and writes the chosen model to `order.output`; goes on from the job's state if there is one."""
    events.progress("loading", 0, 1)
    loaded = load_model(order.model, order.threads, order.tuning)
    prepare_to_learn(loaded, order.tuning, order.seed)
    encoder = loaded.encoder
    phases = [[encoder.example(row.pieces, row.answer) for row in rows] for rows in phase_rows]
    longest = max(len(example) for examples in phases for example in examples)
    check_length(loaded.model.config, longest)
    validation = ValidationSet.of(loaded, order.validation, validation_rows)
    trainer = _Trainer(order, loaded.model, validation, events, state, stop)
    resumed = state.load()
    events.started("train", loaded, None if resumed is None else int(resumed["steps_done"]))
    trainer.run(phases, resumed)
    load_trainable_state(loaded.model, trainer.best)
    save_model(loaded, order.output)
    events.emit("saved", path=str(order.output), chosen=trainer.best_label)


def check_length(config: Any, longest: int) -> None:
    """Refuses rows that are longer than the model's context, in tokens."""
    context = getattr(config, "max_position_embeddings", None)
    if isinstance(context, int) and longest > context:
        raise UserError(
            f"A row has {longest} tokens, but this model reads at most {context}.",
            "Shorten captions and titles, or choose a model with a longer context.",
        )


class _Trainer:
    """The loop, and the state that a checkpoint holds."""

    def __init__(
        self,
        order: TrainOrder,
        model: Any,
        validation: ValidationSet | None,
        events: EventLog,
        state: JobState,
        stop: StopSignal,
    ) -> None:
        self._order = order
        self._model = model
        self._validation = validation
        self._events = events
        self._state = state
        self._stop = stop
        self._best_mae = float("inf")
        self._steps_done = 0  # over all phases
        self.best_label = "base"
        self.best = trainable_state(model)

    def run(self, phases: Sequence[Sequence[Example]], resumed: dict[str, Any] | None) -> None:
        first_phase, first_step, look_due = 0, 0, False
        if resumed is not None:
            first_phase, first_step, look_due = int(resumed["phase"]), int(resumed["step"]), bool(resumed["look_due"])
            self._steps_done = int(resumed["steps_done"])
            self._best_mae, self.best_label, self.best = resumed["best_mae"], resumed["best_label"], resumed["best"]
            load_trainable_state(self._model, resumed["weights"])
            torch.set_rng_state(resumed["torch_random"])
        elif self._validation is not None:
            self._look(self._order.phases[0].name, 0)
        for at in range(first_phase, len(phases)):
            phase = self._order.phases[at]
            optimizer = make_optimizer(self._model, phase.learning_rate)
            start = 0
            if at == first_phase and resumed is not None:
                start = first_step
                optimizer.load_state_dict(resumed["optimizer"])
                if look_due:
                    self._look_and_save(at, phase, start, optimizer)
            elif at > 0:
                load_trainable_state(self._model, self.best)
            self._run_phase(at, phase, phases[at], optimizer, start)

    def _run_phase(self, at: int, phase: Phase, examples: Sequence[Example], optimizer: Any, start: int) -> None:
        batches = phase_batches(phase, [len(example) for example in examples], self._order.seed, start)
        for step in range(start, phase.steps):
            self._step(phase, [examples[index] for index in next(batches)], optimizer, step)
            self._steps_done += 1
            done = step + 1
            if done % phase.validate_every == 0 or done == phase.steps:
                self._look_and_save(at, phase, done, optimizer)
            elif self._stop.requested:
                self._save(at, done, optimizer, look_due=False)
            self._stop.check()

    def _step(self, phase: Phase, batch: Sequence[Example], optimizer: Any, step: int) -> None:
        began = time.perf_counter()
        rate = set_learning_rate(optimizer, phase.learning_rate, step, phase.steps)
        loss = supervised_loss(self._model, batch, phase.history_score_weight)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters(), GRADIENT_CLIP)
        optimizer.step()
        value = loss.item()
        self._events.emit(
            "step",
            phase=phase.name,
            step=step + 1,
            steps=phase.steps,
            loss=finite(value),
            learning_rate=rate,
            gradient_norm=finite(float(norm)),
            tokens_per_second=sum(len(example) for example in batch) / (time.perf_counter() - began),
        )
        for figure, name in ((value, "loss"), (float(norm), "gradient")):
            if finite(figure) is None:
                raise UserError(f"The {name} of step {step + 1} ({phase.name}) is not a number.", "Lower the learning rate.")

    def _look_and_save(self, at: int, phase: Phase, step: int, optimizer: Any) -> None:
        """A look takes long on a large model; a stop within it keeps the steps, and the look is taken when the run goes on."""
        try:
            self._look(phase.name, step)
        except Terminated:
            self._save(at, step, optimizer, look_due=True)
            raise
        self._save(at, step, optimizer, look_due=False)

    def _look(self, phase_name: str, step: int) -> None:
        """Looks at the validation rows; without any the last state is the best."""
        label = f"{phase_name} {step}" if step > 0 else "base"
        if self._validation is None:
            self.best_label, self.best = label, trainable_state(self._model)
            return
        look = self._validation.look(self._stop)
        is_best = look.mae < self._best_mae
        if is_best:
            self._best_mae, self.best_label, self.best = look.mae, label, trainable_state(self._model)
        self._events.emit(
            "validation",
            phase=phase_name,
            step=step,
            mae=look.mae,
            valid_mass=look.valid_mass,
            entropy=look.entropy,
            best=is_best,
        )

    def _save(self, phase: int, step: int, optimizer: Any, look_due: bool) -> None:
        self._state.save(
            {
                "phase": phase,
                "step": step,
                "look_due": look_due,
                "steps_done": self._steps_done,
                "weights": trainable_state(self._model),
                "optimizer": optimizer.state_dict(),
                "torch_random": torch.get_rng_state(),
                "best_mae": self._best_mae,
                "best_label": self.best_label,
                "best": self.best,
            }
        )


def phase_batches(phase: Phase, lengths: Sequence[int], seed: int, start: int) -> Iterator[list[int]]:
    """The phase's batches from step `start` on. Their order depends on seed, phase and pass alone."""
    passes = 0
    skipped = 0
    while True:
        order = random.Random(f"{seed}/{phase.name}/{passes}")
        for batch in length_bucketed_batches(lengths, phase.batch_size, order):
            if skipped < start:
                skipped += 1
                continue
            yield batch
        passes += 1
