"""Make records, and compare them with the committed ones."""

import difflib
from pathlib import Path

from tests.record.scenarios import DEFAULT, LIKE_THE_DEFAULT, SCENARIOS

__all__ = ["committed", "differences", "make", "record_file"]


def record_file(name: str) -> Path:
    """Return the file of a scenario's record."""
    return Path(__file__).with_name("records") / f"{name}.txt"


def committed(name: str) -> str:
    """Return the committed record; "" if there is none."""
    file = record_file(name)
    return file.read_text() if file.exists() else ""


def make(name: str, folder: Path) -> str:
    """Run a scenario in a folder of its own, and return its record."""
    text = SCENARIOS[name](folder)
    return _beside_the_default(text) if name in LIKE_THE_DEFAULT else text


def differences(name: str, made: str) -> str:
    """Return how a new record differs from the committed one; "" if it does not."""
    lines = difflib.unified_diff(committed(name).splitlines(), made.splitlines(), "committed", "now", lineterm="", n=1)
    return "\n".join(lines)


def _beside_the_default(text: str) -> str:
    """Return the lines that differ from the default scenario's record, so that most changes appear in one record alone."""
    earlier, lines = _sections(committed(DEFAULT)), [f"Differences from {DEFAULT}.txt:", ""]
    for heading, section in _sections(text).items():
        changes = list(difflib.unified_diff(earlier.pop(heading, []), section, lineterm="", n=0))
        if changes:
            lines += [heading, *(line for line in changes[2:] if not line.startswith("@@")), ""]
    return "".join(f"{line}\n" for line in [*lines, *(f"missing: {heading}" for heading in earlier)])


def _sections(record: str) -> dict[str, list[str]]:
    """Return the lines under each heading; each heading occurs once."""
    sections: dict[str, list[str]] = {}
    for section in filter(None, record.split("=== ")):
        heading, _, lines = section.partition("\n")
        assert heading not in sections, heading
        sections[heading] = lines.splitlines()
    return {f"=== {heading}": lines for heading, lines in sections.items()}
