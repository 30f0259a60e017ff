"""A passphrase is in the kernel's memory and nowhere else."""

import pytest

from helpers.lesson.forms import Passphrase

SECRET = "correct horse battery staple"


@pytest.fixture(autouse=True)
def no_passphrase_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CA_PASSPHRASE", raising=False)


def test_there_is_none_unless_one_is_given() -> None:
    assert Passphrase("Opens the safe.").take() is None
    assert repr(Passphrase("Opens the safe.")) == "Passphrase: none"


def test_an_empty_one_in_the_environment_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_PASSPHRASE", "")
    assert Passphrase("Opens the safe.").take() is None


def test_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_PASSPHRASE", SECRET)
    assert Passphrase("Opens the safe.").take() == SECRET


@pytest.mark.parametrize("how", ["in Python", "from the browser"])
def test_what_is_typed_leaves_the_widget_at_once(how: str) -> None:
    passphrase = Passphrase("Opens the safe.")
    if how == "in Python":
        passphrase.control.value = SECRET
    else:
        passphrase.control.set_state({"value": SECRET})
    assert passphrase.control.value == ""
    assert SECRET not in str(passphrase.control.get_state())
    assert passphrase.take() == SECRET
    assert passphrase.take() == SECRET


def test_what_is_typed_wins_over_the_environment_and_over_what_was_typed_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CA_PASSPHRASE", "from outside")
    passphrase = Passphrase("Opens the safe.")
    for typed in ("first", SECRET, SECRET):
        passphrase.control.value = typed
    assert passphrase.take() == SECRET


def test_what_was_typed_can_be_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    passphrase = Passphrase("Opens the safe.")
    assert "Opens the safe. It is never stored." in passphrase._help.value
    assert passphrase._forget.layout.visibility == "hidden", "there is nothing to forget"
    passphrase.control.value = SECRET
    assert passphrase._forget.layout.visibility == "visible"
    passphrase._forget.click()
    assert passphrase.take() is None
    assert "Opens the safe." in passphrase._help.value
    monkeypatch.setenv("CA_PASSPHRASE", "from outside")
    passphrase.control.value = SECRET
    passphrase._forget.click()
    assert passphrase.take() == "from outside"


@pytest.mark.parametrize("source", ["typed", "environment"])
def test_nothing_that_is_shown_has_it(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passphrase = Passphrase("Opens the safe.")
    if source == "typed":
        passphrase.control.value = SECRET
    else:
        monkeypatch.setenv("CA_PASSPHRASE", SECRET)
    assert repr(passphrase) == str(passphrase) == "Passphrase: set"
    for widget in (passphrase.control, *passphrase.box.children):
        assert SECRET not in str(widget.get_state())
