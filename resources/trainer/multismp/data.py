"""Rows of a job's data files and their tokens.

A row's prompt comes in pieces (see instructions.py). Template and scores are encoded with the tokenizer as it is; values
are encoded apart, by the same tokenizer without its added tokens, so that a title that says `</s>` or a phrase of the
template stays text (method.md, section 3).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .failures import UserError
from .instructions import Piece

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CANONICAL_SCORE = re.compile(r"(0|[12]?[0-9]|3[01])\.[0-9]{2}")
_PLACEHOLDER = "@@MULTISMP@@"


@dataclass(frozen=True)
class PromptRow:
    """A prompt without an answer."""

    id: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class InstructionRow(PromptRow):
    """A prompt with its answer, canonical "%.2f"."""

    answer: str


@dataclass(frozen=True)
class PairRow(PromptRow):
    """A prompt with two answers; `mu` is the pair's penalty weight (equation 14, taken as given)."""

    chosen: str
    rejected: str
    mu: float
    label: str  # the true score, for the control sft-continued


Row = TypeVar("Row", bound=PromptRow)


def read_prompt_rows(path: Path) -> list[PromptRow]:
    """Rows to predict; an instruction row serves too, its answer is not read."""
    return _read_rows(path, lambda entry: PromptRow(entry.text("id"), entry.pieces()))


def read_instruction_rows(path: Path) -> list[InstructionRow]:
    """Rows to learn from, or to score."""
    return _read_rows(path, lambda entry: InstructionRow(entry.text("id"), entry.pieces(), entry.score("answer")))


def read_pair_rows(path: Path) -> list[PairRow]:
    """Rows to align on."""
    return _read_rows(
        path,
        lambda entry: PairRow(
            entry.text("id"),
            entry.pieces(),
            entry.score("chosen"),
            entry.score("rejected"),
            entry.not_negative("mu"),
            entry.score("label"),
        ),
    )


def hundredths(score: str) -> int:
    """752 for "7.52"."""
    whole, _, decimals = score.partition(".")
    return int(whole) * 100 + int(decimals)


def format_hundredths(value: int) -> str:
    """ "7.52" for 752, the canonical form of an answer."""
    return f"{value // 100}.{value % 100:02d}"


class _Entry:
    """One JSON line, read field by field; complaints name file, line and field."""

    def __init__(self, content: dict[str, Any], place: str) -> None:
        self.content = content
        self.place = place

    def fail(self, field: str, wanted: str) -> UserError:
        return UserError(f"{self.place}: field '{field}' must be {wanted}.", "Make the data file again from its stage.")

    def text(self, field: str) -> str:
        value = self.content.get(field)
        if not isinstance(value, str) or not value:
            raise self.fail(field, "a text that is not empty")
        return value

    def score(self, field: str) -> str:
        value = self.content.get(field)
        if not isinstance(value, str) or not _CANONICAL_SCORE.fullmatch(value):
            raise self.fail(field, 'a score with two decimals between 0.00 and 31.99, such as "7.52"')
        return value

    def not_negative(self, field: str) -> float:
        value = self.content.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise self.fail(field, "a finite number, 0 or larger")
        return float(value)

    def pieces(self) -> tuple[Piece, ...]:
        value = self.content.get("pieces")
        if not isinstance(value, list) or not value:
            raise self.fail("pieces", 'a list of ["t" | "v" | "s", text] that is not empty')
        pieces: list[Piece] = []
        for at, piece in enumerate(value):
            if (
                not isinstance(piece, list)
                or len(piece) != 2
                or piece[0] not in ("t", "v", "s")
                or not isinstance(piece[1], str)
            ):
                raise self.fail(f"pieces[{at}]", '["t" | "v" | "s", text]')
            pieces.append((piece[0], piece[1]))
        return tuple(pieces)


def _read_rows(path: Path, make: Callable[[_Entry], Row]) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).", "Make the data file again from its stage.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text.", "Make the data file again from its stage.") from error
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            content = json.loads(line)
        except ValueError as error:
            raise UserError(f"{place}: is not JSON ({error}).", "Make the data file again from its stage.") from error
        if not isinstance(content, dict):
            raise UserError(f"{place}: is not a JSON object.", "Make the data file again from its stage.")
        row = make(_Entry(content, place))
        if row.id in seen:
            raise UserError(
                f"{place}: id '{row.id[:80]}' stands on line {seen[row.id]} already.",
                "Make the data file again from its stage.",
            )
        seen[row.id] = number
        rows.append(row)
    if not rows:
        raise UserError(f"{path}: holds no rows.", "Make the data file again from its stage.")
    return rows


@dataclass(frozen=True)
class Example:
    """One prompt with one answer as tokens, the answer closed by its end token."""

    prompt: list[int]
    answer: list[int]
    history_positions: list[int]  # places in `prompt` that hold a score's integer part or first decimal

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class PromptEncoder:
    """Turns pieces and answers into tokens of one model's tokenizer.

    With a chat template the prompt is one user turn, generation prompt on, one BOS, and the answer ends with the end of
    the turn. Without one the prompt is the text itself and the answer starts with a blank and ends with EOS.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        from tokenizers import Tokenizer

        backend = getattr(tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            raise UserError(
                "This model's tokenizer has no fast version, so values cannot be kept apart from the template.",
                "Choose a model whose folder holds a tokenizer.json.",
            )
        self.tokenizer = tokenizer
        self._backend: Any = backend
        without_added_tokens = json.loads(backend.to_str())
        without_added_tokens["added_tokens"] = []
        self._value_backend: Any = Tokenizer.from_str(json.dumps(without_added_tokens))
        self._known_text: dict[Piece, tuple[list[int], list[int]]] = {}  # template and score pieces recur
        self._before: list[int] = []
        self._after: list[int] = []
        self.answer_prefix = " "
        self.end_token = self._end_of_sequence()
        if getattr(tokenizer, "chat_template", None):
            self._use_chat_template()
        self._prepend_bos_once()

    def prompt(self, pieces: Sequence[Piece]) -> list[int]:
        """The prompt's tokens."""
        return self.prompt_with_scores(pieces)[0]

    def prompt_with_scores(self, pieces: Sequence[Piece]) -> tuple[list[int], list[int]]:
        """The prompt's tokens, and the places in them of each score's integer part and first decimal."""
        ids = list(self._before)
        positions: list[int] = []
        for piece in _joined_template(pieces):
            tokens, score_tokens = self._piece(piece)
            positions += [len(ids) + at for at in score_tokens]
            ids += tokens
        return ids + self._after, positions

    def answer(self, score: str) -> list[int]:
        """The tokens of a canonical answer, tokenized apart from the prompt, and the end token."""
        return [*self._piece(("s", self.answer_prefix + score))[0], self.end_token]

    def answer_text(self, tokens: Sequence[int]) -> str:
        """What the tokens of an answer say, up to the first end token, without surrounding blanks."""
        shown: list[int] = []
        for token in tokens:
            if token in (self.end_token, self.tokenizer.eos_token_id):
                break
            shown.append(int(token))
        return str(self._backend.decode(shown, skip_special_tokens=False)).strip()

    def example(self, pieces: Sequence[Piece], score: str) -> Example:
        """A prompt with its answer, ready for a batch."""
        prompt, positions = self.prompt_with_scores(pieces)
        return Example(prompt, self.answer(score), positions)

    def _piece(self, piece: Piece) -> tuple[list[int], list[int]]:
        kind, text = piece
        if kind == "v":
            return list(self._value_backend.encode(text, add_special_tokens=False).ids), []
        known = self._known_text.get(piece)
        if known is None:
            encoding = self._backend.encode(text, add_special_tokens=False)
            places: list[int] = []
            if kind == "s" and "." in text:
                first_decimal = text.index(".") + 1
                places = [at for at, (start, _) in enumerate(encoding.offsets) if start <= first_decimal]
            known = (list(encoding.ids), places)
            self._known_text[piece] = known
        return known

    def _end_of_sequence(self) -> int:
        end = self.tokenizer.eos_token_id
        if not isinstance(end, int):
            raise UserError("This model's tokenizer names no end-of-sequence token.", "Choose another model.")
        return end

    def _use_chat_template(self) -> None:
        turn = [{"role": "user", "content": _PLACEHOLDER}]
        question = str(self.tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
        before, found, after = question.partition(_PLACEHOLDER)
        if not found:
            raise UserError("This model's chat template leaves the user's text out.", "Choose another model.")
        self._before = list(self._backend.encode(before, add_special_tokens=False).ids)
        self._after = list(self._backend.encode(after, add_special_tokens=False).ids)
        self.answer_prefix = ""
        answered = str(
            self.tokenizer.apply_chat_template(
                [*turn, {"role": "assistant", "content": _PLACEHOLDER}], tokenize=False, add_generation_prompt=False
            )
        )
        closing = self._backend.encode(answered.rpartition(_PLACEHOLDER)[2], add_special_tokens=False).ids
        added = self._backend.get_added_tokens_decoder()
        if closing and closing[0] in added:
            self.end_token = int(closing[0])

    def _prepend_bos_once(self) -> None:
        bos = self.tokenizer.bos_token_id
        own_habit = self._backend.encode("x", add_special_tokens=True).ids
        if isinstance(bos, int) and own_habit[:1] == [bos] and self._before[:1] != [bos]:
            self._before.insert(0, bos)


def _joined_template(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces with neighbouring template pieces joined, so that tokens do not depend on how a writer cut them."""
    waiting = ""
    for kind, text in pieces:
        if kind == "t":
            waiting += text
            continue
        if waiting:
            yield ("t", waiting)
            waiting = ""
        yield (kind, text)
    if waiting:
        yield ("t", waiting)


def length_bucketed_batches(
    lengths: Sequence[int], batch_size: int, order: random.Random, pool_of: int = 16
) -> list[list[int]]:
    """One pass over the rows as batches of indices of similar length.

    Rows are shuffled, sorted by length within stretches of `pool_of` batches and cut; the batches are shuffled again.
    """
    indices = list(range(len(lengths)))
    order.shuffle(indices)
    batches: list[list[int]] = []
    stretch = batch_size * pool_of
    for start in range(0, len(indices), stretch):
        part = sorted(indices[start : start + stretch], key=lambda index: lengths[index])
        batches += [part[at : at + batch_size] for at in range(0, len(part), batch_size)]
    order.shuffle(batches)
    return batches
