"""The command line: `python -m multismp <verb> run.json`, the job folder being the working directory.

Exit codes: 0 done (or done before), 2 orders, data or model cannot be used as they are, 143 stopped on request with a
checkpoint saved, 1 a bug. Orders and data are checked before torch is imported, so that a mistake shows at once.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # before anything that an older Python cannot read
    found = ".".join(map(str, sys.version_info[:3]))
    print(f"multismp needs Python 3.11 or newer; this is {found}. Choose another interpreter.", file=sys.stderr)
    sys.exit(2)  # failures.EXIT_BAD_ORDERS

import argparse
import os
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__
from .checkpoints import JobState, StopSignal, fingerprint
from .config import AlignOrder, Order, PredictOrder, ScoreOrder, TrainOrder, Validation, read_order
from .data import InstructionRow, read_instruction_rows, read_pair_rows, read_prompt_rows
from .events import EventLog
from .failures import EXIT_BAD_ORDERS, EXIT_BUG, EXIT_DONE, EXIT_TERMINATED, Terminated, UserError

JOB_VERBS = {
    "train": "supervised phases (pool, sft); the best state on the validation rows is kept",
    "predict": "answers to prompts: exact median, free greedy decoding, draws",
    "score": "log-probability of every token of given answers",
    "align": "preference training on pairs (dpo, dpop, dpop-outside, idpop) and its controls",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and returns the exit code."""
    options = _parser().parse_args(arguments)
    # Set before torch and tokenizers are imported.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if options.verb == "prior":
        return _answered(lambda: _prior(options), None)
    events = EventLog()
    try:
        return _answered(lambda: _run_job(options.verb, options.run, events), events)
    finally:
        events.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="multismp", description="Trains and reads models that say how popular a post will be."
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    for verb, says in JOB_VERBS.items():
        job = verbs.add_parser(verb, help=says, description=f"{verb}: {says}. The working directory is the job folder.")
        job.add_argument("run", type=Path, help="run.json, see src/protocol/run.ts")
    says = "builds the tiny base model from invented users, or measures one"
    prior = verbs.add_parser("prior", help=says, description=f"prior: {says}.")
    prior.add_argument("--output", type=Path, required=True, help="folder of the base model, written or (--evaluate) read")
    prior.add_argument("--size", choices=("small", "large"), default="small", help="64 wide, 2 layers; or 96 wide, 3 layers")
    prior.add_argument("--seed", type=int, default=0)
    prior.add_argument("--threads", type=int, default=1)
    prior.add_argument("--evaluate", action="store_true", help="print the card's tables for the model in --output")
    return parser


def _answered(work: Callable[[], None], events: EventLog | None) -> int:
    """The exit code of some work; failures are told on standard error and as an event."""
    try:
        try:
            work()
        except ImportError as error:
            raise _explained(error) from error
        return EXIT_DONE
    except UserError as error:
        print(str(error), file=sys.stderr)
        if events is not None:
            events.emit("failed", message=error.what_happened, hint=error.next_step)
        return EXIT_BAD_ORDERS
    except Terminated:
        print("Stopped on request; the same command goes on from here.", file=sys.stderr)
        return EXIT_TERMINATED
    except Exception as error:  # the outermost frame: everything else is our bug
        traceback.print_exc()
        if events is not None:
            message = f"The trainer failed in a way that it does not know: {type(error).__name__}."
            events.emit("failed", message=message, hint="The job's log holds the details; please report them.")
        return EXIT_BUG


def _explained(error: ImportError) -> Exception:
    """A package that is missing or does not fit is for the reader to mend; a name that our own modules lack is a bug."""
    if (error.name or "").split(".")[0] == __package__:
        return error
    said = str(error).strip().partition("\n")[0].rstrip(".")
    return UserError(
        f"This Python lacks a package that the trainer needs, or has one that does not fit: {said}.",
        f"Set up the trainer again, or install its requirements.txt into {sys.executable}.",
    )


def _run_job(verb: str, run_file: Path, events: EventLog) -> None:
    began = time.monotonic()
    order = read_order(run_file, verb)
    work, data_files = _prepared(order)
    state = JobState(fingerprint(run_file, data_files, order.model))
    if state.is_finished(order.output):
        print("This run has finished before; nothing to do.", file=sys.stderr)
        return
    stop = StopSignal()
    stop.install()
    if order.threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(order.threads)  # read when torch is imported
    work(events, state, stop)
    state.finish()
    events.emit("finished", seconds=time.monotonic() - began, peak_memory_bytes=_peak_memory_bytes())


Work = Callable[[EventLog, JobState, StopSignal], None]


def _prepared(order: Order) -> tuple[Work, list[Path]]:
    """The work to do, its data read and checked, and the files that the data came from."""
    if isinstance(order, TrainOrder):
        return _prepared_train(order)
    if isinstance(order, AlignOrder):
        return _prepared_align(order)
    if isinstance(order, ScoreOrder):
        answers = read_instruction_rows(order.data)

        def score(events: EventLog, state: JobState, stop: StopSignal) -> None:
            from .predicting import score as run

            run(order, answers, events, state, stop)

        return score, [order.data]
    assert isinstance(order, PredictOrder)
    prompts = read_prompt_rows(order.data)

    def predict(events: EventLog, state: JobState, stop: StopSignal) -> None:
        from .predicting import predict as run

        run(order, prompts, events, state, stop)

    return predict, [order.data]


def _prepared_train(order: TrainOrder) -> tuple[Work, list[Path]]:
    phases = [read_instruction_rows(phase.data) for phase in order.phases]
    held_out = _validation_rows(order.validation)

    def train(events: EventLog, state: JobState, stop: StopSignal) -> None:
        from .training import train as run

        run(order, phases, held_out, events, state, stop)

    return train, [*(phase.data for phase in order.phases), *_validation_files(order.validation)]


def _prepared_align(order: AlignOrder) -> tuple[Work, list[Path]]:
    pairs = read_pair_rows(order.data)
    held_out = _validation_rows(order.validation)

    def align(events: EventLog, state: JobState, stop: StopSignal) -> None:
        from .aligning import align as run

        run(order, pairs, held_out, events, state, stop)

    return align, [order.data, *_validation_files(order.validation)]


def _validation_rows(validation: Validation | None) -> list[InstructionRow] | None:
    return None if validation is None else read_instruction_rows(validation.data)


def _validation_files(validation: Validation | None) -> list[Path]:
    return [] if validation is None else [validation.data]


def _peak_memory_bytes() -> int:
    """Largest memory of this process; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _prior(options: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(options.threads)
    if options.evaluate:
        from .prior_evaluation import evaluate_prior

        evaluate_prior(options.output, options.seed)
        return
    from .prior import build_prior

    build_prior(options.output, options.size, options.seed)


if __name__ == "__main__":
    sys.exit(main())
