"""Asynchronous work that synchronous code runs: its result, its errors, and an interrupt."""

import asyncio
import threading

import pytest

from helpers.dps.background import run_in_background
from tests.interrupting import interrupted_when


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_it_returns_the_result_and_leaves_no_thread() -> None:
    before = threading.active_count()
    assert run_in_background(answer()) == 42
    assert threading.active_count() == before


def test_it_works_where_an_event_loop_is_already_running_as_in_a_notebook() -> None:
    async def cell() -> int:
        return run_in_background(answer())

    assert asyncio.run(cell()) == 42


@pytest.mark.parametrize("error", [ValueError, TimeoutError])
def test_it_raises_the_errors_of_the_work(error: type[BaseException]) -> None:
    async def fail() -> None:
        raise error

    with pytest.raises(error):
        run_in_background(fail())


def test_it_ticks_during_the_work_and_at_the_end() -> None:
    done: list[int] = []
    seen: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.3)
        done.append(1)

    run_in_background(work(), tick=lambda: seen.append(len(done)))
    assert seen[0] == 0
    assert seen[-1] == 1


def test_an_interrupt_cancels_the_work_within_a_second() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def forever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(KeyboardInterrupt), interrupted_when(begun.is_set):
        run_in_background(forever())
    assert cancelled.is_set()


def test_an_interrupt_does_not_wait_for_work_that_can_not_be_cancelled() -> None:
    begun, released = threading.Event(), threading.Event()

    async def stuck() -> None:
        begun.set()
        released.wait(30)  # it hangs on purpose, as a DNS look-up may

    try:
        with pytest.raises(KeyboardInterrupt), interrupted_when(begun.is_set):
            run_in_background(stuck())
    finally:
        released.set()
