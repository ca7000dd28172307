"""Runs programs of the operator's own: which, how and within which bounds stands in [scripts] of the settings alone.

What it is told comes as JSON on standard input. A process of its own keeps the bounds, see `warden`. Linux only.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from misp_workflow import settings
from misp_workflow.delivery.guard import cut
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Command, Json, mask
from misp_workflow.errors import SettingsError
from misp_workflow.settings import Settings
from misp_workflow.settings.scripts import Script
from misp_workflow.settings.state import user_name

WARDEN = Path(__file__).with_name("warden.py")
AROUND = 0.7
"""Seconds that a run takes beside the program's own time: until it runs, and until nothing of it is left."""
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
LONGEST_LINE = 300
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ENDED = {
    "time": "took longer than {0.timeout:g} s",
    "memory": "took more memory than its {0.memory:,} bytes",
    "processes": "started more than {0.processes} processes",
    "output": "wrote more than {0.output:,} bytes",
    "stopped": "was ended with this server",
}


def send(command: Command, key: str, deadline: float) -> Answer:
    """Run the program; SettingsError when it may not be run as it stands there.

    Exit status 0 is yes, 75 is "not now", every other a no. A worker gives the program all its time, whatever the
    deadline; a gate, for which MISP waits, only what is left.
    """
    if (known := foreseen(command)) is not None:
        return known
    rules = settings.current()
    script, left = rules.scripts.named(command.script), deadline - time.monotonic() - AROUND
    seconds = script.timeout if command.keep else min(script.timeout, left)
    if seconds <= 0:
        return Answer(outcome="again", detail=f"there was no time left to run the script {script.name}")
    if seconds > left and left <= rules.answer_within:  # somebody waits
        return Answer(outcome="again", detail=f"the script {script.name} runs in the background", more=True)
    said = _run(script, program_of(rules, script), command.input, key, seconds)
    return _answer(script, said, (*command.secrets, *script.resolved().values()), final=command.keep)


def foreseen(command: Command) -> Answer | None:
    """Return the answer that is certain before anything runs; None where it is the program that says."""
    rules = settings.current()
    try:
        script = rules.scripts.named(command.script)
    except SettingsError as error:  # no mending of the settings is to be waited for: it may be misspelt
        return Answer(outcome="refused" if command.keep else "again", detail=str(error))
    why = obstacle(rules, script)
    return Answer(outcome="again", detail=why) if why else None


def obstacle(rules: Settings, script: Script) -> str:
    """Return why the script is not run as it stands here, "" when it is."""
    try:
        program_of(rules, script)
        _identity(script)
    except SettingsError as error:
        return str(error)
    return ""


def program_of(rules: Settings, script: Script) -> Path:
    """Return the file to run; SettingsError when it is not there, or anybody else may decide what it does."""
    if sys.platform != "linux":
        raise SettingsError("Scripts are run on Linux only: nothing else ends a program with all that it started.")
    if rules.scripts.folder is None:
        raise SettingsError("No program is run: scripts.folder does not say where they are.")
    place = rules.scripts.folder / script.program
    what = f"The program {place} of scripts.{script.name}"
    try:
        folder, real = rules.scripts.folder.resolve(strict=True), place.resolve(strict=True)
        if real.parent != folder:
            raise SettingsError(f"{what} is a link out of its folder.")
        for path in (real, *real.parents):
            if trouble := _openness(path.stat(), is_folder=path != real):
                raise SettingsError(f"{what} is not run: {path} {trouble}.")
    except (OSError, RuntimeError) as error:
        raise SettingsError(f"{what} cannot be run: {getattr(error, 'strerror', None) or error}.") from None
    return real


def _openness(status: os.stat_result, *, is_folder: bool) -> str:
    """Return why others could exchange it, "" when they cannot."""
    if not is_folder and not stat.S_ISREG(status.st_mode):
        return "is no regular file"
    if status.st_uid not in (0, os.geteuid()):
        return f"belongs to {user_name(status.st_uid)}, who is neither root nor {user_name(os.geteuid())}"
    # What others put into a folder with the sticky bit takes no place of what is there.
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not (is_folder and status.st_mode & stat.S_ISVTX):
        return "may be changed by others; do: chmod go-w"
    if not is_folder and not status.st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH):
        return "may not be executed; do: chmod +x"
    return ""


def _identity(script: Script) -> list[int] | None:
    """Return the user and group id to become, None to stay who we are; SettingsError when that cannot be."""
    import pwd

    me, where = os.geteuid(), f"scripts.{script.name}.user"
    if not script.user:
        if me == 0:
            raise SettingsError(f"Root runs no script as itself: name a user of its own in {where}.")
        return None
    try:
        entry = pwd.getpwnam(script.user)
    except KeyError:
        raise SettingsError(f"{where}: this machine has no user {script.user}.") from None
    if entry.pw_uid == 0:
        raise SettingsError(f"{where}: a script is not run as root.")
    if me not in (0, entry.pw_uid):
        raise SettingsError(f"{where}: {user_name(me)} runs this and cannot become {script.user}; only root can.")
    return [entry.pw_uid, entry.pw_gid] if me == 0 else None


def _run(script: Script, program: Path, content: Json, key: str, seconds: float) -> dict[str, Any]:
    """Return what the warden says of one run."""
    user = _identity(script)
    environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/", "SCRIPT": script.name, "EFFECT_KEY": key}
    environment |= script.resolved()
    with _as_file(content) as file, _pipe() as (control, hold):
        orders = {
            "command": [str(program), *script.arguments],
            "input": file.fileno(),
            "control": control,
            "user": user,
            "seconds": seconds,
            "memory": script.memory,
            "processes": script.processes,
            "output": script.output,
        }
        warden = subprocess.Popen(  # noqa: S603 - our own file, and nothing of an event in its arguments
            [sys.executable, "-I", "-S", str(WARDEN), json.dumps(orders)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            pass_fds=(file.fileno(), control),
            start_new_session=True,
        )
        with warden:
            try:
                told, _ = warden.communicate(timeout=seconds + 10 * AROUND)
            except subprocess.TimeoutExpired:  # it ends all when the pipe is closed
                os.close(hold.pop())
                told, _ = warden.communicate()
    try:
        found: dict[str, Any] = json.loads(told)
    except ValueError:
        return {"trouble": "what keeps its bounds could not be started"}
    return found


@contextlib.contextmanager
def _as_file(content: Json) -> Iterator[IO[bytes]]:
    """Yield a file without a name that holds the JSON: a program that does not read it holds nobody up."""
    try:
        text = orjson.dumps(content)
    except TypeError:  # half of a surrogate pair, or an integer beyond 64 bits: JSON can say both
        text = json.dumps(content).encode()
    with tempfile.TemporaryFile() as file:
        file.write(text)
        file.seek(0)
        yield file


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, list[int]]]:
    """Yield the reading end of a pipe that says nothing, and the writing end: whoever takes that out closes it."""
    control, hold = os.pipe()
    held = [hold]
    try:
        yield control, held
    finally:
        for one in (control, *held):
            os.close(one)


def _answer(script: Script, said: dict[str, Any], secrets: tuple[str, ...], *, final: bool) -> Answer:
    """Return what the run means; `final`: a program that had to be ended is not run again."""
    name = f"the script {script.name}"
    if said["trouble"]:
        raise SettingsError(f"{name.capitalize()} cannot be run: {said['trouble']}.")
    if said["ended"] or said["left"]:
        why = _ENDED.get(said["ended"], "ended").format(script)
        left = f"; {said['left']} of its processes could not be ended" if said["left"] else " and was ended"
        stopped = said["ended"] == "stopped"
        outcome = "refused" if final and not stopped else "again"
        return Answer(outcome=outcome, detail=f"{name} {why}{'' if stopped and not said['left'] else left}")  # type: ignore[arg-type]
    status, line = said["status"], mask(_line(said), secrets)
    if status == 0:
        return Answer(outcome="delivered", detail=f"{name} ran{f': {line}' if line else ''}")
    how = f"ended with status {status}" if status > 0 else f"was killed by signal {-status}"
    detail = f"{name} {how}{f': {line}' if line else ''}"
    return Answer(outcome="again" if status == TRY_AGAIN else "refused", detail=detail)


def _line(said: dict[str, Any]) -> str:
    """Return the first line that it wrote, of its errors when there is no other."""
    lines = [line.strip() for text in (said["out"], said["err"]) for line in text.splitlines()]
    return cut(next(filter(None, lines), ""), LONGEST_LINE)
