"""run.json: what is accepted, and that a complaint names the field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import align_order, phase, predict_order, train_order
from multismp.config import AlignOrder, AnswerRange, PredictOrder, ScoreOrder, TrainOrder, parse_order, read_order
from multismp.failures import UserError


def orders() -> dict[str, dict[str, Any]]:
    base, data = Path("base"), Path("rows.jsonl")
    return {
        "train": train_order(base, [phase("pool", data), phase("sft", data)], data),
        "predict": predict_order(base, data, [{"name": "median"}, {"name": "greedy"}, {"name": "sample"}]),
        "score": {
            "version": 1,
            "verb": "score",
            "seed": 0,
            "threads": None,
            "model": {"base": "base"},
            "data": "rows.jsonl",
            "batch_size": 8,
            "output": "scores.jsonl",
        },
        "align": align_order(base, data, "idpop"),
    }


def changed(order: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *way, last = path.split("/")
    inner: Any = order
    for step in way:
        inner = inner[int(step) if step.isdigit() else step]
    inner[last] = value
    return order


def test_each_verb_is_read() -> None:
    kinds = {"train": TrainOrder, "predict": PredictOrder, "score": ScoreOrder, "align": AlignOrder}
    for verb, content in orders().items():
        assert type(parse_order(content, "run.json", verb)) is kinds[verb]


def test_values_arrive_where_they_belong() -> None:
    train = parse_order(orders()["train"], "run.json", "train")
    assert isinstance(train, TrainOrder)
    assert [entry.name for entry in train.phases] == ["pool", "sft"]
    assert train.phases[1].history_score_weight == 0.3
    assert train.validation is not None
    assert train.validation.range == AnswerRange(650, 849)
    predict = parse_order(orders()["predict"], "run.json", "predict")
    assert isinstance(predict, PredictOrder)
    assert [(decoder.name, decoder.max_new_tokens, decoder.draws) for decoder in predict.decoders] == [
        ("median", 16, 2),
        ("greedy", 16, 2),
        ("sample", 16, 2),
    ]
    score = parse_order(orders()["score"], "run.json", "score")
    assert score.threads is None
    assert score.model.adapter is None


@pytest.mark.parametrize(
    ("verb", "path", "value", "named"),
    [
        ("train", "phases/1/steps", 0, "phases[1].steps"),
        ("train", "phases/0/learning_rate", -1.0, "phases[0].learning_rate"),
        ("train", "phases/0/learning_rate", "fast", "phases[0].learning_rate"),
        ("train", "phases/0/name", "warm-up", "phases[0].name"),
        ("train", "phases", [], "phases"),
        ("train", "tuning/method", "prefix", "tuning.method"),
        ("train", "model/base", "", "model.base"),
        ("train", "seed", True, "seed"),
        ("train", "threads", 0, "threads"),
        ("predict", "range/max_hundredths", 3200, "range.max_hundredths"),
        ("predict", "range/min_hundredths", 1700, "range.max_hundredths"),
        ("predict", "decoders/1/max_new_tokens", 1.5, "decoders[1].max_new_tokens"),
        ("align", "loss/name", "ppo", "loss.name"),
        ("align", "loss/beta", 0, "loss.beta"),
        ("align", "loss/lambda", float("nan"), "loss.lambda"),
        ("align", "merge_sft", "yes", "merge_sft"),
    ],
)
def test_a_complaint_names_the_field(verb: str, path: str, value: Any, named: str) -> None:
    with pytest.raises(UserError, match=r"run\.json") as complaint:
        parse_order(changed(orders()[verb], path, value), "run.json", verb)
    assert f"'{named}'" in str(complaint.value)


def test_another_version_is_refused() -> None:
    with pytest.raises(UserError, match="version 2"):
        parse_order(changed(orders()["train"], "version", 2), "run.json", "train")


def test_an_order_for_another_verb_is_refused() -> None:
    with pytest.raises(UserError, match="written for 'train', not for 'align'"):
        parse_order(orders()["train"], "run.json", "align")


def test_a_missing_file_and_bad_json_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_order(tmp_path / "run.json", "train")
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="is not JSON"):
        read_order(tmp_path / "run.json", "train")
