"""The two kinds of error and the exit codes that tell them apart.

`UserError` says what happened and what to do next and is shown as it is; anything else that is raised is our bug.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_BUG = 1
EXIT_BAD_ORDERS = 2  # run.json, its data or its model cannot be used as they are
EXIT_TERMINATED = 143  # 128 + SIGTERM: stopped on request with a checkpoint saved


class UserError(Exception):
    """A failure that the reader of the message can mend: `what_happened` in one sentence, then `next_step`."""

    def __init__(self, what_happened: str, next_step: str = "") -> None:
        super().__init__(f"{what_happened} {next_step}".strip())
        self.what_happened = what_happened
        self.next_step = next_step


class Terminated(Exception):
    """SIGTERM arrived and everything that a later run needs is on disk."""
