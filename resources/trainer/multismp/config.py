"""run.json as dataclasses: the same shapes as src/protocol/run.ts, checked field by field.

Paths in run.json are relative to the job folder, which is the working directory. A complaint names the field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from .failures import UserError

RUN_VERSION = 1
LARGEST_HUNDREDTHS = 3199  # the largest answer anywhere, 31.99
LOSS_NAMES = ("dpo", "dpop", "dpop-outside", "idpop")
CONTROL_NAMES = ("sft-continued", "sft-chosen")
_NEXT_STEP = "Start the stage again, so that it writes run.json anew."

Item = TypeVar("Item")


@dataclass(frozen=True)
class AnswerRange:
    """Smallest and largest valid answer, integer hundredths, both included."""

    smallest: int
    largest: int


@dataclass(frozen=True)
class ModelReference:
    """`base`: a folder, a .gguf file or a Hugging Face id; `adapter`: a PEFT folder put on top."""

    base: str
    adapter: str | None


@dataclass(frozen=True)
class Tuning:
    """Which weights learn."""

    method: Literal["full", "lora"]
    lora_rank: int


@dataclass(frozen=True)
class Validation:
    """Held-out instruction rows and the answers their data set allows."""

    data: Path
    range: AnswerRange


@dataclass(frozen=True)
class Phase:
    """One stretch of supervised training; the budget is optimizer steps."""

    name: str
    data: Path
    steps: int
    batch_size: int  # rows
    learning_rate: float
    history_score_weight: float  # x loss on the history's score tokens
    validate_every: int  # steps


@dataclass(frozen=True)
class Decoder:
    """One way of reading an answer; `max_new_tokens` is greedy's, `draws` sample's."""

    name: Literal["median", "greedy", "sample"]
    max_new_tokens: int
    draws: int


@dataclass(frozen=True)
class LossOrder:
    """`fixed_lambda` serves dpop and dpop-outside; idpop takes mu from the rows."""

    name: str
    beta: float
    fixed_lambda: float


@dataclass(frozen=True)
class CommonOrder:
    """What every verb is told."""

    seed: int
    threads: int | None  # None: torch decides
    model: ModelReference


@dataclass(frozen=True)
class TrainOrder(CommonOrder):
    """`train`: phases in order, the state with the smallest validation MAE goes on."""

    tuning: Tuning
    phases: tuple[Phase, ...]
    validation: Validation | None  # None: the last state is kept
    output: Path


@dataclass(frozen=True)
class PredictOrder(CommonOrder):
    """`predict`: answers to prompt rows, by one or more decoders."""

    data: Path
    range: AnswerRange
    decoders: tuple[Decoder, ...]
    batch_size: int
    output: Path


@dataclass(frozen=True)
class ScoreOrder(CommonOrder):
    """`score`: log-probability of every token of a given answer."""

    data: Path
    batch_size: int
    output: Path


@dataclass(frozen=True)
class AlignOrder(CommonOrder):
    """`align`: preference training on pairs, or one of its controls."""

    tuning: Tuning
    loss: LossOrder
    data: Path
    epochs: int
    batch_size: int
    learning_rate: float
    clip: float  # largest gradient norm
    merge_sft: bool
    checkpoint_every: int  # steps
    validation: Validation | None  # watched, never chooses
    output: Path


Order = TrainOrder | PredictOrder | ScoreOrder | AlignOrder


def read_order(path: Path, verb: str) -> Order:
    """Reads run.json and checks that it is meant for `verb`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).", _NEXT_STEP) from error
    except ValueError as error:
        raise UserError(f"{path}: is not JSON ({error}).", _NEXT_STEP) from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: is not a JSON object.", _NEXT_STEP)
    return parse_order(content, str(path), verb)


def parse_order(content: dict[str, Any], place: str, verb: str) -> Order:
    """The order in a parsed run.json; `place` is what complaints call it."""
    fields = _Fields(content, place)
    version = fields.whole("version", least=0)
    if version != RUN_VERSION:
        raise UserError(
            f"{place}: version {version} is not the version {RUN_VERSION} that this trainer reads.",
            "Install the trainer that belongs to this version of the extension.",
        )
    written_for = fields.one_of("verb", tuple(_PARSERS))
    if written_for != verb:
        raise UserError(
            f"{place}: is written for '{written_for}', not for '{verb}'.", f"Run 'python -m multismp {written_for}'."
        )
    return _PARSERS[verb](fields)


class _Fields:
    """A JSON object whose fields are read by kind; `path` names it in complaints."""

    def __init__(self, content: Mapping[str, Any], place: str, path: str = "") -> None:
        self._content = content
        self._place = place
        self._path = path

    def fail(self, name: str, wanted: str) -> UserError:
        return UserError(f"{self._place}: field '{self._path}{name}' must be {wanted}.", _NEXT_STEP)

    def given(self, name: str) -> bool:
        return self._content.get(name) is not None

    def text(self, name: str) -> str:
        value = self._content.get(name)
        if not isinstance(value, str) or not value:
            raise self.fail(name, "a text that is not empty")
        return value

    def one_of(self, name: str, names: tuple[str, ...]) -> str:
        value = self._content.get(name)
        if value not in names:
            raise self.fail(name, "one of " + ", ".join(names))
        return str(value)

    def whole(self, name: str, least: int = 1, most: int | None = None, default: int | None = None) -> int:
        value = self._content.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON writers differ in how they print 1e3
        if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
            raise self.fail(name, f"a whole number, {least} or larger" + ("" if most is None else f", at most {most}"))
        return value

    def number(self, name: str, zero_allowed: bool = False) -> float:
        value = self._content.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.fail(name, "a finite number")
        if value < 0 or (value == 0 and not zero_allowed):
            raise self.fail(name, "0 or larger" if zero_allowed else "larger than 0")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self._content.get(name, default)
        if not isinstance(value, bool):
            raise self.fail(name, "true or false")
        return value

    def path(self, name: str) -> Path:
        return Path(self.text(name))

    def part(self, name: str) -> _Fields:
        value = self._content.get(name)
        if not isinstance(value, dict):
            raise self.fail(name, "an object")
        return _Fields(value, self._place, f"{self._path}{name}.")

    def parts(self, name: str) -> list[_Fields]:
        value = self._content.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise self.fail(name, "a list of objects that is not empty")
        return [_Fields(item, self._place, f"{self._path}{name}[{at}].") for at, item in enumerate(value)]

    def optional(self, name: str, parse: Callable[[_Fields], Item]) -> Item | None:
        return parse(self.part(name)) if self.given(name) else None


def _common(fields: _Fields) -> dict[str, Any]:
    model = fields.part("model")
    return {
        "seed": fields.whole("seed", least=0),
        "threads": fields.whole("threads") if fields.given("threads") else None,
        "model": ModelReference(model.text("base"), model.text("adapter") if model.given("adapter") else None),
    }


def _range(fields: _Fields) -> AnswerRange:
    smallest = fields.whole("min_hundredths", least=0, most=LARGEST_HUNDREDTHS)
    largest = fields.whole("max_hundredths", least=0, most=LARGEST_HUNDREDTHS)
    if largest < smallest:
        raise fields.fail("max_hundredths", "no smaller than min_hundredths")
    return AnswerRange(smallest, largest)


def _validation(fields: _Fields) -> Validation:
    return Validation(fields.path("data"), _range(fields.part("range")))


def _tuning(fields: _Fields) -> Tuning:
    method: Any = fields.one_of("method", ("full", "lora"))
    return Tuning(method, fields.whole("lora_rank", default=8))


def _phase(fields: _Fields) -> Phase:
    return Phase(
        name=fields.one_of("name", ("pool", "sft")),
        data=fields.path("data"),
        steps=fields.whole("steps"),
        batch_size=fields.whole("batch_size"),
        learning_rate=fields.number("learning_rate"),
        history_score_weight=fields.number("history_score_weight", zero_allowed=True),
        validate_every=fields.whole("validate_every"),
    )


def _decoder(fields: _Fields) -> Decoder:
    name: Any = fields.one_of("name", ("median", "greedy", "sample"))
    return Decoder(name, fields.whole("max_new_tokens", default=16), fields.whole("draws", default=2))


def _train(fields: _Fields) -> TrainOrder:
    return TrainOrder(
        **_common(fields),
        tuning=_tuning(fields.part("tuning")),
        phases=tuple(_phase(phase) for phase in fields.parts("phases")),
        validation=fields.optional("validation", _validation),
        output=fields.path("output"),
    )


def _predict(fields: _Fields) -> PredictOrder:
    return PredictOrder(
        **_common(fields),
        data=fields.path("data"),
        range=_range(fields.part("range")),
        decoders=tuple(_decoder(decoder) for decoder in fields.parts("decoders")),
        batch_size=fields.whole("batch_size"),
        output=fields.path("output"),
    )


def _score(fields: _Fields) -> ScoreOrder:
    return ScoreOrder(
        **_common(fields), data=fields.path("data"), batch_size=fields.whole("batch_size"), output=fields.path("output")
    )


def _align(fields: _Fields) -> AlignOrder:
    loss = fields.part("loss")
    return AlignOrder(
        **_common(fields),
        tuning=_tuning(fields.part("tuning")),
        loss=LossOrder(
            loss.one_of("name", LOSS_NAMES + CONTROL_NAMES), loss.number("beta"), loss.number("lambda", zero_allowed=True)
        ),
        data=fields.path("data"),
        epochs=fields.whole("epochs"),
        batch_size=fields.whole("batch_size"),
        learning_rate=fields.number("learning_rate"),
        clip=fields.number("clip"),
        merge_sft=fields.flag("merge_sft", default=False),
        checkpoint_every=fields.whole("checkpoint_every"),
        validation=fields.optional("validation", _validation),
        output=fields.path("output"),
    )


_PARSERS: dict[str, Callable[[_Fields], Order]] = {"train": _train, "predict": _predict, "score": _score, "align": _align}
