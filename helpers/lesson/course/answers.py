"""What can be wrong with a learner's answer to an exercise."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from helpers.certificates import Check, Examination

__all__ = ["Unsolved", "WrongAnswer", "require", "require_equal", "require_passed", "time_limit"]

_TIME_LIMIT_SECONDS = 20


class Unsolved(Exception):
    """The exception of an exercise's stub."""


class WrongAnswer(Exception):
    """The exception for a wrong answer; its message tells the learner what is wrong.

    Args:
        failed: the checks that the answer does not pass, if an examiner has judged it.
    """

    def __init__(self, message: str, failed: Sequence[Check] = ()) -> None:
        super().__init__(message)
        self.failed = tuple(failed)


@contextmanager
def time_limit() -> Iterator[None]:
    """Stop an endless loop, which would otherwise keep the kernel busy without any message.

    It is interrupted as by JupyterLab's stop button, because Windows has no alarm signal.
    """
    is_over = threading.Event()

    def stop() -> None:
        is_over.set()
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    timer = threading.Timer(_TIME_LIMIT_SECONDS, stop)
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if not is_over.is_set():
            raise
        raise WrongAnswer(
            f"It was still running after {_TIME_LIMIT_SECONDS} seconds. Does it contain an endless loop?"
        ) from None
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)


def require(holds: object, otherwise: str) -> None:
    if not holds:
        raise WrongAnswer(otherwise)


def require_equal(given: object, wanted: object, asked: str) -> None:
    require(given == wanted, f"For {asked}, it returned {given!r}; it should return {wanted!r}.")


def require_passed(examined: Examination, subject: str) -> None:
    """Require that an answer passes each check of an examiner.

    Args:
        subject: what was examined, such as "The proof".
    """
    failed = examined.failed
    if failed:
        checks = "a check" if len(failed) == 1 else f"{len(failed)} of {len(examined.checks)} checks"
        raise WrongAnswer(f"{subject} does not pass {checks}.", failed)
