"""The command line: exit codes, plain messages, and the events file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import BASE, ROOT, events_of, invented_rows, phase, predict_order, read_rows, train_order, write_rows
from multismp import predicting
from multismp.__main__ import JOB_VERBS, main
from multismp.events import EventLog, finite

Run = Callable[[Path, dict[str, Any]], int]
MEDIAN = [{"name": "median"}]


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["--help"])
    assert leaving.value.code == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in [*JOB_VERBS, "prior"])


def test_an_unknown_verb_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["guess", "run.json"])
    assert leaving.value.code == 2
    assert "guess" in capsys.readouterr().err


def test_bad_data_exits_2_and_names_file_and_line(tmp_path: Path, run_verb: Run, capsys: pytest.CaptureFixture[str]) -> None:
    rows = invented_rows(3, seed=1)
    rows[2]["answer"] = "seven"
    data = write_rows(tmp_path / "rows.jsonl", rows)
    job = tmp_path / "job"
    assert run_verb(job, train_order(BASE, [phase("sft", data)], None)) == 2
    said = capsys.readouterr().err
    assert "rows.jsonl, line 3" in said
    assert "Traceback" not in said
    (failed,) = events_of(job, "failed")
    assert "rows.jsonl, line 3" in failed["message"]
    assert failed["hint"]


@pytest.mark.parametrize("base", ["missing/model/folder", "./missing", "missing.gguf"])
def test_a_missing_model_exits_2(tmp_path: Path, run_verb: Run, capsys: pytest.CaptureFixture[str], base: str) -> None:
    data = write_rows(tmp_path / "rows.jsonl", invented_rows(1, seed=1))
    assert run_verb(tmp_path / "job", predict_order(BASE, data, MEDIAN) | {"model": {"base": base}}) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_broken_model_exits_2(tmp_path: Path, run_verb: Run, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(BASE, broken)
    (broken / "model.safetensors").write_bytes(b"cut short")
    data = write_rows(tmp_path / "rows.jsonl", invented_rows(1, seed=1))
    assert run_verb(tmp_path / "job", predict_order(broken, data, MEDIAN)) == 2
    assert "cannot be loaded" in capsys.readouterr().err


def test_a_prompt_beyond_the_context_exits_2(tmp_path: Path, run_verb: Run, capsys: pytest.CaptureFixture[str]) -> None:
    rows = invented_rows(1, seed=1)
    rows[0]["pieces"].append(["v", " word" * 5000])
    data = write_rows(tmp_path / "rows.jsonl", rows)
    assert run_verb(tmp_path / "job", predict_order(BASE, data, MEDIAN)) == 2
    assert "reads at most 4096" in capsys.readouterr().err


def test_a_bug_exits_1_with_its_stack(
    tmp_path: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(predicting, "load_model", broken)
    data = write_rows(tmp_path / "rows.jsonl", invented_rows(1, seed=1))
    job = tmp_path / "job"
    assert run_verb(job, predict_order(BASE, data, MEDIAN)) == 1
    assert "surprise" in capsys.readouterr().err
    assert "KeyError" in events_of(job, "failed")[0]["message"]


def test_a_package_that_is_missing_exits_2(
    tmp_path: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)  # what Python itself keeps of a module that cannot be found
    data = write_rows(tmp_path / "rows.jsonl", invented_rows(2, seed=1))
    job = tmp_path / "job"
    lora = {"method": "lora", "lora_rank": 2}
    assert run_verb(job, train_order(BASE, [phase("sft", data)], None, tuning=lora)) == 2
    said = capsys.readouterr().err
    assert "peft" in said
    assert "Traceback" not in said
    (failed,) = events_of(job, "failed")
    assert "peft" in failed["message"]
    assert "requirements.txt" in failed["hint"]


def test_a_name_that_our_own_modules_lack_is_a_bug(tmp_path: Path, run_verb: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(predicting, "predict")
    data = write_rows(tmp_path / "rows.jsonl", invented_rows(1, seed=1))
    assert run_verb(tmp_path / "job", predict_order(BASE, data, MEDIAN)) == 1


@pytest.mark.parametrize(("version", "code"), [((3, 9, 18), 2), ((3, 11, 0), 0)])
def test_an_older_python_is_told_in_one_sentence(version: tuple[int, int, int], code: int) -> None:
    program = f"import runpy, sys; sys.version_info = {version}; sys.argv = ['multismp', '--version']; "
    program += "runpy.run_module('multismp', run_name='__main__')"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "resources" / "trainer")}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == code
    if code:
        assert ended.stderr == "multismp needs Python 3.11 or newer; this is 3.9.18. Choose another interpreter.\n"


def test_every_event_is_a_line_with_time_and_kind(tmp_path: Path, run_verb: Run) -> None:
    data = write_rows(tmp_path / "rows.jsonl", invented_rows(2, seed=1))
    job = tmp_path / "job"
    assert run_verb(job, predict_order(BASE, data, MEDIAN)) == 0
    kinds = [event["event"] for event in read_rows(job / "events.jsonl")]
    assert kinds == ["progress", "started", "progress", "saved", "finished"]
    assert all(isinstance(event["time"], float) for event in read_rows(job / "events.jsonl"))
    assert events_of(job, "finished")[0]["peak_memory_bytes"] > 0


def test_a_torn_last_line_is_closed_before_new_events(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"time": 1, "event": "warning", "message": "a"}\n{"time": 2, "eve', encoding="utf-8")
    log = EventLog(path, clock=lambda: 3.0)
    log.warning("b")
    log.close()
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[1] == '{"time": 2, "eve'
    assert json.loads(lines[2]) == {"time": 3.0, "event": "warning", "message": "b"}


def test_numbers_that_are_not_finite_become_null() -> None:
    assert [finite(value) for value in (1.5, float("nan"), float("inf"))] == [1.5, None, None]
