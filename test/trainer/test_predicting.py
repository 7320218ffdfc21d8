"""`predict` and `score`: the rows they write, and going on after a stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import BASE, RANGE, events_of, invented_rows, predict_order, read_rows, signal_at_call, write_rows
from multismp import predicting
from multismp.tuning import LoadedModel

Run = Callable[[Path, dict[str, Any]], int]
ALL: list[dict[str, Any]] = [{"name": "median"}, {"name": "greedy", "max_new_tokens": 16}, {"name": "sample", "draws": 2}]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl", invented_rows(10, seed=5))


def test_predictions_come_in_the_order_of_the_rows_with_every_decoder(tmp_path: Path, rows: Path, run_verb: Run) -> None:
    job = tmp_path / "job"
    assert run_verb(job, predict_order(BASE, rows, ALL)) == 0
    found = read_rows(job / "predictions.jsonl")
    expected = [
        (row["id"], decoder, draw)
        for row in invented_rows(10, seed=5)
        for decoder, draw in (("median", 0), ("greedy", 0), ("sample", 0), ("sample", 1))
    ]
    assert [(row["id"], row["decoder"], row["draw"]) for row in found] == expected
    fields = {"id", "decoder", "draw", "text", "value_hundredths", "quantiles_hundredths", "mass", "sampled_from"}
    for row in found:
        assert row.keys() == fields
        value = row["value_hundredths"]
        assert value is None or RANGE["min_hundredths"] <= value <= RANGE["max_hundredths"]
        if row["decoder"] == "median":
            quantiles = list(row["quantiles_hundredths"].values())
            assert list(row["quantiles_hundredths"]) == ["2.5", "10", "25", "50", "75", "90", "97.5"]
            assert quantiles == sorted(quantiles)
            assert row["quantiles_hundredths"]["50"] == value
            assert 0 < row["mass"] <= 1.001
        assert row["sampled_from"] == ("trie" if row["decoder"] == "sample" else None)


def test_draws_do_not_depend_on_batches_and_change_with_the_seed(tmp_path: Path, rows: Path, run_verb: Run) -> None:
    for name, changes in (("a", {}), ("b", {"batch_size": 7}), ("c", {"seed": 8})):
        assert run_verb(tmp_path / name, predict_order(BASE, rows, [ALL[2]], **changes)) == 0
    first, rebatched, reseeded = (
        [row["value_hundredths"] for row in read_rows(tmp_path / name / "predictions.jsonl")] for name in "abc"
    )
    assert first == rebatched
    assert first != reseeded


def test_an_untrained_model_writes_no_numbers(random_base: Path, tmp_path: Path, rows: Path, run_verb: Run) -> None:
    """What the paper prints as a dash: free decoding of a model that does not know the format."""
    job = tmp_path / "job"
    assert run_verb(job, predict_order(random_base, rows, [ALL[1]])) == 0
    found = read_rows(job / "predictions.jsonl")
    assert [row["value_hundredths"] for row in found] == [None] * 10
    assert all(row["text"] and len(row["text"]) <= 200 for row in found)


def test_a_stopped_prediction_goes_on_where_it_was(
    tmp_path: Path, rows: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_verb(tmp_path / "whole", predict_order(BASE, rows, ALL)) == 0
    batches = signal_at_call(monkeypatch, predicting, "PromptBatch", 2)
    job = tmp_path / "stopped"
    assert run_verb(job, predict_order(BASE, rows, ALL)) == 143
    assert not (job / "predictions.jsonl").exists()
    with (job / "checkpoints" / "rows.jsonl").open("a", encoding="utf-8") as kept:
        kept.write('["5/9", [{"id')  # the line that a kill tore
    assert run_verb(job, predict_order(BASE, rows, ALL)) == 0
    assert [len(prompts) for _, _, prompts in batches] == [4, 4, 2]
    assert (job / "predictions.jsonl").read_text() == (tmp_path / "whole" / "predictions.jsonl").read_text()


def test_a_batch_that_a_kill_tore_is_done_again_whole(
    tmp_path: Path, rows: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its last rows would stand beside others, and round otherwise."""
    batches = signal_at_call(monkeypatch, predicting, "PromptBatch", 2)
    job = tmp_path / "job"
    assert run_verb(job, predict_order(BASE, rows, ALL)) == 143
    kept = job / "checkpoints" / "rows.jsonl"
    kept.write_bytes(b"".join(kept.read_bytes().splitlines(keepends=True)[:5]))  # one row of the second batch is left
    assert run_verb(job, predict_order(BASE, rows, ALL)) == 0
    assert batches[2][2] == batches[1][2]  # the prompts
    assert [len(prompts) for _, _, prompts in batches] == [4, 4, 4, 2]
    assert [row["id"] for row in read_rows(job / "predictions.jsonl")[::4]] == [f"5/{at}" for at in range(10)]


def test_scores_are_the_log_probabilities_of_each_token(base: LoadedModel, tmp_path: Path, rows: Path, run_verb: Run) -> None:
    job = tmp_path / "job"
    order = predict_order(BASE, rows, ALL, verb="score", output="scores.jsonl")
    assert run_verb(job, order) == 0
    found = read_rows(job / "scores.jsonl")
    for row, scored in zip(invented_rows(10, seed=5), found, strict=True):
        assert scored["id"] == row["id"]
        assert "".join(scored["tokens"]) == f" {row['answer']}</s>"
        assert scored["sum"] == pytest.approx(sum(scored["logps"]))
    first = invented_rows(10, seed=5)[0]
    prompt, answer = base.encoder.prompt(first["pieces"]), base.encoder.answer(first["answer"])
    assert found[0]["logps"] == pytest.approx(predicting.answer_logps(base, [(prompt, answer)])[0], abs=1e-5)
    assert events_of(job, "progress")[-1] | {"time": 0} == {
        "time": 0,
        "event": "progress",
        "what": "scoring",
        "done": 10,
        "total": 10,
    }
