"""`predict`: answers to prompt rows by exact median, free greedy decoding and draws; `score`: log-probabilities of answers."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .config import AnswerRange, Decoder, PredictOrder, ScoreOrder
from .data import InstructionRow, PromptRow, format_hundredths, hundredths
from .decoding import AnswerTrie, Distribution, PromptBatch
from .failures import Terminated
from .forward import logits_at
from .sampling import sample_answer, uniform_draw
from .training import check_length
from .tuning import load_model

if TYPE_CHECKING:
    from .checkpoints import JobState, StopSignal
    from .events import EventLog
    from .tuning import LoadedModel

QUANTILES = ("2.5", "10", "25", "50", "75", "90", "97.5")  # per cent
LONGEST_TEXT = 200  # characters of an answer that are kept
_ANSWER = re.compile(r"[0-9]{1,2}\.[0-9]{2}")
_SECONDS_BETWEEN_REPORTS = 1.0


def predict(order: PredictOrder, rows: Sequence[PromptRow], events: EventLog, state: JobState, stop: StopSignal) -> None:
    """Writes prediction rows (src/protocol/run.ts) to `order.output`, in the order of `rows`."""
    loaded = _load(order, events, "predict")
    needs_trie = any(decoder.name in ("median", "sample") for decoder in order.decoders)
    trie = AnswerTrie(loaded.encoder, order.range) if needs_trie else None

    def answer(batch: Sequence[tuple[PromptRow, list[int]]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        prompts = PromptBatch(loaded.model, loaded.encoder, [prompt for _, prompt in batch])
        distributions = prompts.distributions(trie) if trie is not None else [None] * len(batch)
        written = {
            decoder.max_new_tokens: prompts.greedy(decoder.max_new_tokens)
            for decoder in order.decoders
            if decoder.name == "greedy"
        }
        for at, (row, _) in enumerate(batch):
            texts = {limit: loaded.encoder.answer_text(tokens[at]) for limit, tokens in written.items()}
            found: list[dict[str, Any]] = []
            for decoder in order.decoders:
                found += _prediction_rows(decoder, row.id, order, distributions[at], texts)
            yield row.id, found

    encoded = [(row, loaded.encoder.prompt(row.pieces)) for row in rows]
    check_length(loaded.model.config, max(len(prompt) for _, prompt in encoded))
    work = _Work(encoded, order.batch_size, order.output, "predicting", events, state, stop)
    work.run(answer)


def score(order: ScoreOrder, rows: Sequence[InstructionRow], events: EventLog, state: JobState, stop: StopSignal) -> None:
    """Writes {id, tokens, logps, sum} for each row's answer and its end token to `order.output`; natural logarithms."""
    loaded = _load(order, events, "score")
    answers = {row.id: loaded.encoder.answer(row.answer) for row in rows}

    def measure(batch: Sequence[tuple[PromptRow, list[int]]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        scored = answer_logps(loaded, [(prompt, answers[row.id]) for row, prompt in batch])
        for (row, _), logps in zip(batch, scored, strict=True):
            tokens = [loaded.tokenizer.decode([token]) for token in answers[row.id]]
            yield row.id, [{"id": row.id, "tokens": tokens, "logps": logps, "sum": sum(logps)}]

    encoded = [(row, loaded.encoder.prompt(row.pieces)) for row in rows]
    check_length(loaded.model.config, max(len(prompt) + len(answers[row.id]) for row, prompt in encoded))
    work = _Work(encoded, order.batch_size, order.output, "scoring", events, state, stop)
    work.run(measure)


def answer_logps(loaded: LoadedModel, rows: Sequence[tuple[list[int], list[int]]]) -> list[list[float]]:
    """Log-probability of each token of each answer after its prompt."""
    model = loaded.model
    length = max(len(prompt) + len(answer) for prompt, answer in rows) - 1
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    selected = torch.zeros(len(rows), length, dtype=torch.bool)
    for at, (prompt, answer) in enumerate(rows):
        row = prompt + answer[:-1]
        ids[at, : len(row)] = torch.tensor(row)
        selected[at, len(prompt) - 1 : len(row)] = True
    logps = logits_at(model, selected.to(model.device), input_ids=ids.to(model.device)).log_softmax(-1)
    targets = torch.tensor([token for _, answer in rows for token in answer], device=logps.device)
    flat = iter(logps.gather(1, targets[:, None])[:, 0].tolist())
    return [[next(flat) for _ in answer] for _, answer in rows]


def parse_answer(text: str, answers: AnswerRange) -> int | None:
    """Hundredths of a text that is exactly one score with two decimals within the range, else None."""
    if not _ANSWER.fullmatch(text):
        return None
    value = hundredths(text)
    return value if answers.smallest <= value <= answers.largest else None


def _prediction_rows(
    decoder: Decoder, row_id: str, order: PredictOrder, distribution: Distribution | None, texts: dict[int, str]
) -> list[dict[str, Any]]:
    if decoder.name == "greedy":
        text = texts[decoder.max_new_tokens][:LONGEST_TEXT]
        return [_row(row_id, "greedy", text, parse_answer(text, order.range))]
    assert distribution is not None
    if decoder.name == "median":
        value = distribution.quantile(0.5)
        levels = {name: distribution.quantile(float(name) / 100) for name in QUANTILES}
        return [
            _row(
                row_id,
                "median",
                "" if value is None else format_hundredths(value),
                value,
                quantiles_hundredths=None if value is None else levels,
                mass=distribution.mass,
            )
        ]
    rows: list[dict[str, Any]] = []
    for draw in range(decoder.draws):
        value = sample_answer(distribution, uniform_draw(order.seed, row_id, draw))
        text = "" if value is None else format_hundredths(value)
        rows.append(_row(row_id, "sample", text, value, draw=draw, mass=distribution.mass, sampled_from="trie"))
    return rows


def _row(row_id: str, decoder: str, text: str, value: int | None, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": row_id,
        "decoder": decoder,
        "draw": 0,
        "text": text,
        "value_hundredths": value,
        "quantiles_hundredths": None,
        "mass": None,
        "sampled_from": None,
    }
    return row | more


def _load(order: PredictOrder | ScoreOrder, events: EventLog, verb: str) -> LoadedModel:
    events.progress("loading", 0, 1)
    loaded = load_model(order.model, order.threads)
    events.started(verb, loaded)
    return loaded


class _Work:
    """Rows in batches of similar length; what is done is kept line by line, so that a killed run goes on."""

    def __init__(
        self,
        encoded: Sequence[tuple[PromptRow, list[int]]],
        batch_size: int,
        output: Path,
        what: str,
        events: EventLog,
        state: JobState,
        stop: StopSignal,
    ) -> None:
        self._encoded = encoded
        self._batch_size = batch_size
        self._output = output
        self._what = what
        self._events = events
        self._stop = stop
        self._kept = state.folder / "rows.jsonl"

    @torch.no_grad()
    def run(
        self,
        work: Callable[[Sequence[tuple[PromptRow, list[int]]]], Iterator[tuple[str, list[dict[str, Any]]]]],
    ) -> None:
        done = self._read_kept()
        # Batches are cut before what is done is left out, and one that was torn is done again whole: other companions
        # would round a row otherwise.
        entries = sorted(self._encoded, key=lambda entry: len(entry[1]))
        batches = [entries[start : start + self._batch_size] for start in range(0, len(entries), self._batch_size)]
        total = len(self._encoded)
        reported = 0.0
        with self._kept.open("a", encoding="utf-8") as kept:
            for batch in batches:
                if all(row.id in done for row, _ in batch):
                    continue
                for row_id, rows in work(batch):
                    done[row_id] = rows
                    kept.write(json.dumps([row_id, rows], ensure_ascii=False) + "\n")
                kept.flush()
                if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS or len(done) == total:
                    reported = time.monotonic()
                    self._events.progress(self._what, len(done), total)
                if self._stop.requested:
                    raise Terminated
        self._output.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._output.with_name(f".{self._output.name}.writing")
        with unfinished.open("w", encoding="utf-8") as file:
            for row, _ in self._encoded:
                for content in done[row.id]:
                    file.write(json.dumps(content, ensure_ascii=False) + "\n")
        unfinished.replace(self._output)
        self._kept.unlink()
        self._events.emit("saved", path=str(self._output), chosen=f"{total} rows")

    def _read_kept(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of an interrupted run; a torn last line is cut off."""
        done: dict[str, list[dict[str, Any]]] = {}
        if not self._kept.exists():
            return done
        whole = 0
        with self._kept.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                row_id, rows = json.loads(line)
                done[row_id] = rows
                whole += len(line)
        os.truncate(self._kept, whole)
        return done
