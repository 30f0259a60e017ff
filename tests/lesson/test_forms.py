"""A form is a view of a typed value, with a button for the step that needs it."""

import ast
import asyncio
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import nbformat
import pytest
from markupsafe import escape

from helpers import lesson, walkthrough
from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import AllocationPolicy
from helpers.lesson.experiments.gallery import Prediction
from helpers.lesson.experiments.wrong_proofs import Answer
from helpers.lesson.forms import Form, Inputs, Secret, ShownWhen
from helpers.lesson.forms import values as inputs
from helpers.lesson.forms.file_drop import FileDrop
from helpers.lesson.forms.form import _SECONDS_UNDER_WAY
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.crafting import issue
from tests.lesson.forms_of_notebooks import FORMS_OF

SUBSCRIPTION = "00000000-0000-0000-0000-000000000007"
FILE = str(Path(__file__))  # any file that is there
OTHER_VALUES: list[tuple[type[Inputs], dict[str, Any]]] = [
    (
        lesson.StartHere,
        {
            "target": "azure",
            "subscription_id": SUBSCRIPTION,
            "resource_group": "g",
            "provisioning_service": "contoso-dps",
        },
    ),
    (lesson.StartHere, {"target": "portal", "provisioning_service": "contoso-dps", "id_scope": "0ne00112233"}),
    (lesson.CreateCa, {"root_name": "R", "intermediate_name": "I", "curve": "P-384", "lifetime_days": 7}),
    (lesson.CreateCa, {"key_type": "RSA", "rsa_bits": 3072, "own_ca_certificate": FILE, "own_ca_key": FILE}),
    (lesson.UploadCa, {"register_ca": "root", "certificate_name": "other", "done_in_portal": True}),
    (lesson.AskForCode, {"verification_code": "0123456789ABCDEF" * 3}),
    (lesson.SignCode, {}),
    (lesson.VerifyCa, {"done_in_portal": True}),
    (
        lesson.CreateEnrollmentGroup,
        {
            "enrollment_group_id": "others",
            "allocation_policy": "custom",
            "iot_hubs": "a, b",
            "webhook_url": "http://localhost:1/",
            "done_in_portal": True,
        },
    ),
    (lesson.ProvisionDevices, {"device_id": "valve-7", "fleet_size": 3}),
    (lesson.EndAccess, {"device_id": "valve-7", "next_ca_name": "N"}),
    (lesson.CleanUp, {"delete_keys": True, "done_in_portal": True}),
    (Prediction, {"prediction": Answer.DATES}),
]
MODELS = list(dict.fromkeys(model for model, _ in OTHER_VALUES))


def form_of(
    model: type[Inputs],
    step: Callable[[Any], Any] = lambda value: value,
    walkthrough_target: str | None = "portal",
    **parameters: Any,
) -> Form[Any, Any]:
    return Form(
        model,
        "Do it",
        step,
        picture=lambda result: lesson.Listing("Done", [str(result)]),
        walkthrough_target=walkthrough_target,
        **parameters,
    )


def field_of(form: Form[Any, Any], name: str) -> Any:
    return next(field for field in form._fields if field.name == name)


def control_of(form: Form[Any, Any], name: str) -> Any:
    """The widget that a person would edit."""
    return field_of(form, name).control


def reason_of(form: Form[Any, Any], name: str) -> str:
    """What stands beside a field."""
    return str(field_of(form, name)._reason.value)


def shown(form: Form[Any, Any]) -> set[str]:
    return {field.name for field in form._fields if field.is_shown}


def outcome_of(form: Form[Any, Any]) -> str:
    return str(form._outcome.value)


def defaults(model: type[Inputs]) -> dict[str, Any]:
    return {name: info.default for name, info in model.model_fields.items()}


# --- a view of a value ---


def test_every_typed_value_is_known_to_this_file() -> None:
    assert [*inputs.FORMS, Prediction] == MODELS
    assert {each.__name__ for each in inputs.FORMS} == {*inputs.__all__} - {"FORMS"}
    for model in MODELS:
        assert {name for each, parameters in OTHER_VALUES if each is model for name in parameters} == {
            *model.model_fields
        }


@pytest.mark.parametrize("model", MODELS)
def test_a_form_without_parameters_holds_the_defaults(model: type[Inputs]) -> None:
    assert form_of(model).value == model()


@pytest.mark.parametrize(("model", "parameters"), OTHER_VALUES)
def test_an_untouched_form_holds_its_parameters(model: type[Inputs], parameters: dict[str, Any]) -> None:
    assert form_of(model, **parameters).value.model_dump() == {**defaults(model), **parameters}


@pytest.mark.parametrize(("model", "parameters"), OTHER_VALUES)
def test_the_value_is_what_the_fields_hold_after_an_edit(model: type[Inputs], parameters: dict[str, Any]) -> None:
    form = form_of(model)
    for name, value in model.model_validate(parameters):
        control_of(form, name).value = value
    assert form.value == model.model_validate(parameters)
    assert [reason_of(form, name) for name in parameters] == [""] * len(parameters)


@pytest.mark.parametrize("model", [model for model in MODELS if model.model_fields])
def test_an_unknown_parameter_is_named_with_those_that_exist(model: type[Inputs]) -> None:
    with pytest.raises(Problem, match="colour") as caught:
        form_of(model, colour="green")
    assert "unknown" in caught.value.what
    assert all(name in caught.value.next_step for name in model.model_fields)


@pytest.mark.parametrize(
    ("model", "name", "value", "says"),
    [
        (lesson.StartHere, "target", "moon", "'local', 'azure' or 'portal'"),
        (lesson.StartHere, "subscription_id", 7, "text"),
        (lesson.StartHere, "subscription_id", "mine", "GUID"),
        (lesson.StartHere, "id_scope", "0ne", "11 letters and digits"),
        (lesson.CreateCa, "key_type", "MD5", "'EC' or 'RSA'"),
        (lesson.CreateCa, "rsa_bits", 1024, "2048, 3072 or 4096"),
        (lesson.CreateCa, "lifetime_days", 0, "at least 1"),
        (lesson.CreateCa, "lifetime_days", 36501, "at most 36500"),
        (lesson.CreateCa, "lifetime_days", "long", "whole number"),
        (lesson.CreateCa, "root_name", None, "text"),
        (lesson.CreateCa, "root_name", "x" * 65, "65 bytes"),
        (lesson.CreateCa, "intermediate_name", "walkthrough root CA", "The root has this name"),
        (lesson.CreateCa, "own_ca_certificate", "/nowhere/ca.pem", "no such file"),
        (lesson.UploadCa, "register_ca", "device", "'root' or 'intermediate'"),
        (lesson.UploadCa, "certificate_name", "a/b", "1 to 64 letters"),
        (lesson.AskForCode, "verification_code", "ABC", "DPS gives 48"),
        (lesson.CreateEnrollmentGroup, "enrollment_group_id", "a b", "ends in a letter"),
        (lesson.CreateEnrollmentGroup, "allocation_policy", "fair", "'hashed'"),
        (lesson.CreateEnrollmentGroup, "webhook_url", "ftp://x", "must begin with https://"),
        (lesson.ProvisionDevices, "device_id", "ü", "ends in a letter"),
        (lesson.CleanUp, "delete_keys", "perhaps", "true or false"),
    ],
)
def test_an_invalid_parameter_is_named_with_its_value_and_the_reason(
    model: type[Inputs], name: str, value: Any, says: str
) -> None:
    with pytest.raises(Problem, match=f"{name} is invalid") as caught:
        form_of(model, **{name: value})
    assert repr(value) in caught.value.why
    assert says in caught.value.why
    assert str(model.model_fields[name].title) in caught.value.what


def test_a_root_may_not_have_the_name_of_the_intermediate_that_is_the_default() -> None:
    with pytest.raises(Problem, match="intermediate_name is invalid") as caught:
        form_of(lesson.CreateCa, root_name="Walkthrough Intermediate CA")
    assert "It was 'Walkthrough Intermediate CA'." in caught.value.why


# --- while typing ---


def test_while_typing_the_reason_stands_beside_the_field_and_goes_when_it_is_mended() -> None:
    form = form_of(lesson.CreateCa)
    control_of(form, "lifetime_days").value = 0
    assert "It must be at least 1." in reason_of(form, "lifetime_days")
    assert "role='alert'" in reason_of(form, "lifetime_days")
    assert reason_of(form, "root_name") == ""
    with pytest.raises(Problem, match="lifetime_days"):
        form.value  # noqa: B018
    control_of(form, "root_name").value = ""
    assert "empty" in reason_of(form, "root_name"), "each field has its own reason"
    assert "at least 1" in reason_of(form, "lifetime_days")
    control_of(form, "root_name").value, control_of(form, "lifetime_days").value = "R", 30
    assert reason_of(form, "lifetime_days") == reason_of(form, "root_name") == ""
    assert form.value.lifetime_days == 30


def test_a_reason_is_no_html_of_the_learners(tmp_path: Path) -> None:
    form = form_of(lesson.StartHere)
    field_of(form, "target").say("<script>")
    assert "<script>" not in reason_of(form, "target")


CASES: list[tuple[type[Inputs], dict[str, Any], set[str]]] = [
    (lesson.StartHere, {}, {"target"}),
    (lesson.StartHere, {"target": "azure"}, {"target", "subscription_id", "resource_group", "provisioning_service"}),
    (lesson.StartHere, {"target": "portal"}, {"target", "provisioning_service", "id_scope"}),
    (lesson.CreateCa, {}, {"curve"}),
    (lesson.CreateCa, {"key_type": "RSA"}, {"rsa_bits"}),
    (lesson.CreateCa, {"own_ca_certificate": FILE}, {"curve", "own_ca_key"}),
    (lesson.CreateEnrollmentGroup, {}, {"iot_hubs"}),
    (lesson.CreateEnrollmentGroup, {"allocation_policy": AllocationPolicy.CUSTOM}, {"iot_hubs", "webhook_url"}),
]
DEPENDENT = {"curve", "rsa_bits", "own_ca_key", "webhook_url", "iot_hubs"}


@pytest.mark.parametrize(("model", "typed", "seen"), CASES)
def test_fields_that_depend_on_another_come_and_go_with_it(
    model: type[Inputs], typed: dict[str, Any], seen: set[str]
) -> None:
    form = form_of(model)
    before = shown(form)
    for name, value in typed.items():
        control_of(form, name).value = value
    assert (shown(form) if model is lesson.StartHere else shown(form) & DEPENDENT) == seen
    for name in typed:
        control_of(form, name).value = defaults(model)[name]
    assert shown(form) == before


@pytest.mark.parametrize("model", [model for model in MODELS if "done_in_portal" in model.model_fields])
@pytest.mark.parametrize("target", ["local", "azure", "portal"])
def test_what_a_person_does_in_the_portal_is_asked_for_with_that_target_alone(model: type[Inputs], target: str) -> None:
    assert ("done_in_portal" in shown(form_of(model, walkthrough_target=target))) is (target == "portal")


@pytest.mark.parametrize(
    ("model", "typed", "name", "says"),
    [
        (lesson.StartHere, {"target": "azure"}, "subscription_id", "needs it"),
        (lesson.StartHere, {"target": "portal", "provisioning_service": "contoso-dps"}, "id_scope", "needs it"),
        (lesson.CreateCa, {"own_ca_certificate": FILE}, "own_ca_key", "two files"),
        (lesson.CreateEnrollmentGroup, {"allocation_policy": AllocationPolicy.STATIC}, "iot_hubs", "exactly one hub"),
        (lesson.CreateEnrollmentGroup, {"allocation_policy": AllocationPolicy.CUSTOM}, "webhook_url", "its URL"),
    ],
)
def test_what_another_field_makes_necessary_is_asked_for_at_its_place(
    model: type[Inputs], typed: dict[str, Any], name: str, says: str
) -> None:
    """A form can be shown so, for a learner fills it in; but nothing is done with it."""
    done: list[Any] = []
    form = form_of(model, done.append, **typed)
    assert says in reason_of(form, name)
    with pytest.raises(Problem, match=f"{name} is missing"):
        form.result()
    form._button.click()
    assert f"{name} is missing" in outcome_of(form)
    assert done == []


@pytest.mark.parametrize(
    ("model", "given", "name", "says"),
    [
        (lesson.StartHere, {"id_scope": "0ne00112233"}, "id_scope", "with the target portal"),
        (lesson.CreateCa, {"rsa_bits": 4096}, "rsa_bits", "with the key type RSA"),
        (lesson.CreateCa, {"key_type": "RSA", "curve": "P-384"}, "curve", "with the key type EC"),
        (lesson.CreateCa, {"own_ca_key": FILE}, "own_ca_key", "with own_ca_certificate"),
        (
            lesson.CreateEnrollmentGroup,
            {"webhook_url": "https://f"},
            "webhook_url",
            "with the allocation policy custom",
        ),
        (lesson.UploadCa, {"done_in_portal": True}, "done_in_portal", "with the target portal"),
    ],
)
def test_a_parameter_that_has_no_meaning_beside_the_others_is_an_error(
    model: type[Inputs], given: dict[str, Any], name: str, says: str
) -> None:
    with pytest.raises(Problem, match=f"{name} has no meaning here") as caught:
        form_of(model, walkthrough_target="local", **given)
    assert says in caught.value.why


def test_what_a_hidden_field_holds_does_not_count() -> None:
    form = form_of(lesson.CreateCa)
    control_of(form, "curve").value = "P-384"
    control_of(form, "key_type").value = "RSA"
    assert form.value == lesson.CreateCa(key_type="RSA")
    control_of(form, "key_type").value = "EC"
    assert form.value == lesson.CreateCa(curve="P-384"), "and is not lost"


def test_what_was_chosen_before_counts_where_a_parameter_says_nothing_else() -> None:
    before = {"certificate_name": "earlier", "register_ca": None}
    assert form_of(lesson.UploadCa, remembered=before, certificate_name="walkthrough-ca").value == lesson.UploadCa(
        certificate_name="earlier"
    )
    assert form_of(lesson.UploadCa, remembered=before, certificate_name="new").value.certificate_name == "new"


def test_a_choice_may_be_left_open() -> None:
    control = control_of(form_of(Prediction), "prediction")
    assert control.options[0] == ("Choose …", None)
    assert control.value is None


# --- the button, and running on ---


def test_the_button_says_what_it_does_takes_the_step_and_shows_the_result_in_place() -> None:
    form = form_of(lesson.ProvisionDevices, lambda value: f"<{value.device_id}>")
    assert form._button.description == "Do it"
    form._button.click()
    assert "&lt;pump-1&gt;" in outcome_of(form)
    assert "role='status'" in outcome_of(form)
    assert form.is_done


def test_while_it_works_the_button_is_busy_and_says_so_and_afterwards_it_is_as_before() -> None:
    seen: list[tuple[bool, str, str]] = []
    form: Form[Any, Any]

    def step(_value: Any) -> str:
        seen.append((form._button.disabled, form._button.description, outcome_of(form)))
        return "done"

    form = form_of(lesson.ProvisionDevices, step)
    form._button.click()
    ((disabled, says, told),) = seen
    assert disabled
    assert says.startswith("Working")
    assert "Do it" in told
    assert (form._button.disabled, form._button.description) == (False, "Do it")


def test_an_error_stands_in_place_and_the_button_can_be_pressed_again() -> None:
    tries: list[Any] = []

    def step(value: Any) -> str:
        tries.append(value)
        if len(tries) == 1:
            raise Problem("It did not work.", "The <moon> was full.", "Wait a fortnight.")
        return "done"

    form = form_of(lesson.ProvisionDevices, step)
    form._button.click()
    for text in ("It did not work.", "The &lt;moon&gt; was full.", "Wait a fortnight."):
        assert text in outcome_of(form)
    assert not form.is_done
    assert not form._button.disabled
    form._button.click()
    assert "done" in outcome_of(form)
    assert form.is_done


def test_a_defect_is_told_in_place_and_not_swallowed() -> None:
    def step(_value: Any) -> str:
        raise RuntimeError("a defect")

    form = form_of(lesson.ProvisionDevices, step)
    with pytest.raises(RuntimeError):
        form._press()
    assert "a defect" in outcome_of(form)
    assert not form._button.disabled


def test_who_presses_and_runs_on_at_once_takes_the_step_once_and_sees_it_in_place() -> None:
    done: list[Any] = []
    form = form_of(lesson.ProvisionDevices, lambda value: done.append(value) or value.device_id)

    async def press_and_run_on() -> Any:
        form._press()
        told = form.result()
        await asyncio.sleep(2 * _SECONDS_UNDER_WAY)
        return told

    assert asyncio.run(press_and_run_on()) == "pump-1"
    assert len(done) == 1
    assert "pump-1" in outcome_of(form)


def test_running_on_takes_the_same_step_once_and_not_again_if_the_button_has() -> None:
    done: list[Any] = []
    form = form_of(lesson.ProvisionDevices, lambda value: done.append(value) or value.device_id)
    assert form.result() == "pump-1"
    assert form.result() == "pump-1"
    assert len(done) == 1
    form._button.click()
    assert len(done) == 2, "a person who presses wants it done"
    assert form.result() == "pump-1"
    assert len(done) == 2


def test_after_an_edit_the_result_is_gone_and_running_on_takes_the_step_with_the_new_value() -> None:
    done: list[Any] = []
    form = form_of(lesson.ProvisionDevices, lambda value: done.append(value) or value.device_id)
    form._button.click()
    control_of(form, "device_id").value = "valve-1"
    assert outcome_of(form) == ""
    assert not form.is_done
    assert form.result() == "valve-1"
    control_of(form, "device_id").value = "valve-1"
    assert len(done) == 2


def test_another_passphrase_is_another_value() -> None:
    done: list[str | None] = []
    passphrase = Secret("Passphrase", "CA_PASSPHRASE", "Opens it.")
    form = form_of(lesson.SignCode, lambda _value: done.append(passphrase.take()), secret=passphrase)
    form.result()
    passphrase.control.value = "open sesame"
    form.result()
    assert done == [None, "open sesame"]
    assert "open sesame" not in str(form._repr_mimebundle_()) + repr(form)
    assert "Passphrase: set" in repr(form)


def test_a_secret_comes_and_goes_with_the_other_values() -> None:
    static = ShownWhen(lambda values: values["allocation_policy"] is AllocationPolicy.STATIC, "with static")
    form = form_of(lesson.CreateEnrollmentGroup, secret=Secret("Key", "SOME_SECRET", "Opens it.", shown=static))
    assert form.secret is not None
    assert not form.secret.is_shown
    assert "Key: " not in repr(form)
    control_of(form, "allocation_policy").value = AllocationPolicy.STATIC
    assert form.secret.is_shown
    assert "Key: none" in repr(form)


WITH_KEY = [
    "https://f.example/api?code=SECRET",
    "https://f.example/api?a=1&SIG=SECRET",
    "https://f.example/api?%63ode=SECRET",
    "https://user:SECRET@f.example/api",
]


@pytest.mark.parametrize("url", WITH_KEY)
def test_a_webhook_with_a_key_is_an_error_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(Problem, match="webhook_url is invalid") as caught:
        form_of(lesson.CreateEnrollmentGroup, allocation_policy="custom", webhook_url=url)
    assert "“Webhook's key”" in caught.value.why
    assert caught.value.why.endswith("WEBHOOK_KEY."), "the value is not repeated, not even masked"
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", WITH_KEY)
def test_a_key_that_is_typed_into_the_webhook_is_masked_at_once(url: str) -> None:
    form = form_of(lesson.CreateEnrollmentGroup, allocation_policy="custom")
    held = set()
    for end in range(1, len(url) + 1):  # a letter after the other, each behind what the field holds by then
        control_of(form, "webhook_url").set_state({"value": control_of(form, "webhook_url").value + url[end - 1]})
        held.add(control_of(form, "webhook_url").value)
    assert not any("SEC" in each for each in held if "user" not in url), "a user is one only when the @ comes"
    assert "SEC" not in control_of(form, "webhook_url").value
    assert "must not hold a key" in reason_of(form, "webhook_url")
    assert "SEC" not in str(form.box.get_state()) + repr(form)
    control_of(form, "webhook_url").value = "https://f.example/api"
    assert reason_of(form, "webhook_url") == ""


def test_a_step_that_fails_when_running_on_raises_and_is_taken_again_the_next_time() -> None:
    tries: list[Any] = []

    def step(value: Any) -> str:
        tries.append(value)
        if len(tries) == 1:
            raise Problem("It did not work.", "Because.", "Again.")
        return "done"

    form = form_of(lesson.ProvisionDevices, step)
    with pytest.raises(Problem):
        form.result()
    assert form.result() == "done"


def test_of_two_invalid_parameters_the_first_is_named() -> None:
    with pytest.raises(Problem, match="device_id"):
        lesson.EndAccess.checked(device_id="", next_ca_name="")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("provisioning_service", "mydps!", "3 to 64"),
        ("provisioning_service", "ab", "3 to 64"),
        ("provisioning_service", "dps-", "no hyphen"),
        ("resource_group", "my rg!", "1 to 90"),
        ("resource_group", " ", "1 to 90"),
        ("resource_group", "rg.", "no full stop"),
    ],
)
def test_a_name_that_azure_does_not_take_is_seen_before_azure_is_asked(name: str, value: str, reason: str) -> None:
    good = {
        "target": "azure",
        "subscription_id": SUBSCRIPTION,
        "resource_group": "größe_(1)",
        "provisioning_service": "d-1",
    }
    lesson.StartHere.checked(**good)
    with pytest.raises(Problem, match=name) as caught:
        lesson.StartHere.checked(**{**good, name: value})
    assert reason in caught.value.why


# --- files ---


def drop(form: Form[Any, Any], name: str, file: str, content: bytes) -> str:
    """What a browser sends when a file is dropped; returns what the form says to it."""
    (place,) = (child for child in field_of(form, name).box.children if isinstance(child, FileDrop))
    place._receive(place, {"name": file}, [memoryview(content)])
    return str(place.said)


@pytest.mark.parametrize(
    ("dropped", "kept"),
    [
        ("my ca.PEM", "my ca.PEM"),
        ("../../ca.pem", "ca.pem"),
        ("C:\\keys\\ca.pem", "ca.pem"),
        ("Prüfung (2).der", "Prüfung (2).der"),
        ("..", "file"),
        (".bashrc", "file"),
        ("a\nb", "file"),
    ],
)
def test_a_dropped_file_is_kept_for_its_owner_alone_and_its_path_is_the_fields_value(
    workspace: Workspace, dropped: str, kept: str
) -> None:
    form = lesson.create_ca_form(workspace)
    content = certificate_pem(CertificateAuthority.create_root("Own").certificate)
    assert drop(form, "own_ca_certificate", dropped, content) == f"{dropped} is taken."
    path = Path(control_of(form, "own_ca_certificate").value)
    assert path == workspace.folder / "dropped" / "own_ca_certificate" / kept
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert "own_ca_key" in shown(form)
    other = certificate_pem(CertificateAuthority.create_root("Other").certificate)
    drop(form, "own_ca_certificate", "other", other)
    assert [file.read_bytes() for file in path.parent.iterdir()] == [other]


def test_a_field_that_is_emptied_leaves_no_copy_of_the_key_and_does_not_say_that_it_has_one(
    workspace: Workspace,
) -> None:
    form = lesson.create_ca_form(workspace)
    drop(form, "own_ca_key", "ca.key", b"very secret content")
    field = field_of(form, "own_ca_key")
    (place,) = (child for child in field.box.children if isinstance(child, FileDrop))
    field.control.value = ""
    assert place.said == ""
    assert not [each for each in (workspace.folder / "dropped").rglob("*") if each.is_file()]


def test_what_was_dropped_goes_when_the_step_has_taken_it_over_and_the_result_stays(workspace: Workspace) -> None:
    form = lesson.create_ca_form(workspace)
    own = issue("Own", ca=True)
    drop(form, "own_ca_certificate", "own.pem", own.certificate_file)
    drop(form, "own_ca_key", "own.key", own.key_file)
    form._button.click()
    assert "Your own CA" in outcome_of(form)
    assert control_of(form, "own_ca_certificate").value == control_of(form, "own_ca_key").value == ""
    assert not (workspace.folder / "dropped").exists()
    assert form.is_done
    assert form.result()["root"].certificate == own.certificate


def test_what_is_no_cas_certificate_is_not_taken_when_it_is_dropped(workspace: Workspace) -> None:
    form = lesson.create_ca_form(workspace)
    device = CertificateAuthority.create_root("Own").issue_device("pump-1")
    assert "not a CA certificate" in drop(form, "own_ca_certificate", "d.pem", certificate_pem(device.certificate))
    assert "not a certificate" in drop(form, "own_ca_certificate", "d.txt", b"a text")
    assert control_of(form, "own_ca_certificate").value == ""
    assert not (workspace.folder / "dropped").exists()


def test_what_was_dropped_is_in_no_widget(workspace: Workspace) -> None:
    form = lesson.create_ca_form(workspace)
    drop(form, "own_ca_key", "ca.key", b"very secret content")
    for field in form._fields:
        for widget in (field.control, *field.box.children):
            assert "very secret" not in str(widget.get_state())


def test_a_file_that_is_too_large_is_not_taken(workspace: Workspace) -> None:
    form = lesson.create_ca_form(workspace)
    assert "not taken" in drop(form, "own_ca_certificate", "film.mp4", bytes((1 << 20) + 1))
    assert control_of(form, "own_ca_certificate").value == ""
    assert not (workspace.folder / "dropped").exists()


def test_dropped_files_go_with_the_keys(workspace: Workspace) -> None:
    drop(lesson.create_ca_form(workspace), "own_ca_key", "ca.key", b"x")
    assert "ca.key" in workspace.delete_certificates()
    assert not [each for each in (workspace.folder / "dropped").rglob("*") if each.is_file()]


# --- how it looks ---


@pytest.mark.parametrize(
    ("model", "name", "kind"),
    [
        (lesson.StartHere, "target", widgets.Dropdown),
        (lesson.CreateCa, "rsa_bits", widgets.Dropdown),
        (lesson.CreateEnrollmentGroup, "allocation_policy", widgets.Dropdown),
        (lesson.CleanUp, "delete_keys", widgets.Checkbox),
        (lesson.CreateCa, "lifetime_days", widgets.IntText),
        (lesson.CreateCa, "root_name", widgets.Text),
    ],
)
def test_a_field_suits_its_type_and_has_a_label_and_help(model: type[Inputs], name: str, kind: type) -> None:
    form = form_of(model)
    control = control_of(form, name)
    assert isinstance(control, kind)
    assert control.description == model.model_fields[name].title
    helped = " ".join(child.value for child in field_of(form, name).box.children if isinstance(child, widgets.HTML))
    assert (model.model_fields[name].description or "").split(".")[0].replace("'", "&#39;") in helped


@pytest.mark.parametrize("model", MODELS)
def test_every_field_has_a_label_of_its_own(model: type[Inputs]) -> None:
    titles = [info.title for info in model.model_fields.values()]
    assert all(titles)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(("model", "parameters"), OTHER_VALUES)
def test_where_no_widget_can_live_the_values_are_shown(model: type[Inputs], parameters: dict[str, Any]) -> None:
    form = form_of(model, **parameters)
    bundle = form._repr_mimebundle_()
    for name in shown(form):
        value = control_of(form, name).value
        assert f"{model.model_fields[name].title}: {value}" in bundle["text/plain"]
        assert f">{escape(str(value))}</td>" in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_what_is_shown_is_no_html_of_the_learners() -> None:
    form = form_of(lesson.CreateCa, root_name="<script>alert('&')</script>")
    assert "<script>" not in form._repr_mimebundle_()["text/html"]
    assert "&lt;script&gt;" in form._repr_mimebundle_()["text/html"]


# --- the notebooks ---


def test_every_notebook_is_known_to_this_file() -> None:
    assert [notebook.stem for notebook in walkthrough.NOTEBOOKS] == list(FORMS_OF)


def source_of(stem: str) -> Any:
    return nbformat.read(walkthrough.PROJECT / "notebooks" / f"{stem}.ipynb", as_version=4)


@pytest.mark.parametrize("stem", FORMS_OF)
def test_a_notebooks_parameters_are_its_models_fields_and_defaults(stem: str) -> None:
    [cell] = [cell for cell in source_of(stem).cells if "parameters" in cell.metadata.get("tags", [])]
    given = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(cell.source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    assert given.pop("workspace") == "../data/workspace/lab"
    assert given == {name: value for model in FORMS_OF[stem] for name, value in defaults(model).items()}


@pytest.mark.parametrize("stem", FORMS_OF)
def test_a_form_gets_every_parameter_of_its_notebook(stem: str) -> None:
    source = "\n".join(cell.source for cell in source_of(stem).cells if cell.cell_type == "code")
    for model in FORMS_OF[stem]:
        for name in model.model_fields:
            assert re.search(rf"\b{name}={name}\b", source), name
