"""A passphrase or a key is in the kernel's memory and nowhere else."""

import pytest

from helpers.lesson.forms import HelpFor, Secret, ShownWhen

SECRET = "correct horse battery staple"
VARIABLE = "SOME_SECRET"


def field() -> Secret:
    secret = Secret("Passphrase", VARIABLE, HelpFor(lambda values: f"Opens the {values['what']}."))
    secret.show_among({"what": "safe"})
    return secret


@pytest.fixture(autouse=True)
def no_secret_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_there_is_none_unless_one_is_given() -> None:
    assert field().value is None
    assert repr(field()) == "Passphrase: none"


def test_an_empty_one_in_the_environment_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert field().value is None


def test_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    assert field().value == SECRET


@pytest.mark.parametrize("how", ["in Python", "from the browser"])
def test_typed_text_leaves_the_widget_at_once(how: str) -> None:
    secret = field()
    if how == "in Python":
        secret.control.value = SECRET
    else:
        secret.control.set_state({"value": SECRET})
    assert secret.control.value == ""
    assert SECRET not in str(secret.control.get_state())
    assert secret.value == SECRET
    assert secret.value == SECRET


def test_typed_text_overrides_the_environment_and_earlier_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "from outside")
    secret = field()
    for typed in ("first", SECRET, SECRET):
        secret.control.value = typed
    assert secret.value == SECRET


def test_typed_text_can_be_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = field()
    assert "Opens the safe." in secret._help.value
    assert secret._forget.layout.visibility == "hidden", "there is nothing to forget"
    secret.control.value = SECRET
    assert secret._forget.layout.visibility == "visible"
    secret._forget.click()
    assert secret.value is None
    assert "Opens the safe." in secret._help.value
    monkeypatch.setenv(VARIABLE, "from outside")
    secret.control.value = SECRET
    secret._forget.click()
    assert secret.value == "from outside"


@pytest.mark.parametrize("source", ["typed", "environment"])
def test_it_is_never_shown(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = field()
    if source == "typed":
        secret.control.value = SECRET
    else:
        monkeypatch.setenv(VARIABLE, SECRET)
    assert repr(secret) == str(secret) == "Passphrase: set"
    for widget in (secret.control, *secret.box.children):
        assert SECRET not in str(widget.get_state())


def test_a_secret_that_is_not_asked_for_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    asked = ShownWhen(lambda values: values["policy"] == "custom", "with custom")
    secret = Secret("Key", VARIABLE, HelpFor(lambda values: f"For {values['policy']}."), shown=asked)
    for policy, value in (("custom", SECRET), ("hashed", None), ("custom", SECRET)):
        secret.show_among({"policy": policy})
        assert secret.value == value
    monkeypatch.delenv(VARIABLE)
    secret.show_among({"policy": "custom"})
    assert "For custom." in secret._help.value, "and its help follows the choice"
