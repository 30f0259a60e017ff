"""Numbers on the command line."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable

__all__ = ["number_of", "numbers_by_name", "whole_number"]


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers in a range, for argparse."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}.")
        return int(text)

    return parse


def number_of(least: float) -> Callable[[str], float]:
    """Return a parser of numbers that are not smaller than `least`, for argparse."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number < float("inf"):
            raise ArgumentTypeError(f"'{text}' is not a number of at least {least:g}.")
        return number

    return parse


def numbers_by_name(texts: Iterable[str]) -> dict[str, float]:
    """Parse `name=number` texts. A missing number becomes NaN, which the caller rejects.

    Raises:
        ValueError: a number can't be read.
    """
    parts = [each.partition("=") for each in texts]
    return {name: float(number or "nan") for name, _, number in parts}
