"""Runs one job of a job folder and keeps its status true. Standard library only: it is uploaded to hosts as it is.

    supervise FOLDER [--again]   run job.json's command; prints one line once it runs, then nothing more
    status FOLDER                print the judged status as JSON: never what the file claims, always what is true
    cancel FOLDER                end every process of the job, print the status

The files of a job folder are described in src/protocol/job.ts. Three processes take part, so that no single kill loses
the exit code: the supervisor watches and writes `status`; the runner, leader of a session and group of its own, starts
the command and writes `exit_code`; the command does the work. A process belongs to the job when its environment holds
both tags, whichever group it moved to (torchrun's workers leave the group).

Linux is what this is tested on. macOS has no /proc and is asked through `ps`; Windows has neither signals nor readable
environments, so there a cancel ends the runner's process tree.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

VERSION = 1
ENDED = ("succeeded", "failed", "cancelled", "lost")
POLL_SECONDS = 0.1
CANCEL_SLACK_SECONDS = 10.0  # beyond the grace time, before a canceller stops trusting a supervisor that seems to live
KILL_ROUNDS = 20  # a killed process may have started another one just before

EXIT_REFUSED = 75  # EX_TEMPFAIL: the job runs, or has run already
EXIT_USAGE = 64
EXIT_NO_JOB = 66
EXIT_NOT_EXECUTABLE = 127

TAG = "SMP_JOB"
FOLDER_TAG = "SMP_JOB_FOLDER"  # two stores may hold jobs of the same id

WINDOWS = sys.platform == "win32"
LINUX = sys.platform.startswith("linux")

Status = dict[str, Any]


class Refused(Exception):
    """The job must not be started; the message says why."""


class Job:
    """One job folder: its files, and which processes belong to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        text = (self.folder / "job.json").read_text(encoding="utf-8")
        fields = json.loads(text)
        self.id: str = fields["id"]
        if fields["version"] != VERSION or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.id):
            raise ValueError("job.json has a version or an id that this supervisor does not know")
        self.argv: list[str] = fields["argv"]
        self.env: dict[str, str] = fields["env"]
        self.grace_seconds: float = fields["grace_seconds"]

    def path(self, name: str) -> Path:
        return self.folder / name

    def write(self, name: str, text: str) -> None:
        """Replaces a file whole: a reader sees the old text or the new one, never a part."""
        temporary = self.path(f".{name}.{os.getpid()}")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        for _ in range(50):
            try:
                temporary.replace(self.path(name))
                return
            except PermissionError:  # Windows, while a reader has the file open
                time.sleep(0.02)
        temporary.replace(self.path(name))

    def read_status(self) -> Status | None:
        try:
            status: Status = json.loads(self.path("status").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return status

    def write_status(self, status: Status) -> Status:
        status = {**status, "updated": time.time()}
        self.write("status", json.dumps(status))
        return status

    def exit_code(self) -> int | None:
        try:
            return int(self.path("exit_code").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def cancel_asked(self) -> bool:
        return self.path("cancel").exists()

    def tagged_environment(self) -> dict[str, str]:
        return {**os.environ, **self.env, TAG: self.id, FOLDER_TAG: str(self.folder)}

    def processes(self) -> list[int]:
        """Pids of every living process of the job, this one left out. Empty on Windows, which shows no environments."""
        tags = (f"{TAG}={self.id}", f"{FOLDER_TAG}={self.folder}")
        if WINDOWS:
            return []
        if not LINUX:
            return _pids_by_ps(tags)
        wanted = {tag.encode() for tag in tags}
        found: list[int] = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                environment = Path("/proc", entry, "environ").read_bytes()
            except OSError:  # gone meanwhile, or another user's
                continue
            if wanted <= set(environment.split(b"\0")) and start_time(int(entry)) is not None:
                found.append(int(entry))
        return found

    @contextlib.contextmanager
    def lock(self) -> Iterator[bool]:
        """Yields whether this process alone may change the job's state. The system lets go of it when the holder dies."""
        with self.path("lock").open("a+b") as file:
            yield _try_lock(file.fileno())


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _pids_by_ps(tags: tuple[str, ...]) -> list[int]:
    listing = subprocess.run(["ps", "-Aww", "-E", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    found: list[int] = []
    for line in listing.stdout.splitlines():
        pid, _, rest = line.strip().partition(" ")
        if pid.isdigit() and int(pid) != os.getpid() and all(f" {tag}" in rest for tag in tags):
            found.append(int(pid))
    return found


def boot_id() -> str:
    """Names this boot of the machine: after a restart pids begin anew."""
    if LINUX:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    if WINDOWS:
        return "windows"  # start times there are absolute and precise enough to tell boots apart
    uuid = subprocess.run(["sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False)
    return uuid.stdout.strip() or "unknown"


def start_time(pid: int) -> str | None:
    """When the process started, as the system prints it; None when there is no such process or it is a zombie."""
    if LINUX:
        try:
            stat = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
        return None if fields[0] in "ZX" else fields[19]  # field 22 of stat(5)
    if sys.platform == "win32":
        return _start_time_on_windows(pid)
    listing = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = listing.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def _start_time_on_windows(pid: int) -> str | None:
    import ctypes
    from ctypes import wintypes

    kernel = vars(ctypes)["windll"].kernel32  # by name: it is there on Windows alone
    query_limited_information, still_active = 0x1000, 259
    kernel.OpenProcess.restype = wintypes.HANDLE
    handle = wintypes.HANDLE(kernel.OpenProcess(query_limited_information, False, pid))
    if not handle:
        return None
    try:
        code = wintypes.DWORD()
        times = [wintypes.FILETIME() for _ in range(4)]
        if not kernel.GetExitCodeProcess(handle, ctypes.byref(code)) or code.value != still_active:
            return None
        if not kernel.GetProcessTimes(handle, *(ctypes.byref(one) for one in times)):
            return None
        return str((times[0].dwHighDateTime << 32) + times[0].dwLowDateTime)
    finally:
        kernel.CloseHandle(handle)


def alive(pid: int | None, started: str | None, boot: str) -> bool:
    """Pid, start time and boot id must all agree: a reused pid is somebody else."""
    return pid is not None and started is not None and boot == boot_id() and start_time(pid) == started


def _ended_state(job: Job, code: int) -> str:
    if job.cancel_asked():
        return "cancelled"
    return "succeeded" if code == 0 else "failed"


def judge(job: Job) -> Status | None:
    """The job's true status. Writes it down where its supervisor is gone and nobody else could."""
    status = job.read_status()
    if status is None or status["state"] in ENDED:
        return status
    if alive(status["supervisor_pid"], status["supervisor_start"], status["boot_id"]):
        return status
    with job.lock() as held:
        if not held:  # a new supervisor took over since
            return job.read_status()
        status = job.read_status()
        if status is None or status["state"] in ENDED:  # the old one ended in good order since
            return status
        return _judge_unsupervised(job, status)


def _judge_unsupervised(job: Job, status: Status) -> Status:
    if alive(status["child_pid"], status["child_start"], status["boot_id"]) or job.processes():
        return {**status, "state": "running", "reason": "unsupervised"}
    code = job.exit_code()
    if code is not None:
        return job.write_status({**status, "state": _ended_state(job, code), "exit_code": code})
    if job.cancel_asked():
        return job.write_status({**status, "state": "cancelled"})
    reason = "runner_gone" if status["boot_id"] == boot_id() else "host_rebooted"
    return job.write_status({**status, "state": "lost", "reason": reason})


def end_processes(job: Job, status: Status) -> None:
    """TERM to the runner's group, the grace time for every process of the job to save its work, then KILL."""

    def runner_lives() -> bool:
        return alive(status["child_pid"], status["child_start"], status["boot_id"])

    def something_lives() -> bool:
        return runner_lives() or bool(job.processes())

    if runner_lives():
        _ask_to_end(status["child_pid"])
    _wait_while(something_lives, job.grace_seconds)
    for _ in range(KILL_ROUNDS):
        if not something_lives():
            return
        if runner_lives():
            _kill_group(status["child_pid"])
        for pid in job.processes():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        _wait_while(something_lives, 5 * POLL_SECONDS)


def _ask_to_end(leader: int) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":  # reaches nobody where there is no console; the trainer looks for the file `cancel` too
            os.kill(leader, signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(leader, signal.SIGTERM)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(leader)], capture_output=True, check=False)
        else:
            os.killpg(leader, signal.SIGKILL)


def _wait_while(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while condition() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _check_startable(job: Job, again: bool) -> None:
    status = job.read_status()
    if status is None and not job.processes():
        return
    judged = _judge_unsupervised(job, status) if status is not None and status["state"] not in ENDED else status
    if judged is None or judged["state"] == "running" or job.processes():
        raise Refused("processes of this job are still running")
    if not again:
        raise Refused(f"the job has been started before and {judged['state']}")
    if judged["state"] == "succeeded":
        raise Refused("the job has succeeded already")


def supervise(job: Job, again: bool) -> int:
    """Runs the job to its end. One line on standard output tells the starter that it runs, or why it does not."""
    with job.lock() as held:
        try:
            if not held:
                raise Refused("the job is running")
            _check_startable(job, again)
        except Refused as refusal:
            _tell(str(refusal))
            return EXIT_REFUSED
        for leftover in ("exit_code", "cancel"):
            job.path(leftover).unlink(missing_ok=True)
        _close_torn_line(job.path("events.jsonl"))
        status = job.write_status(
            {
                "version": VERSION, "state": "starting", "boot_id": boot_id(),
                "supervisor_pid": os.getpid(), "supervisor_start": start_time(os.getpid()) or "",
                "child_pid": None, "child_start": None,
                "started": time.time(), "exit_code": None, "reason": None,
            }
        )  # fmt: skip
        runner = _start_runner(job)
        status = job.write_status(
            {**status, "state": "running", "child_pid": runner.pid, "child_start": start_time(runner.pid)}
        )
        if not WINDOWS:  # someone ends the supervisor politely: the job is to end politely too
            signal.signal(signal.SIGTERM, lambda *_: _ask_to_end(runner.pid))
        _tell("running")
        while runner.poll() is None and not job.cancel_asked():
            time.sleep(POLL_SECONDS)
        if runner.poll() is None or job.processes():
            end_processes(job, status)  # cancelled, or the command left processes behind
        code = job.exit_code()
        if code is None:  # the runner itself was killed
            code = _shell_code(runner.wait())
            job.write("exit_code", str(code))
        job.write_status({**status, "state": _ended_state(job, code), "exit_code": code})
    return 0


def _start_runner(job: Job) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", __file__, "run", str(job.folder)]
    with job.path("log").open("ab") as log:
        if sys.platform == "win32":
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=job.tagged_environment(),
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW,
            )  # fmt: skip
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=job.tagged_environment(),
            start_new_session=True,
        )  # fmt: skip


def run(job: Job) -> int:
    """The runner: outlives signals meant for the command, so that the exit code is always written."""
    names = ("SIGBREAK", "SIGINT") if WINDOWS else ("SIGTERM", "SIGINT", "SIGHUP")
    for name in names:
        # A handler rather than SIG_IGN: the command must not inherit it.
        signal.signal(getattr(signal, name), lambda *_: None)
    try:
        code = _shell_code(subprocess.Popen(job.argv, cwd=job.folder, stdin=subprocess.DEVNULL).wait())
    except OSError as error:
        print(f"The command could not be started: {error}", file=sys.stderr)
        code = EXIT_NOT_EXECUTABLE
    job.write("exit_code", str(code))
    return code


def _shell_code(code: int) -> int:
    """Ended by signal n is 128 + n, as shells have it."""
    return 128 - code if code < 0 else code


def _close_torn_line(path: Path) -> None:
    """A killed writer may have left half a line; the next one must not be glued to it."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _tell(line: str) -> None:
    """To the starter, who may be dead already; afterwards standard output leads nowhere."""
    with contextlib.suppress(OSError):
        os.write(1, line.encode() + b"\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def cancel(job: Job) -> Status | None:
    """Ends the job. Its supervisor does it where it lives; this process does where it is gone or does not answer."""
    status = judge(job)
    if status is None or status["state"] in ENDED:
        return status
    job.write("cancel", "")

    def in_good_hands() -> bool:
        now = job.read_status()
        return (
            now is not None
            and now["state"] not in ENDED
            and alive(now["supervisor_pid"], now["supervisor_start"], now["boot_id"])
        )

    _wait_while(in_good_hands, job.grace_seconds + CANCEL_SLACK_SECONDS)
    status = judge(job)
    if status is not None and status["state"] not in ENDED:
        end_processes(job, status)
        status = judge(job)
    return status


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or arguments[0] not in ("supervise", "run", "status", "cancel"):
        print(__doc__, file=sys.stderr)
        return EXIT_USAGE
    verb, folder, *options = arguments
    try:
        job = Job(Path(folder))
    except (OSError, ValueError, KeyError) as error:
        print(f"No job here: {error}", file=sys.stderr)
        return EXIT_NO_JOB
    if verb == "supervise":
        return supervise(job, again="--again" in options)
    if verb == "run":
        return run(job)
    print(json.dumps(judge(job) if verb == "status" else cancel(job)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
