"""What a run keeps below its job folder so that the same command goes on after a kill and never repeats itself.

checkpoints/fingerprint   of orders, data and model; a state made from others is thrown away
checkpoints/state.pt      weights, optimizer, place, random states, best so far; replaced atomically
checkpoints/finished      the fingerprint of the finished run
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from .config import ModelReference
from .failures import Terminated

FOLDER = Path("checkpoints")
CANCEL = "cancel"  # see src/protocol/job.ts


class StopSignal:
    """Remembers that the end was asked for; work stops at the next safe place.

    A supervisor asks by SIGTERM, or SIGBREAK on Windows, where a process without a console never hears it: the job
    folder's file `cancel` says the same and is looked for as well.
    """

    def __init__(self) -> None:
        self._received = False
        self._cancel: Path | None = None

    def install(self) -> None:
        """Listens from now on, in the job folder."""
        for name in ("SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._receive)
        cancel = Path(CANCEL).absolute()
        self._cancel = None if cancel.exists() else cancel  # one from before was about an earlier run

    @property
    def requested(self) -> bool:
        self._received = self._received or (self._cancel is not None and self._cancel.exists())
        return self._received

    def check(self) -> None:
        """Raises Terminated once the end was asked for: for work that is begun anew, or whose caller saves what it did."""
        if self.requested:
            raise Terminated

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._received = True


def fingerprint(run_file: Path, data_files: Iterable[Path], model: ModelReference) -> str:
    """Hash of run.json, the data and the model's files (by name, size and time: weights may be large)."""
    digest = hashlib.sha256(run_file.read_bytes())
    for path in data_files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for path in [Path(name) for name in (model.base, model.adapter) if name is not None]:
        if not path.exists():
            continue  # an id of a hub
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            about = file.stat()
            digest.update(f"{file.name}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
    return digest.hexdigest()


class JobState:
    """The checkpoint folder of one job."""

    def __init__(self, mark: str, folder: Path = FOLDER) -> None:
        self._mark = mark
        self.folder = folder
        known = folder / "fingerprint"
        if folder.exists() and (not known.exists() or known.read_text(encoding="utf-8") != mark):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _replace(known, mark.encode())

    def is_finished(self, output: Path) -> bool:
        """Whether this very run ended before and its output is still there."""
        finished = self.folder / "finished"
        return finished.exists() and finished.read_text(encoding="utf-8") == self._mark and output.exists()

    def finish(self) -> None:
        """Marks the run as done and drops the state, which nobody needs any more."""
        _replace(self.folder / "finished", self._mark.encode())
        (self.folder / "state.pt").unlink(missing_ok=True)

    def save(self, state: dict[str, Any]) -> None:
        """Keeps a state of tensors, numbers, texts, lists and dictionaries; whole or not at all."""
        import torch

        path = self.folder / "state.pt"
        unfinished = path.with_suffix(".writing")
        with unfinished.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)

    def load(self) -> dict[str, Any] | None:
        """The kept state, or None where there is none. Tensors come to the CPU; nothing in the file is run."""
        import torch

        path = self.folder / "state.pt"
        if not path.exists():
            return None
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(path.name + ".writing")
    unfinished.write_bytes(content)
    unfinished.replace(path)
