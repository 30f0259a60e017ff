"""Watch a folder between every two bytecodes of code that writes into it, which runs in its own process."""

import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

_PRELUDE = """
import json, os, sys
from pathlib import Path

folder = Path(sys.argv[1])
seen = set()

def look(frame, event, argument):
    if frame:
        frame.f_trace_opcodes = True
    for entry in os.scandir(folder):
        if entry.is_file():
            status = os.stat(entry.path)
            seen.add((entry.name, status.st_mode & 0o777, Path(entry.path).read_bytes().hex()))
    return look
"""
_WATCHED = """
os.umask(0)
sys.settrace(look)
write()
sys.settrace(None)
print(json.dumps(sorted(seen)))
"""
_KILLED = """
def killed_at(line):
    passed = 0
    def count(frame, event, argument):
        nonlocal passed
        passed += 1
        if passed == line:
            os.kill(os.getpid(), 9)
        return count
    return count

line, alive = 0, False
while not alive:
    line += 1
    child = os.fork()
    if not child:
        sys.settrace(killed_at(line))
        write()
        sys.settrace(None)
        os._exit(0)
    alive = os.waitpid(child, 0)[1] == 0
    look(None, None, None)
print(json.dumps(sorted(seen)))
"""
_LIMITED = """
import resource
from helpers.problem import Problem
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    write()
except Problem as problem:
    print(json.dumps([problem.what, problem.why, problem.next_step]))
else:
    print("[]")
"""


@dataclass(frozen=True)
class Sight:
    """A file at one moment."""

    name: str
    mode: int
    content: bytes


def watch(folder: Path, write: str) -> list[Sight]:
    """Everything that was ever in `folder`, under umask 0, while the body `write` ran (it may use `folder`)."""
    return _sights(_run(write, _WATCHED, str(folder)))


def kill_at_every_line(folder: Path, write: str) -> list[Sight]:
    """The content of `folder` after the process was killed before its first line, its second line, and so on."""
    return _sights(_run(write, _KILLED, str(folder)))


def write_with_full_disk(folder: Path, write: str, *, largest: int) -> list[str]:
    """The Problem's three parts if no file may grow beyond `largest` bytes."""
    return json.loads(_run(write, _LIMITED, str(folder), str(largest)))


def _sights(output: str) -> list[Sight]:
    return [Sight(name, mode, bytes.fromhex(content)) for name, mode, content in json.loads(output)]


def _run(write: str, script: str, *arguments: str) -> str:
    # The body's imports run first, outside of `write`, so that only the writing itself is watched.
    *imports, body = textwrap.dedent(write).strip().partition("\n\n")
    program = "\n".join([_PRELUDE, imports[0], "def write():", textwrap.indent(body, "    "), script])
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
