"""Renders an instruction from the one clause table, clauses.json (MultiSmpLLM, section 3.3).

An instruction is a list of pieces: ("t", template text), ("v", a value of a post) or ("s", a score). Joined they are
the prompt; apart they let the tokenizer treat a value that says `</s>` or a phrase of the template as plain text. Two
template pieces never stand next to each other. src/domain/instructions.ts renders the same; both sides assert
test/fixtures/instructions.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

PieceKind = Literal["t", "v", "s"]
Piece = tuple[PieceKind, str]

CLAUSES_FILE = Path(__file__).with_name("clauses.json")

# A placeholder and the blank before it, which travels with the value.
_PLACEHOLDER = re.compile(r"( ?)\{(\w+)\}")


@dataclass(frozen=True)
class PostText:
    """What an instruction may say of one post. An empty string is a missing value and drops its clause."""

    pid: str
    fields: Mapping[str, str] = field(default_factory=dict)  # by names of clauses.json, such as "title" or "tagCount"
    extra: Mapping[str, str] = field(default_factory=dict)  # chosen columns of a table, in order; names are values too
    caption: str = ""


@cache
def clause_table() -> dict[str, Any]:
    """The parsed clauses.json."""
    table: dict[str, Any] = json.loads(CLAUSES_FILE.read_text(encoding="utf-8"))
    return table


def render_instruction(template: str, uid: str, history: Sequence[tuple[PostText, str]], question: PostText) -> list[Piece]:
    """The pieces of a whole prompt: instruction, newline, input (method.md, section 3).

    `history` holds each earlier post with its score as printed ("7.52"); all post clauses come first, then all scores.
    """
    table = clause_table()
    names: list[str] = table["templates"][template]
    pieces = _fill(table["instruction"] + "\n" + table["opening"], {"uid": uid})
    for post, _ in history:
        pieces += _post_clause(table, names, post)
    for post, score in history:
        pieces += _fill(table["score"], {"pid": post.pid, "score": score})
    pieces += _question_clause(table, names, question)
    pieces += _fill(table["closing"], {})
    return _merged(pieces)


def template_phrases() -> list[str]:
    """Every constant phrase of the table, split at placeholders: the tiny tokenizer has one token for each."""
    table = clause_table()
    texts = [table["instruction"] + "\n", table["opening"], table["score"], table["closing"]]
    texts += [table["caption"]["after"], table["caption"]["alone"], table["question"]["post"], table["question"]["caption"]]
    texts += [shape for clause in table["fields"].values() for shape in (clause["first"], clause["next"])]
    texts += [table["question"]["field"].replace("{name}", name) for name in table["fieldNames"].values()]
    phrases: dict[str, None] = {}
    for text in texts:
        for kind, segment in _fill(text, _Anything()):
            if kind == "t" and len(segment) > 1:  # a lone full stop is a letter of the tokenizer's alphabet already
                phrases[segment] = None
    return list(phrases)


class _Anything(dict[str, str]):
    """Stands for any value, where only the constant text between values is wanted."""

    def __missing__(self, name: str) -> str:
        return "x"


def _fill(text: str, values: Mapping[str, str]) -> list[Piece]:
    pieces: list[Piece] = []
    position = 0
    for match in _PLACEHOLDER.finditer(text):
        if match.start() > position:
            pieces.append(("t", text[position : match.start()]))
        blank, name = match.groups()
        pieces.append(("s" if name == "score" else "v", blank + values[name]))
        position = match.end()
    if position < len(text):
        pieces.append(("t", text[position:]))
    return pieces


def _post_clause(table: dict[str, Any], names: Sequence[str], post: PostText) -> list[Piece]:
    """The first field that is there carries the post; a caption alone does; a post with nothing has no clause."""
    pieces: list[Piece] = []
    for name in names:
        value = post.fields.get(name, "")
        if value:
            shape = table["fields"][name]["next" if pieces else "first"]
            pieces += _fill(shape, {"pid": post.pid, "value": value})
    for name, value in post.extra.items():
        if value:
            shape = table["fields"]["extra"]["next" if pieces else "first"]
            pieces += _fill(shape, {"pid": post.pid, "name": name, "value": value})
    if pieces:
        pieces += _fill(table["end"], {})
    if post.caption:
        shape = table["caption"]["after" if pieces else "alone"]
        pieces += _fill(shape, {"pid": post.pid, "value": _caption_text(post.caption)})
    return pieces


def _question_clause(table: dict[str, Any], names: Sequence[str], post: PostText) -> list[Piece]:
    question = table["question"]
    pieces = _fill(question["post"], {"pid": post.pid})
    for name in names:
        value = post.fields.get(name, "")
        if value:
            shape = question["field"].replace("{name}", table["fieldNames"][name])
            pieces += _fill(shape, {"value": value})
    for name, value in post.extra.items():
        if value:
            pieces += _fill(question["field"], {"name": name, "value": value})
    pieces += _fill(table["end"], {})
    if post.caption:
        pieces += _fill(question["caption"], {"value": _caption_text(post.caption)})
    return pieces


def _caption_text(caption: str) -> str:
    """A caption is a sentence; the template brings its own full stop, so one trailing stop goes."""
    return caption.removesuffix(".")


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for kind, text in pieces:
        if kind == "t" and merged and merged[-1][0] == "t":
            merged[-1] = ("t", merged[-1][1] + text)
        else:
            merged.append((kind, text))
    return merged
