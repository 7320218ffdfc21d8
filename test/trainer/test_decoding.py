"""The exact distribution against brute force, its read-outs by hand, and free greedy decoding against `generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from conftest import BASE, invented_rows
from multismp import decoding
from multismp.config import AnswerRange, ModelReference
from multismp.data import PromptEncoder, format_hundredths
from multismp.decoding import AnswerTrie, Distribution, PromptBatch
from multismp.predicting import answer_logps, parse_answer
from multismp.sampling import sample_answer, uniform_draw
from multismp.tuning import LoadedModel, load_model

RANGE = AnswerRange(980, 1120)  # across the change from one digit to two


def prompts(loaded: LoadedModel, count: int = 3) -> list[list[int]]:
    rows = invented_rows(count, seed=5) + invented_rows(1, seed=6, writing="text")  # lengths differ: padding matters
    return [loaded.encoder.prompt(row["pieces"]) for row in rows]


@torch.no_grad()
def by_brute_force(loaded: LoadedModel, prompt: list[int], answers: AnswerRange) -> list[float]:
    """Each answer's probability from a pass of its own."""
    rows = [(prompt, loaded.encoder.answer(format_hundredths(value))) for value in range(answers.smallest, answers.largest + 1)]
    return [float(numpy.exp(sum(logps))) for logps in answer_logps(loaded, rows)]


@torch.no_grad()
def distributions(loaded: LoadedModel, batch: list[list[int]], answers: AnswerRange, quick: bool = False) -> list[Distribution]:
    trie = AnswerTrie(loaded.encoder, answers)
    return PromptBatch(loaded.model, loaded.encoder, batch).distributions(trie, quick)


def uncut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "EXACT_SHARE", 0.0)


def test_a_model_that_is_certain_of_nothing_is_read_answer_by_answer(
    random_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncut(monkeypatch)
    loaded = load_model(ModelReference(str(random_base), None))
    batch = prompts(loaded)
    for prompt, found in zip(batch, distributions(loaded, batch, RANGE), strict=True):
        assert found.probabilities == pytest.approx(by_brute_force(loaded, prompt, RANGE), rel=1e-4)


def test_the_base_is_certain_of_the_end_and_loses_nothing_by_that(base: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = prompts(base)
    found = distributions(base, batch, RANGE)
    monkeypatch.setattr(decoding, "CERTAIN_END", 2.0)  # out of reach: every end token is computed
    for prompt, quick, slow in zip(batch, found, distributions(base, batch, RANGE), strict=True):
        truth = by_brute_force(base, prompt, RANGE)
        assert slow.probabilities == pytest.approx(truth, rel=1e-3, abs=1e-9)
        assert quick.probabilities == pytest.approx(truth, rel=2e-3, abs=1e-9)
        assert quick.quantile(0.5) == slow.quantile(0.5)


def test_small_branches_cost_no_more_than_their_mass(base: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = prompts(base)
    wide = AnswerRange(0, 3199)
    cut = distributions(base, batch, wide)
    uncut(monkeypatch)
    for kept, whole in zip(cut, distributions(base, batch, wide), strict=True):
        assert 0 <= whole.mass - kept.mass < 1e-4
        assert whole.mass <= 1 + 1e-6


def test_passes_may_be_as_narrow_as_memory_demands(base: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = prompts(base)
    wide = distributions(base, batch, RANGE)
    monkeypatch.setattr(decoding, "_NODES_PER_ROW", 3)
    for narrow, found in zip(distributions(base, batch, RANGE), wide, strict=True):
        assert narrow.probabilities == pytest.approx(found.probabilities, rel=1e-4, abs=1e-9)


def test_quick_reading_differs_by_the_end_token_alone(base: LoadedModel) -> None:
    batch = prompts(base)
    for quick, exact in zip(distributions(base, batch, RANGE, quick=True), distributions(base, batch, RANGE), strict=True):
        assert abs(quick.quantile(0.5) - exact.quantile(0.5)) <= 1  # type: ignore[operator]


def test_another_tokenizer_spells_numbers_its_own_way(random_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the tokens of integer parts an answer is " ", digits, ".", digits: a deeper trie of unequal lengths."""
    uncut(monkeypatch)
    tokenizer = AutoTokenizer.from_pretrained(random_base)
    encoder = PromptEncoder(tokenizer)
    encoder._backend = encoder._value_backend  # the tokenizer without any added token
    loaded = load_model(ModelReference(str(random_base), None))
    loaded.encoder = encoder
    assert {len(encoder.answer("9.99")), len(encoder.answer("10.00"))} == {6, 7}
    batch = prompts(loaded)
    for prompt, found in zip(batch, distributions(loaded, batch, RANGE), strict=True):
        assert found.probabilities == pytest.approx(by_brute_force(loaded, prompt, RANGE), rel=1e-3)


def test_read_outs_by_hand() -> None:
    # shares 0.1, 0.4, 0.0, 0.5 of a mass of 0.8: half of the mass is reached at the second answer
    found = Distribution(700, numpy.array([0.08, 0.32, 0.0, 0.4]))
    assert found.mass == pytest.approx(0.8)
    assert [found.quantile(level) for level in (0.05, 0.1, 0.11, 0.5, 0.51, 1.0)] == [700, 700, 701, 701, 703, 703]
    assert found.entropy() == pytest.approx(-(0.1 * numpy.log(0.1) + 0.4 * numpy.log(0.4) + 0.5 * numpy.log(0.5)))
    assert [sample_answer(found, place) for place in (0.0, 0.099, 0.101, 0.499, 0.501, 0.999999)] == [
        700,
        700,
        701,
        701,
        703,
        703,
    ]
    nothing = Distribution(700, numpy.zeros(4))
    assert nothing.quantile(0.5) is None
    assert sample_answer(nothing, 0.5) is None


def test_draws_depend_on_seed_row_and_draw_alone() -> None:
    draws = {uniform_draw(seed, row, draw) for seed in range(10) for row in ("a", "b") for draw in range(10)}
    assert len(draws) == 200
    assert all(0 <= draw < 1 for draw in draws)
    assert uniform_draw(3, "a", 1) == uniform_draw(3, "a", 1)
    assert 0.4 < sum(draws) / len(draws) < 0.6


@torch.no_grad()
def test_greedy_decoding_equals_generate(base: LoadedModel, random_base: Path) -> None:
    for loaded, folder in ((base, BASE), (load_model(ModelReference(str(random_base), None)), random_base)):
        stock: Any = AutoModelForCausalLM.from_pretrained(folder)  # the library's types refuse their own models
        batch = prompts(loaded)
        found = PromptBatch(loaded.model, loaded.encoder, batch).greedy(6)
        for prompt, tokens in zip(batch, found, strict=True):
            said = stock.generate(torch.tensor([prompt]), max_new_tokens=6, do_sample=False)[0, len(prompt) :].tolist()
            assert tokens == (said[: said.index(loaded.encoder.end_token)] if loaded.encoder.end_token in said else said)


@torch.no_grad()
def test_decoders_do_not_disturb_each_other(base: LoadedModel) -> None:
    batch = prompts(base)
    trie = AnswerTrie(base.encoder, RANGE)
    together = PromptBatch(base.model, base.encoder, batch)
    first, greedy, second = together.distributions(trie), together.greedy(6), together.distributions(trie)
    assert greedy == PromptBatch(base.model, base.encoder, batch).greedy(6)
    for left, right in zip(first, second, strict=True):
        assert left.probabilities == pytest.approx(right.probabilities, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("7.52", 752), ("16.56", 1656), ("1.00", 100), ("16.57", None), ("0.99", None), ("7.5", None), ("7.521", None)),
        *(("about 7.52", None), ("7,52", None), ("-7.52", None), ("", None), ("٧.52", None)),
    ],
)
def test_only_a_number_with_two_decimals_within_the_range_counts(text: str, value: int | None) -> None:
    assert parse_answer(text, AnswerRange(100, 1656)) == value
