"""The notebooks build on one another."""

from helpers.problem import Problem

__all__ = ["run_first"]


def run_first(notebook: str, reason: str) -> Problem:
    """What a step says that comes too early."""
    return Problem("This notebook needs another to be run first.", reason, f"Run {notebook}, and go on from there.")
