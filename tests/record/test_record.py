"""Users get what the committed records say."""

from pathlib import Path

import pytest

from tests.length import LONG
from tests.record.records import differences, make
from tests.record.scenarios import DEFAULT, SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS if LONG else [DEFAULT])
def test_users_get_what_is_recorded(name: str, tmp_path: Path) -> None:
    found = differences(name, make(name, tmp_path))
    assert not found, (
        f"What users get has changed:\n{found}\n\nIf each difference is intended, run `python -m tests.record --write`, "
        "and give the reasons in the commit message."
    )
