"""`prior --evaluate`: the tables of the base model's card, on invented data sets of three kinds.

Users differ much, little, or not at all. The base is read as it is and after few-shot tuning by two budgets, beside
the two plain guesses that it must keep up with: the user's mean and the global median. No table here says anything
about real posts.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import torch

from . import words
from .checkpoints import JobState, StopSignal
from .config import AnswerRange, ModelReference, Phase, TrainOrder, Tuning, Validation
from .data import InstructionRow, format_hundredths, hundredths
from .decoding import AnswerTrie, PromptBatch
from .events import EventLog
from .failures import UserError
from .instructions import PostText, render_instruction
from .prior import HISTORY_SCORE_WEIGHT, InventedUsers
from .training import train
from .tuning import LoadedModel, load_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW_SHOT_USERS = 200
VALIDATION_USERS = 100
SEEDS = 3
SHOTS = (1, 2, 3)
ANSWERS = AnswerRange(100, 1656)
POSTS = 5
_PROMPTS_AT_ONCE = 16
BUDGETS = ((40, 5e-4), (80, 1e-3))  # steps, peak learning rate


@dataclass(frozen=True)
class Kind:
    """An invented data set: standard deviations, in score units, of what makes up a score."""

    name: str
    user: float
    category: float = 0.3
    noise: float = 0.9


KINDS = (Kind("users differ much", 1.8), Kind("users differ little", 0.5), Kind("users do not differ", 0.0))


@dataclass(frozen=True)
class _Post:
    text: PostText
    score: int  # hundredths


@dataclass
class _Errors:
    """Absolute errors in score units, by shot, over all seeds."""

    by_shot: dict[int, list[float]] = field(default_factory=lambda: {shot: [] for shot in SHOTS})


def evaluate_prior(base: Path, seed: int) -> None:
    """Prints one Markdown table a kind of data: MAE, and the paired difference to the better plain guess."""
    for kind in KINDS:
        found: dict[str, _Errors] = {}
        for at in range(SEEDS):
            _measure(base, kind, seed + at, found)
        _print_table(kind, found)


def _measure(base: Path, kind: Kind, seed: int, found: dict[str, _Errors]) -> None:
    users = _invent(kind, FEW_SHOT_USERS + VALIDATION_USERS, seed)
    few, held_out = users[:FEW_SHOT_USERS], users[FEW_SHOT_USERS:]
    training = [_row(user, user[:shot], user[shot]) for user in few for shot in SHOTS]
    # every validation user is asked once, with two, three or four earlier posts
    validation = [_row(user, user[: 2 + at % 3], user[-1]) for at, user in enumerate(held_out)]
    models = {"base": load_model(ModelReference(str(base), None))}
    for steps, learning_rate in BUDGETS:
        phase = Phase("sft", Path("sft"), steps, 32, learning_rate, HISTORY_SCORE_WEIGHT, validate_every=20)
        models[f"base, tuned {steps} steps at {learning_rate:g}"] = _tune(base, phase, training, validation, seed)
    labels = [post.score for user in few for post in user[: 1 + max(SHOTS)]]
    middle = float(numpy.median(labels))
    for shot in SHOTS:
        rows = [_row(user, user[: shot + 1], user[-1]) for user in few]
        truth = numpy.array([hundredths(row.answer) for row in rows])
        guesses: dict[str, NDArray[numpy.float64]] = {
            "user mean": numpy.array([numpy.mean([post.score for post in user[: shot + 1]]) for user in few]),
            "global median": numpy.full(len(few), middle),
        }
        for name, loaded in models.items():
            guesses[name] = _medians(loaded, rows)
        for name, guess in guesses.items():
            found.setdefault(name, _Errors()).by_shot[shot] += (abs(guess - truth) / 100).tolist()


def _invent(kind: Kind, count: int, seed: int) -> list[list[_Post]]:
    """Users of one invented data set, whose categories are worth the same to everyone."""
    draw = random.Random(f"{kind.name}/{seed}")
    writer = InventedUsers(draw.randrange(2**31))
    numbers = numpy.random.default_rng(draw.randrange(2**31))
    worth = {name.capitalize(): draw.gauss(0, kind.category) for name in draw.sample(words.FIELD_WORDS, 12)}
    users: list[list[_Post]] = []
    for _ in range(count):
        level = 6.4 + draw.gauss(0, kind.user)
        favourites = draw.sample(sorted(worth), 3)
        number = draw.randrange(1000, 300000)
        posts: list[_Post] = []
        for _ in range(POSTS):
            number += draw.randrange(1, 30)
            category = draw.choice(favourites)
            noise = kind.noise * float(numbers.standard_t(5)) / 1.29  # SD of t with 5 degrees of freedom
            score = round(100 * (level + worth[category] + noise))
            text = PostText(str(number), {"title": writer.title(1, 9), "category": category}, {}, writer.caption())
            posts.append(_Post(text, min(ANSWERS.largest, max(ANSWERS.smallest, score))))
        users.append(posts)
    return users


def _row(user: Sequence[_Post], history: Sequence[_Post], question: _Post) -> InstructionRow:
    uid = f"{user[0].text.pid}@N{len(user)}"
    shown = [(post.text, format_hundredths(post.score)) for post in history]
    pieces = render_instruction("smpd", uid, shown, question.text)
    return InstructionRow(f"{question.text.pid}/{len(history)}", tuple(pieces), format_hundredths(question.score))


def _tune(
    base: Path, phase: Phase, training: Sequence[InstructionRow], validation: Sequence[InstructionRow], seed: int
) -> LoadedModel:
    """The very verb `train`, in a job folder that goes away afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder)
        order = TrainOrder(
            seed=seed,
            threads=torch.get_num_threads(),
            model=ModelReference(str(base), None),
            tuning=Tuning("full", 8),
            phases=(phase,),
            validation=Validation(job / "validation", ANSWERS),
            output=job / "model",
        )
        events = EventLog(job / "events.jsonl")
        state = JobState("evaluation", job / "checkpoints")
        train(order, [training], validation, events, state, StopSignal())
        events.close()
        return load_model(ModelReference(str(order.output), None))


@torch.no_grad()
def _medians(loaded: LoadedModel, rows: Sequence[InstructionRow]) -> NDArray[numpy.float64]:
    trie = AnswerTrie(loaded.encoder, ANSWERS)
    prompts = [loaded.encoder.prompt(row.pieces) for row in rows]
    medians = numpy.zeros(len(rows))
    order = sorted(range(len(rows)), key=lambda at: len(prompts[at]))
    for start in range(0, len(order), _PROMPTS_AT_ONCE):
        part = order[start : start + _PROMPTS_AT_ONCE]
        batch = PromptBatch(loaded.model, loaded.encoder, [prompts[at] for at in part])
        for at, distribution in zip(part, batch.distributions(trie, quick=True), strict=True):
            median = distribution.quantile(0.5)
            if median is None:
                raise UserError("The model gives no score any probability.", "Name one that answers with scores.")
            medians[at] = median
    return medians


def _print_table(kind: Kind, found: dict[str, _Errors]) -> None:
    deviations = f"SD {kind.user} between users, {kind.category} between categories, {kind.noise} noise"
    print(f"**{kind.name.capitalize()}** ({deviations})\n")
    print("| | " + " | ".join(f"{shot}-shot" for shot in SHOTS) + " |")
    print("|---" * (len(SHOTS) + 1) + "|")
    better = {
        shot: min(("user mean", "global median"), key=lambda name: numpy.mean(found[name].by_shot[shot])) for shot in SHOTS
    }
    for name, errors in found.items():
        cells: list[str] = []
        for shot in SHOTS:
            own = numpy.array(errors.by_shot[shot])
            cell = f"{own.mean():.3f}"
            if name.startswith("base"):
                difference = own - numpy.array(found[better[shot]].by_shot[shot])
                half = 1.96 * difference.std(ddof=1) / len(difference) ** 0.5
                cell += f" ({difference.mean():+.3f} ± {half:.3f})"
            cells.append(cell)
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()
