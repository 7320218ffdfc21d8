"""events.jsonl: what the trainer tells while it works (src/protocol/events.ts), one JSON object a line, flushed."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tuning import LoadedModel

EVENTS_FILE = Path("events.jsonl")


def finite(value: float) -> float | None:
    """The value, or None (null) where it is not finite: JSON has no infinity."""
    return value if math.isfinite(value) else None


class EventLog:
    """Appends events to the job folder's file; a line that a killed run left unfinished is closed first."""

    def __init__(self, path: Path = EVENTS_FILE, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        torn = _ends_within_a_line(path)
        self._file = path.open("a", encoding="utf-8")
        if torn:
            self._file.write("\n")

    def emit(self, event: str, **fields: Any) -> None:
        """Writes one event with the time, unix seconds."""
        line: Mapping[str, Any] = {"time": self._clock(), "event": event, **fields}
        self._file.write(json.dumps(line, allow_nan=False, ensure_ascii=False) + "\n")
        self._file.flush()

    def progress(self, what: str, done: int, total: int) -> None:
        """How far a piece of work is, in its own units."""
        self.emit("progress", what=what, done=done, total=total)

    def started(self, verb: str, loaded: LoadedModel, resumed_at: int | None = None) -> None:
        """A model is loaded and the work begins, or goes on after this many steps."""
        total, trainable = loaded.parameter_counts()
        self.emit(
            "started",
            verb=verb,
            device=loaded.device,
            dtype=loaded.dtype,
            parameters=total,
            trainable=trainable,
            resumed_at=resumed_at,
        )

    def warning(self, message: str) -> None:
        """Something that a person should know but that stops nothing."""
        self.emit("warning", message=message)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def _ends_within_a_line(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"
