"""What can be wrong with a learner's answer to an exercise."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Unsolved", "WrongAnswer", "require", "require_equal", "time_limit"]

_TIME_LIMIT_SECONDS = 20


class Unsolved(Exception):
    """The exception of an exercise's stub; its message is a hint."""


class WrongAnswer(Exception):
    """The exception for a wrong answer; its message tells the learner what is wrong."""


@contextmanager
def time_limit() -> Iterator[None]:
    """Stop an endless loop, which would otherwise keep the kernel busy without any message."""

    def stop(_signal: int, _frame: object) -> None:
        raise WrongAnswer(f"It was still running after {_TIME_LIMIT_SECONDS} seconds. Does it contain an endless loop?")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_TIME_LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def require(holds: object, otherwise: str) -> None:
    if not holds:
        raise WrongAnswer(otherwise)


def require_equal(given: object, wanted: object, asked: str) -> None:
    require(given == wanted, f"For {asked}, it returned {given!r}; it should return {wanted!r}.")
