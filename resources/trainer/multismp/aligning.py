"""`align`: preference training on pairs (IDPOP and its relatives) and the controls that it is compared with.

The reference is the model as loaded. Its log-probabilities are computed once, before step 1, by the same code on the
same batches: batches are formed once and only their order changes from epoch to epoch, so that the policy at step 0
equals the reference (asserted). Adapters are never switched off for it: that would be the base model.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from .config import CONTROL_NAMES, AlignOrder
from .data import Example, InstructionRow, PairRow, length_bucketed_batches
from .events import finite
from .failures import Terminated, UserError
from .forward import supervised_loss
from .losses import PairLogps, dpo, preference_loss
from .prefix_sharing import PairExample, plain_pair_logps, shared_pair_logps
from .schedule import make_optimizer, set_linear_rate
from .training import check_length
from .tuning import load_model, load_trainable_state, merge_adapter, prepare_to_learn, save_model, trainable_state
from .validation import ValidationSet

if TYPE_CHECKING:
    from torch import Tensor

    from .checkpoints import JobState, StopSignal
    from .events import EventLog
    from .tuning import LoadedModel

#: Largest |Delta| between policy and reference at step 0, nats, by dtype of the weights.
STEP_0_TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}
#: Largest difference between the shared and the plain way that counts as the same, nats, by dtype.
SHARING_TOLERANCE = {torch.float32: 1e-3, torch.float16: 0.1, torch.bfloat16: 0.5}
LOWER_THE_RATE = "Lower the learning rate, or the cap on mu."


def align(
    order: AlignOrder,
    rows: Sequence[PairRow],
    validation_rows: Sequence[InstructionRow] | None,
    events: EventLog,
    state: JobState,
    stop: StopSignal,
) -> None:
    """Trains on the pairs and writes the last state to `order.output`; goes on from the job's state if there is one.

    With `merge_sft` the merged model stands beside the output, in a folder of its name and "-merged", and the output's
    adapter belongs on it.
    """
    events.progress("loading", 0, 1)
    loaded = load_model(order.model, order.threads, order.tuning)
    merged = order.merge_sft and order.model.adapter is not None and order.tuning.method == "lora"
    if merged:
        merge_adapter(loaded)
        base = order.output.with_name(f"{order.output.name}-merged")
        save_model(loaded, base)  # also where one stands already: it may come from other orders
        loaded.base = str(base.resolve())  # what the fresh adapter says it belongs on
    prepare_to_learn(loaded, order.tuning, order.seed)
    aligner = _Aligner(order, loaded, rows, validation_rows, events, state, stop)
    resumed = state.load()
    events.started("align", loaded, None if resumed is None else int(resumed["step"]))
    aligner.run(resumed)
    save_model(loaded, order.output)
    events.emit("saved", path=str(order.output), chosen=f"{order.loss.name} {aligner.steps}")


class _Aligner:
    """The loop over fixed batches, and the state that a checkpoint holds."""

    def __init__(
        self,
        order: AlignOrder,
        loaded: LoadedModel,
        rows: Sequence[PairRow],
        validation_rows: Sequence[InstructionRow] | None,
        events: EventLog,
        state: JobState,
        stop: StopSignal,
    ) -> None:
        encoder = loaded.encoder
        self._order = order
        self._model = loaded.model
        self._events = events
        self._state = state
        self._stop = stop
        pairs = [
            PairExample(row.id, encoder.prompt(row.pieces), encoder.answer(row.chosen), encoder.answer(row.rejected), row.mu)
            for row in rows
        ]
        check_length(self._model.config, max(map(len, pairs)))
        cut = length_bucketed_batches([len(pair) for pair in pairs], order.batch_size, random.Random(order.seed))
        self._batches = [[pairs[index] for index in batch] for batch in cut]
        self._control = order.loss.name if order.loss.name in CONTROL_NAMES else None
        self._supervised = [
            [Example(pairs[index].prompt, self._supervised_answer(encoder, rows[index]), []) for index in batch]
            for batch in cut
        ]
        self._loss = None if self._control else preference_loss(order.loss.name, order.loss.beta, order.loss.fixed_lambda)
        self.steps = order.epochs * len(self._batches)
        self._optimizer = make_optimizer(self._model, order.learning_rate, weight_decay=0.0)
        self._shared = True
        self._reference: list[tuple[Tensor, Tensor]] = []
        self._validation = ValidationSet.of(loaded, order.validation, validation_rows)

    def run(self, resumed: dict[str, Any] | None) -> None:
        start = 0
        if resumed is None:
            self._shared = self._sharing_holds()
            self._reference = self._all_logps("reference")
            self._end_epoch(0)
        else:
            start = int(resumed["step"])
            self._shared = bool(resumed["shared"])
            self._reference = [(chosen, rejected) for chosen, rejected in resumed["reference"]]
            load_trainable_state(self._model, resumed["weights"])
            self._optimizer.load_state_dict(resumed["optimizer"])
            torch.set_rng_state(resumed["torch_random"])
            if resumed["report_due"]:
                self._end_epoch(start // len(self._batches))
        for step in range(start, self.steps):
            epoch, place = divmod(step, len(self._batches))
            self._step(step, self._epoch_order(epoch)[place])
            done = step + 1
            ends_epoch = place == len(self._batches) - 1
            if done % self._order.checkpoint_every == 0 or self._stop.requested:
                self._save(done, report_due=ends_epoch)
            self._stop.check()
            if ends_epoch:
                self._end_epoch(epoch + 1)

    def _epoch_order(self, epoch: int) -> list[int]:
        order = list(range(len(self._batches)))
        random.Random(f"{self._order.seed}/{epoch}").shuffle(order)
        return order

    def _step(self, step: int, batch_index: int) -> None:
        began = time.perf_counter()
        batch = self._batches[batch_index]
        rate = set_linear_rate(self._optimizer, self._order.learning_rate, step, self.steps)
        extra: dict[str, Any] = {}
        if self._loss is None:
            loss = supervised_loss(self._model, self._supervised[batch_index], 0.0)
        else:
            logps = self._pair_logps(batch_index)
            mu = torch.tensor([pair.mu for pair in batch], device=logps.policy_chosen.device)
            loss = self._loss(logps, mu)
            if step == 0:
                self._check_step_0(logps, loss, mu)
            extra = self._preference_figures(logps, loss)
        self._optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._order.clip)
        self._optimizer.step()
        value = loss.item()
        self._events.emit(
            "step",
            phase=self._order.loss.name,
            step=step + 1,
            steps=self.steps,
            loss=finite(value),
            learning_rate=rate,
            gradient_norm=finite(float(norm)),
            tokens_per_second=sum(map(len, batch)) / (time.perf_counter() - began),
            **extra,
        )
        for figure, name in ((value, "loss"), (float(norm), "gradient")):
            if finite(figure) is None:
                raise UserError(f"The {name} of step {step + 1} is not a number.", LOWER_THE_RATE)

    def _pair_logps(self, batch_index: int) -> PairLogps:
        chosen, rejected = self._logps(self._batches[batch_index])
        reference_chosen, reference_rejected = self._reference[batch_index]
        return PairLogps(chosen, rejected, reference_chosen.to(chosen.device), reference_rejected.to(chosen.device))

    def _preference_figures(self, logps: PairLogps, loss: Tensor) -> dict[str, Any]:
        """Rewards are beta x Delta; the penalty's share is what the loss has beyond plain DPO's. NaN is left out."""
        beta = self._order.loss.beta
        with torch.no_grad():
            value = float(loss)
            share = (value - float(dpo(logps, beta))) / value if value != 0 else 0.0
            figures = {
                "reward_chosen": float(beta * logps.chosen_shift.mean()),
                "reward_rejected": float(beta * logps.rejected_shift.mean()),
                "logps_chosen": float(logps.policy_chosen.mean()),
                "logps_rejected": float(logps.policy_rejected.mean()),
                "penalty_share": 0.0 if share < 0 else share,
            }
        return {name: figure for name, figure in figures.items() if finite(figure) is not None}

    def _check_step_0(self, logps: PairLogps, loss: Tensor, mu: Tensor) -> None:
        """Policy and reference are one model, so every loss is log 2 and at most its penalty on rounding noise."""
        tolerance = STEP_0_TOLERANCE[self._model.dtype]
        shift = float(torch.maximum(logps.chosen_shift.abs(), logps.rejected_shift.abs()).max().detach())
        largest_weight = max(float(mu.max()), self._order.loss.fixed_lambda, 1.0)
        excess = abs(loss.item() - math.log(2))
        if shift >= tolerance or excess > (largest_weight + 2 * self._order.loss.beta) * shift + 1e-6:
            raise AssertionError(f"at step 0 the policy differs from its reference by {shift:g} nats, the loss by {excess:g}")

    def _sharing_holds(self) -> bool:
        with torch.no_grad():
            shared = torch.cat(shared_pair_logps(self._model, self._batches[0]))
            plain = torch.cat(plain_pair_logps(self._model, self._batches[0]))
        difference = float((shared - plain).abs().max())
        if difference <= SHARING_TOLERANCE[self._model.dtype] or math.isnan(difference):
            return True  # not a number: the reference, which is next, says so
        self._events.warning(
            f"Prompts are computed twice: sharing them moves this model's log-probabilities by {difference:.2g}."
        )
        return False

    def _logps(self, batch: Sequence[PairExample]) -> tuple[Tensor, Tensor]:
        return shared_pair_logps(self._model, batch) if self._shared else plain_pair_logps(self._model, batch)

    @torch.no_grad()
    def _all_logps(self, what: str) -> list[tuple[Tensor, Tensor]]:
        found: list[tuple[Tensor, Tensor]] = []
        for at, batch in enumerate(self._batches):
            self._stop.check()
            chosen, rejected = self._logps(batch)
            if not (chosen.isfinite().all() and rejected.isfinite().all()):
                raise UserError(
                    f"The model's log-probabilities ({what}, batch {at + 1}) are not numbers.",
                    "Choose another model: this one is broken as it is." if what == "reference" else LOWER_THE_RATE,
                )
            found.append((chosen.cpu(), rejected.cpu()))
            if at % 10 == 0 or at == len(self._batches) - 1:
                self._events.progress(what, at + 1, len(self._batches))
        return found

    def _end_epoch(self, epoch: int) -> None:
        """Reports and looks; a stop within keeps the steps, and both are done when the run goes on. 0: the reference."""
        done = epoch * len(self._batches)
        try:
            self._report_epoch(epoch, self._reference if epoch == 0 else self._all_logps("epoch"))
            self._look(done)
        except Terminated:
            self._save(done, report_due=True)
            raise

    def _report_epoch(self, epoch: int, logps: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Log-probabilities of every pair; epoch 0 is the reference."""
        pairs = [
            {"id": pair.id, "logps_chosen": chosen, "logps_rejected": rejected}
            for batch, sums in zip(self._batches, logps, strict=True)
            for pair, chosen, rejected in zip(batch, sums[0].tolist(), sums[1].tolist(), strict=True)
        ]
        self._events.emit("epoch", epoch=epoch, pairs=pairs)

    def _look(self, step: int) -> None:
        """Held-out MAE is watched here and chooses nothing."""
        if self._validation is None:
            return
        look = self._validation.look(self._stop)
        self._events.emit(
            "validation",
            phase=self._order.loss.name,
            step=step,
            mae=look.mae,
            valid_mass=look.valid_mass,
            entropy=look.entropy,
            best=False,
        )

    def _supervised_answer(self, encoder: Any, row: PairRow) -> list[int]:
        answer: list[int] = encoder.answer(row.label if self._control == "sft-continued" else row.chosen)
        return answer

    def _save(self, step: int, report_due: bool) -> None:
        self._state.save(
            {
                "step": step,
                "report_due": report_due,
                "weights": trainable_state(self._model),
                "optimizer": self._optimizer.state_dict(),
                "torch_random": torch.get_rng_state(),
                "reference": [list(sums) for sums in self._reference],
                "shared": self._shared,
            }
        )
