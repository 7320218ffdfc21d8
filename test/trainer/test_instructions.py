"""The instruction's words: the golden file that the TypeScript side asserts too, and the paper's own example."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from conftest import ROOT
from multismp.instructions import PostText, clause_table, render_instruction, template_phrases
from multismp.prior import INTEGER_PARTS
from multismp.tuning import LoadedModel

CASES = json.loads((ROOT / "test" / "fixtures" / "instructions.json").read_text(encoding="utf-8"))["cases"]

TABLE_8 = (
    "The target user ID is 387@N54. The information and popularity of the posts published by this user are as follows: "
    "The title length of post 606812 is 18, the number of tags is 7, the release date is 2012-7-16. The photo in the post "
    "shows ... The popularity score of post 606812 is 7.2. The popularity score of post 608844 is 5.8. The target new post "
    "is 608845, the title length is 20, the number of tags is 0, the release date is 2012-7-23. The photo in the new post "
    "shows ... Provide the popularity score for this new post."
)


def post(content: dict[str, Any]) -> PostText:
    return PostText(content["pid"], content["fields"], content["extra"], content["caption"])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_golden_cases(case: dict[str, Any]) -> None:
    history = [(post(entry), entry["score"]) for entry in case["history"]]
    pieces = render_instruction(case["template"], case["uid"], history, post(case["question"]))
    assert [list(piece) for piece in pieces] == case["pieces"]
    assert "".join(text for _, text in pieces) == case["text"]


def test_table_8_of_the_paper_is_a_golden_case() -> None:
    assert clause_table()["instruction"] + "\n" + TABLE_8 in [case["text"] for case in CASES]


def test_template_pieces_never_stand_side_by_side() -> None:
    for case in CASES:
        kinds = [kind for kind, _ in case["pieces"]]
        assert ("t", "t") not in pairwise(kinds)


def test_every_phrase_and_integer_part_is_one_token_of_the_base(base: LoadedModel) -> None:
    vocabulary = base.tokenizer.get_vocab()
    for phrase in [*template_phrases(), *(f" {whole}." for whole in range(INTEGER_PARTS))]:
        assert phrase in vocabulary, phrase
        assert base.encoder.prompt([("t", phrase)]) == [vocabulary[phrase]]
