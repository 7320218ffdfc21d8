"""`prior`: builds the tiny base model and its tokenizer from invented users, seeded, without a single real post.

A model of this size cannot learn from a few hundred users what a number is or that a user's scores hang together. It
learns both here, from users whose level, spread, tails, trend and tastes are drawn anew each time, so that a data
set's own content is all that is left to learn. Every part was found by experiment: one token for each phrase of the
template and for each integer part of a score, digits one by one, embeddings of numbers that start in order, loss on
the history's scores as well.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from . import words
from .data import Example, PromptEncoder, format_hundredths
from .forward import supervised_loss
from .instructions import Piece, PostText, render_instruction, template_phrases
from .schedule import make_optimizer, set_learning_rate
from .tuning import LoadedModel, save_model

if TYPE_CHECKING:
    from collections.abc import Callable

INTEGER_PARTS = 32  # the tokenizer knows " 0." … " 31." as one token each
HISTORY_SCORE_WEIGHT = 0.3
LARGEST_HUNDREDTHS = INTEGER_PARTS * 100 - 1
BYTE_PAIR_VOCABULARY = 1600
CONTEXT_TOKENS = 4096


@dataclass(frozen=True)
class PriorSize:
    """A shape of the tiny base and the budget that fits it."""

    hidden: int
    layers: int
    heads: int
    steps: int
    learning_rate: float
    batch_size: int = 32


SIZES = {
    "small": PriorSize(hidden=64, layers=2, heads=4, steps=7900, learning_rate=3e-3),
    "large": PriorSize(hidden=96, layers=3, heads=4, steps=9400, learning_rate=2e-3),
}


def build_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE over invented text; digits split, template phrases and integer parts as tokens of their own."""
    writer = InventedUsers(seed + 99)
    texts = [text for _ in range(4000) for text in writer.texts()]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=BYTE_PAIR_VOCABULARY,
            special_tokens=["<pad>", "<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    # Not "special": stock decoding with skip_special_tokens must not drop the integer part of an answer.
    phrases = [*template_phrases(), *(f" {whole}." for whole in range(INTEGER_PARTS))]
    tokenizer.add_tokens([AddedToken(phrase, normalized=False, single_word=False) for phrase in phrases])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", model_max_length=CONTEXT_TOKENS
    )


def build_model(size: PriorSize, tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """The untrained base; number tokens start as sinusoids of their value in a quarter of the dimensions."""
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=size.hidden,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.heads,
            vocab_size=len(tokenizer),
            intermediate_size=2 * size.hidden,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=True,
            max_position_embeddings=CONTEXT_TOKENS,
            initializer_range=0.05,
        )
    )
    embeddings = cast("torch.Tensor", model.get_input_embeddings().weight.data)
    wholes = [f" {whole}." for whole in range(INTEGER_PARTS)]
    digits = [str(digit) for digit in range(10)]
    for numbers in (wholes, digits):
        _order_by_value(embeddings, [cast("int", tokenizer.convert_tokens_to_ids(number)) for number in numbers])
    return model


def _order_by_value(embeddings: torch.Tensor, tokens: Sequence[int]) -> None:
    """Writes cosines and sines of value / count over the first half of the tokens' dimensions, in place."""
    width = embeddings.shape[1] // 4
    value = torch.arange(len(tokens)).float()[:, None] / len(tokens)
    frequency = torch.arange(1, width + 1).float()[None] / 2
    waves = torch.cat([torch.cos(math.pi * value * frequency), torch.sin(math.pi * value * frequency)], dim=1)
    embeddings[torch.tensor(tokens), : 2 * width] = 0.075 * waves


class InventedUsers:
    """Draws users who do not exist, with posts that mean nothing but to themselves."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.numbers = numpy.random.default_rng(seed)
        self.words = words.NOUNS + words.QUALITIES + words.DOINGS + words.SMALL_WORDS + words.FIELD_WORDS

    def texts(self) -> list[str]:
        """Text for the tokenizer's merges: a title, a caption and names of fields, each with its leading blank."""
        return [" " + self.title(1, 9), " " + self.caption(), " " + self._category(), " " + self._uid(), " " + self._pid(0)]

    def batch(self, size: int) -> list[tuple[list[Piece], str]]:
        """Prompts with answers, all with one number of earlier posts and one way of writing, so that lengths agree.

        85 % of batches carry scores alone: legal (a missing value drops its clause) and short.
        """
        earlier = self.random.choice((1, 2, 3, 4, 4))
        draw = self.random.random()
        return [self.user(earlier, "scores" if draw < 0.85 else "dates" if draw < 0.88 else "text") for _ in range(size)]

    def user(self, earlier: int, writing: str) -> tuple[list[Piece], str]:
        """One user's prompt after so many earlier posts, and the answer. `writing`: "scores", "dates" or "text"."""
        scores, categories = self._scores(earlier + 1)
        one_decimal = writing == "dates" and self.random.random() < 0.5  # TPIC2017 keeps scores as stored
        style = _Style(self.random)
        number = self.random.randrange(1000, 300000)
        posts: list[PostText] = []
        for category in categories:
            number += self.random.randrange(1, 30)
            pid = str(number) if style.numeric_pids else self._pid(number)
            posts.append(self._post(writing, style, pid, category))
        printed = [f"{score // 10 / 10:.1f}" if one_decimal else format_hundredths(score) for score in scores]
        pieces = render_instruction(
            "tpic2017" if writing == "dates" else "smpd", self._uid(), list(zip(posts[:-1], printed, strict=False)), posts[-1]
        )
        return pieces, format_hundredths(scores[-1])

    def _scores(self, count: int) -> tuple[list[int], list[str]]:
        """Scores in hundredths: level, a trend, the worth of each category to this user, and heavy-tailed noise."""
        draw = self.random
        level = draw.gauss(draw.uniform(2, 20), draw.uniform(0.5, 3))
        spread = math.exp(draw.uniform(math.log(0.15), math.log(2.5)))
        worth_spread = draw.choice((0.0, 0.0, 0.5, 1.5))
        freedom = draw.choice((3, 5, 30))
        trend = draw.gauss(0, 0.1)
        names = [self._category() for _ in range(3)]
        worth = {name: draw.gauss(0, worth_spread) for name in names}
        scores: list[int] = []
        categories: list[str] = []
        for at in range(count):
            category = draw.choice(names)
            score = level + worth[category] + trend * at + spread * float(self.numbers.standard_t(freedom))
            scores.append(min(LARGEST_HUNDREDTHS, max(0, round(score * 100))))
            categories.append(category)
        return scores, categories

    def _post(self, writing: str, style: _Style, pid: str, category: str) -> PostText:
        if writing == "scores":
            return PostText(pid)
        draw = self.random
        caption = self.caption() if style.captions and draw.random() < 0.9 else ""
        if writing == "dates":
            fields = {
                "titleLength": str(draw.randrange(60)),
                "tagCount": str(draw.randrange(40)),
                "releaseDate": f"{draw.randrange(2005, 2026)}-{draw.randrange(1, 13)}-{draw.randrange(1, 29)}",
            }
        else:
            fields = {
                "title": self.title(1, 9) if style.titles and draw.random() < 0.9 else "",
                "category": category if style.categories else "",
                "subcategory": self._category() if style.subcategories else "",
                "concept": draw.choice(words.NOUNS) if style.subcategories and draw.random() < 0.8 else "",
            }
        extra = {name: draw.choice(words.FIELD_WORDS) for name in style.extra_names if draw.random() < 0.9}
        return PostText(pid, fields, extra, caption)

    def title(self, shortest: int, longest: int) -> str:
        """A title of so many words."""
        draw = self.random
        chosen = [
            draw.choice(words.INVENTED_NAMES) if draw.random() < 0.1 else draw.choice(self.words)
            for _ in range(draw.randint(shortest, longest))
        ]
        title = " ".join(chosen)
        return title.capitalize() if draw.random() < 0.3 else title.title() if draw.random() < 0.3 else title

    def caption(self) -> str:
        """One sentence on a picture that does not exist."""
        draw = self.random
        place = draw.choice(("in front of", "next to", "on", "under", "behind", "with", "in", "near"))
        things = [f"a {draw.choice(words.QUALITIES)} {draw.choice(words.NOUNS)}" for _ in range(2)]
        return f"{things[0]} {place} {things[1]}"

    def _category(self) -> str:
        draw = self.random
        names = [draw.choice(words.FIELD_WORDS).capitalize() for _ in range(draw.choice((1, 1, 2, 3)))]
        return "&".join(names)

    def _uid(self) -> str:
        draw = self.random
        if draw.random() < 0.7:
            return f"{draw.randrange(1, 99999)}@N{draw.randrange(10, 99)}"
        return draw.choice(words.INVENTED_NAMES).lower() + draw.choice(("", "_", str(draw.randrange(100))))

    def _pid(self, number: int) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(self.random.choice(letters) for _ in range(self.random.choice((8, 11)))) if number % 2 else str(number)


class _Style:
    """Which clauses one invented user's posts carry, so that a user's posts look alike."""

    def __init__(self, draw: random.Random) -> None:
        self.numeric_pids = draw.random() < 0.9
        self.titles = draw.random() < 0.9
        self.categories = draw.random() < 0.7
        self.subcategories = draw.random() < 0.4
        self.captions = draw.random() < 0.5
        self.extra_names = draw.sample(words.FIELD_WORDS, draw.choice((0, 0, 0, 1, 2)))


def prior_batches(encoder: PromptEncoder, seed: int, batch_size: int) -> Iterator[list[Example]]:
    """Endless batches of invented users, as tokens."""
    users = InventedUsers(seed)
    while True:
        yield [encoder.example(pieces, answer) for pieces, answer in users.batch(batch_size)]


def train_prior(
    model: LlamaForCausalLM,
    encoder: PromptEncoder,
    size: PriorSize,
    seed: int,
    report: Callable[[int, float], None],
) -> None:
    """Fits the base to the prior; `report` hears of every 100th step and the mean loss (nats a token) since."""
    optimizer = make_optimizer(model, size.learning_rate)
    batches = prior_batches(encoder, seed, size.batch_size)
    model.eval()  # no dropout anywhere
    recent: list[float] = []
    for step in range(size.steps):
        set_learning_rate(optimizer, size.learning_rate, step, size.steps)
        loss = supervised_loss(model, next(batches), HISTORY_SCORE_WEIGHT)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent.append(loss.item())
        if (step + 1) % 100 == 0:
            report(step + 1, sum(recent) / len(recent))
            recent.clear()


def build_prior(output: Path, size_name: str, seed: int) -> None:
    """Writes the base model and its tokenizer to `output`; the same seed gives the same model on the same machine."""
    size = SIZES[size_name]
    tokenizer = build_tokenizer(seed)
    model = build_model(size, tokenizer, seed)
    began = time.process_time()

    def report(step: int, loss: float) -> None:
        if step % 500 == 0:
            print(f"step {step} of {size.steps}, loss {loss:.3f}, {time.process_time() - began:.0f} CPU seconds", flush=True)

    train_prior(model, PromptEncoder(tokenizer), size, seed, report)
    save_model(LoadedModel(model, tokenizer, PromptEncoder(tokenizer)), output)
