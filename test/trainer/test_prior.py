"""The tiny base: how it is built, that the shipped one has the code's tokenizer and shape, and that it reads histories.

Its weights are not built again here: that takes minutes, and another machine rounds otherwise.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy
import pytest
import torch

from conftest import BASE, invented_rows
from multismp import prior, prior_evaluation
from multismp.config import AnswerRange
from multismp.data import InstructionRow, PromptEncoder, hundredths
from multismp.decoding import AnswerTrie, PromptBatch
from multismp.failures import UserError
from multismp.prior import InventedUsers, PriorSize, build_model, build_prior, build_tokenizer, prior_batches
from multismp.tuning import LoadedModel

LARGEST_SHIPPED = 2_000_000  # bytes, all files


def test_the_shipped_tokenizer_is_the_one_that_the_code_builds(base: LoadedModel) -> None:
    assert build_tokenizer(0).get_vocab() == base.tokenizer.get_vocab()


def test_the_shipped_base_is_small_and_has_the_shape_of_its_card(base: LoadedModel) -> None:
    files = list(BASE.iterdir())
    assert sum(file.stat().st_size for file in files) <= LARGEST_SHIPPED
    size = prior.SIZES["small"]
    config = base.model.config
    assert (config.hidden_size, config.num_hidden_layers) == (size.hidden, size.layers)
    assert config.vocab_size == len(base.tokenizer)
    card = (BASE / "README.md").read_text(encoding="utf-8")
    assert f"{base.parameter_counts()[0]:,} parameters" in card
    assert f"{size.steps:,} steps" in card


@torch.no_grad()
def test_the_base_reads_histories(base: LoadedModel) -> None:
    """On users that it never saw it beats guessing one number for all by far, without any tuning."""
    rows = invented_rows(60, seed=424242)
    truth = numpy.array([hundredths(row["answer"]) for row in rows])
    trie = AnswerTrie(base.encoder, AnswerRange(0, 3199))
    batch = PromptBatch(base.model, base.encoder, [base.encoder.prompt(row["pieces"]) for row in rows])
    medians = numpy.array([found.quantile(0.5) for found in batch.distributions(trie, quick=True)])
    assert abs(medians - truth).mean() < 0.5 * abs(numpy.median(truth) - truth).mean()


def test_the_prior_is_seeded() -> None:
    def first(seed: int) -> list[tuple[list[int], list[int]]]:
        batches = prior_batches(PromptEncoder(build_tokenizer(0)), seed, 4)
        return [(example.prompt, example.answer) for batch in itertools.islice(batches, 3) for example in batch]

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_a_batch_has_one_number_of_posts_and_every_way_of_writing_occurs() -> None:
    users = InventedUsers(3)
    texts: list[str] = []
    for _ in range(120):
        batch = users.batch(3)
        counts = {sum(kind == "s" for kind, _ in pieces) for pieces, _ in batch}
        assert len(counts) == 1
        assert counts <= {1, 2, 3, 4}
        texts += ["".join(text for _, text in pieces) for pieces, _ in batch]
    for phrase in (
        " The title of post",
        " The category of post",
        " The photo in the post shows",
        " the release date is",
        ", the ",
    ):
        assert any(phrase in text for text in texts), phrase
    alone = [text for text in texts if " post shows" not in text and " title " not in text and " category " not in text]
    assert 0.6 < len(alone) / len(texts) < 0.95  # most prompts carry scores alone


def test_number_embeddings_start_in_order() -> None:
    tokenizer = build_tokenizer(0)
    model = build_model(PriorSize(64, 1, 2, 0, 0.0), tokenizer, seed=0)
    embeddings = model.get_input_embeddings().get_parameter("weight").detach()[:, :32]
    numbers = embeddings[[tokenizer.convert_tokens_to_ids(f" {whole}.") for whole in range(32)]]
    near = (numbers[1:] - numbers[:-1]).norm(dim=1)
    far = (numbers[8:] - numbers[:-8]).norm(dim=1)
    assert near.max() < far.min()


def test_building_writes_a_model_that_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(prior.SIZES, "small", PriorSize(16, 1, 2, steps=1000, learning_rate=1e-2, batch_size=1))
    monkeypatch.setattr(InventedUsers, "batch", lambda self, size: [self.user(1, "scores") for _ in range(size)])
    build_prior(tmp_path / "base", "small", seed=0)
    said = capsys.readouterr().out.splitlines()
    first, last = (float(line.split("loss ")[1].split(",")[0]) for line in said)
    assert last < first
    assert (tmp_path / "base" / "tokenizer.json").exists()


def test_a_model_that_gives_scores_no_probability_is_not_measured(learner: LoadedModel) -> None:
    with torch.no_grad():
        for name, parameter in learner.model.named_parameters():
            if name.endswith("norm.weight"):
                parameter.mul_(1e6)  # one token, whichever, takes all there is
    rows = [
        InstructionRow(str(at), tuple((kind, text) for kind, text in row["pieces"]), row["answer"])
        for at, row in enumerate(invented_rows(8, seed=3))
    ]
    with pytest.raises(UserError, match="no score any probability"):
        prior_evaluation._medians(learner, rows)
