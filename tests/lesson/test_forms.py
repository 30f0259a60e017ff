"""A form is a view of a typed value: a person edits it, and the next cell reads the value."""

import ast
import re
import traceback
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ipywidgets as widgets
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from markupsafe import escape

from helpers import lesson
from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import AllocationPolicy
from helpers.lesson.forms import Form, HelpFor, Inputs, Secret, Setting, ShownWhen
from helpers.lesson.forms import values as inputs
from helpers.lesson.forms.checks import UNKNOWN_DEVICE
from helpers.lesson.forms.file_drop import FileDrop
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.dropping import drop
from tests.lesson.forms_of_notebooks import FORMS_OF, code_cells
from tests.modes import has_mode

SUBSCRIPTION = "00000000-0000-0000-0000-000000000007"
FILE = str(Path(__file__))  # any existing file


def certificate_file(certificate: x509.Certificate) -> str:
    """Return the path of a file with this certificate, which exists as long as the tests run."""
    file = Path(FOLDER.name) / f"{certificate.serial_number}.pem"
    file.write_bytes(certificate_pem(certificate))
    return str(file)


FOLDER = TemporaryDirectory()
_ROOT = CertificateAuthority.create_root("Own Root")
OWN_ROOT = certificate_file(_ROOT.certificate)
OWN_ROOT_ALONE = certificate_file(CertificateAuthority.create_root("Own Root", path_length=0).certificate)
OWN_INTERMEDIATE = certificate_file(_ROOT.create_intermediate("Own Intermediate").certificate)
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
    (lesson.SignCode, {"verification_code": "0123456789ABCDEF" * 3}),
    (lesson.SignCode, {"signed_by": "somebody else", "signed_certificate": FILE}),
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
    (lesson.ProvisionDevices, {"registration_id": "valve-7", "fleet_size": 3}),
    (lesson.EndAccess, {"registration_id": "valve-7", "next_ca_name": "N"}),
    (lesson.Completion, {"learner_name": "Ada Lovelace"}),
    (lesson.CleanUp, {"delete_keys": True, "done_in_portal": True}),
]
MODELS = list(dict.fromkeys(model for model, _ in OTHER_VALUES))


def form_of(
    model: type[Inputs],
    walkthrough_target: str | None = "portal",
    *,
    has_root: bool = False,
    has_cas: bool = False,
    **parameters: Any,
) -> Form[Any]:
    about = {"target": walkthrough_target, "has_root": has_root, "has_cas": has_cas}
    return Form(model, parameters, Setting(about=about))


def field_of(form: Form[Any], name: str) -> Any:
    return next(field for field in form._fields if field.name == name)


def control_of(form: Form[Any], name: str) -> Any:
    """The widget that a person would edit."""
    return field_of(form, name).control


def reason_of(form: Form[Any], name: str) -> str:
    """Return the reason that is shown beside a field."""
    return str(field_of(form, name)._reason.value)


def help_of(form: Form[Any], name: str) -> str:
    """The help below a field, as text."""
    return unescape(re.sub("<.*?>", "", field_of(form, name)._help.value))


def shown(form: Form[Any]) -> set[str]:
    return {field.name for field in form._fields if field.is_shown}


def defaults(model: type[Inputs]) -> dict[str, Any]:
    return {name: info.default for name, info in model.model_fields.items()}


# --- a view of a value ---


def test_every_typed_value_is_known_to_this_file() -> None:
    assert list(inputs.FORMS) == MODELS
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
        control_of(form, name).value = (
            str(value) if type(value) is int and model.model_fields[name].annotation is int else value
        )
    assert form.value == model.model_validate(parameters)
    assert [reason_of(form, name) for name in parameters] == [""] * len(parameters)


@pytest.mark.parametrize("model", MODELS)
def test_an_unknown_parameter_is_named_with_those_that_exist(model: type[Inputs]) -> None:
    with pytest.raises(Problem, match="colour") as caught:
        model.checked(colour="green")
    assert "unknown" in caught.value.what
    assert all(name in caught.value.next_step for name in model.model_fields)


def test_a_form_takes_its_own_fields_from_all_the_names_of_a_notebook() -> None:
    assert (
        form_of(lesson.ProvisionDevices, colour="green", registration_id="valve-1").value.registration_id == "valve-1"
    )


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
        (lesson.CreateCa, "own_ca_certificate", "/nowhere/ca.pem", "There is no file"),
        (lesson.UploadCa, "register_ca", "device", "'root' or 'intermediate'"),
        (lesson.UploadCa, "certificate_name", "a/b", "1 to 64 letters"),
        (lesson.SignCode, "verification_code", "ABC", "DPS's codes have 48"),
        (lesson.ProvisionDevices, "fleet_size", 1.5, "whole number"),
        (lesson.ProvisionDevices, "fleet_size", "1.5", "whole number"),
        (lesson.CreateEnrollmentGroup, "enrollment_group_id", "a b", "ends in a letter"),
        (lesson.CreateEnrollmentGroup, "allocation_policy", "fair", "'hashed'"),
        (lesson.CreateEnrollmentGroup, "webhook_url", "ftp://x", "must begin with https://"),
        (lesson.ProvisionDevices, "registration_id", "ü", "ends in a letter"),
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
    assert "The value was 'Walkthrough Intermediate CA'." in caught.value.why


# --- while typing ---


def test_while_typing_the_reason_appears_beside_the_field_and_disappears_when_the_value_is_corrected() -> None:
    form = form_of(lesson.CreateCa)
    control_of(form, "lifetime_days").value = "0"
    assert "It must be at least 1." in reason_of(form, "lifetime_days")
    assert "role='alert'" in reason_of(form, "lifetime_days")
    assert reason_of(form, "root_name") == ""
    with pytest.raises(Problem, match="lifetime_days"):
        form.value  # noqa: B018
    control_of(form, "root_name").value = ""
    assert "empty" in reason_of(form, "root_name"), "each field has its own reason"
    assert "at least 1" in reason_of(form, "lifetime_days")
    control_of(form, "root_name").value, control_of(form, "lifetime_days").value = "R", "30"
    assert reason_of(form, "lifetime_days") == reason_of(form, "root_name") == ""
    assert form.value.lifetime_days == 30


@pytest.mark.parametrize("typed", ["1.5", "ten", "", "1e3"])
def test_a_number_that_is_not_whole_is_refused_and_not_rounded(typed: str) -> None:
    form = form_of(lesson.ProvisionDevices)
    control_of(form, "fleet_size").value = typed
    assert "It must be a whole number." in reason_of(form, "fleet_size")
    with pytest.raises(Problem, match="fleet_size is invalid"):
        form.value  # noqa: B018


NOT_FILLED_IN: list[tuple[type[Inputs], dict[str, Any], list[str]]] = [
    (lesson.StartHere, {"target": "azure"}, ["subscription_id"]),
    (lesson.CreateEnrollmentGroup, {"allocation_policy": "static"}, ["iot_hubs"]),
]


@pytest.mark.parametrize(("model", "given", "names"), NOT_FILLED_IN)
def test_a_reason_appears_beside_a_field_once_it_was_edited_or_a_cell_has_read_the_value(
    model: type[Inputs], given: dict[str, Any], names: list[str]
) -> None:
    form = form_of(model, **given)
    assert [reason_of(form, name) for name in names] == [""] * len(names), "nothing was typed yet"
    control_of(form, names[0]).value = "x"
    control_of(form, names[0]).value = ""
    assert reason_of(form, names[0]), "it was edited"
    untouched = form_of(model, **given)
    with pytest.raises(Problem, match="is missing"):
        untouched.value  # noqa: B018
    assert reason_of(untouched, names[0]), "a cell has asked for it"


def test_editing_one_field_shows_no_reason_beside_an_untouched_one() -> None:
    form = form_of(lesson.StartHere)
    control_of(form, "target").value = "azure"
    assert reason_of(form, "subscription_id") == reason_of(form, "resource_group") == ""
    control_of(form, "resource_group").value = "rg."
    assert "no full stop" in reason_of(form, "resource_group")
    assert reason_of(form, "subscription_id") == ""


def test_a_reason_never_contains_the_learners_html(tmp_path: Path) -> None:
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
    (lesson.SignCode, {}, set()),
    (lesson.SignCode, {"signed_by": "somebody else"}, {"signed_certificate"}),
    (lesson.CreateEnrollmentGroup, {}, {"iot_hubs"}),
    (lesson.CreateEnrollmentGroup, {"allocation_policy": AllocationPolicy.CUSTOM}, {"iot_hubs", "webhook_url"}),
]
DEPENDENT = {"curve", "rsa_bits", "own_ca_key", "signed_certificate", "webhook_url", "iot_hubs"}


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
def test_only_the_target_portal_asks_what_was_done_in_the_portal(model: type[Inputs], target: str) -> None:
    assert ("done_in_portal" in shown(form_of(model, target))) is (target == "portal")


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
def test_a_field_that_another_makes_necessary_shows_the_reason(
    model: type[Inputs], typed: dict[str, Any], name: str, says: str
) -> None:
    """A form can be shown like this, because the learner will fill it in. But no cell gets such a value."""
    form = form_of(model, **typed)
    with pytest.raises(Problem, match=f"{name} is missing"):
        form.value  # noqa: B018
    assert says in reason_of(form, name)


@pytest.mark.parametrize(
    ("model", "given", "name", "says"),
    [
        (lesson.StartHere, {"id_scope": "0ne00112233"}, "id_scope", "with the target portal"),
        (lesson.CreateCa, {"rsa_bits": 4096}, "rsa_bits", "with the key type RSA"),
        (lesson.CreateCa, {"key_type": "RSA", "curve": "P-384"}, "curve", "with the key type EC"),
        (lesson.CreateCa, {"own_ca_key": FILE}, "own_ca_key", "with own_ca_certificate"),
        (lesson.SignCode, {"signed_certificate": FILE}, "signed_certificate", "if somebody else signs"),
        (
            lesson.CreateEnrollmentGroup,
            {"webhook_url": "https://f"},
            "webhook_url",
            "with the allocation policy custom",
        ),
        (lesson.UploadCa, {"done_in_portal": True}, "done_in_portal", "with the target portal"),
    ],
)
def test_a_parameter_that_conflicts_with_the_others_is_an_error(
    model: type[Inputs], given: dict[str, Any], name: str, says: str
) -> None:
    with pytest.raises(Problem, match=f"{name} does not apply here") as caught:
        form_of(model, "local", **given)
    assert says in caught.value.why


def test_the_value_of_a_hidden_field_has_no_effect() -> None:
    form = form_of(lesson.CreateCa)
    control_of(form, "curve").value = "P-384"
    control_of(form, "key_type").value = "RSA"
    assert form.value == lesson.CreateCa(key_type="RSA")
    control_of(form, "key_type").value = "EC"
    assert form.value == lesson.CreateCa(curve="P-384"), "and is not lost"


def test_the_value_of_a_hidden_field_is_not_checked() -> None:
    form = form_of(lesson.StartHere)
    control_of(form, "target").value = "azure"
    control_of(form, "subscription_id").value = "no GUID"
    assert "GUID" in reason_of(form, "subscription_id")
    control_of(form, "target").value = "local"
    assert form.value == lesson.StartHere()
    assert reason_of(form, "subscription_id") == ""


HIDDEN: list[tuple[type[Inputs], dict[str, Any], str, Any]] = [
    (lesson.StartHere, {"target": "local"}, "subscription_id", "no GUID"),
    (
        lesson.StartHere,
        {"target": "portal", "provisioning_service": "d-1", "id_scope": "0ne00112233"},
        "resource_group",
        "g.",
    ),
    (lesson.StartHere, {"target": "local"}, "provisioning_service", "!"),
    (lesson.StartHere, {"target": "local"}, "id_scope", "0ne"),
    (lesson.CreateCa, {}, "own_ca_key", "/nowhere/ca.key"),
    (lesson.CreateCa, {"own_ca_certificate": OWN_ROOT, "own_ca_key": FILE}, "root_name", ""),
    (lesson.CreateCa, {"own_ca_certificate": OWN_INTERMEDIATE, "own_ca_key": FILE}, "intermediate_name", "x" * 65),
    (lesson.CreateCa, {"own_ca_certificate": OWN_ROOT_ALONE, "own_ca_key": FILE}, "lifetime_days", "1.5"),
    (lesson.CreateEnrollmentGroup, {"allocation_policy": AllocationPolicy.HASHED}, "webhook_url", "ftp://x"),
    (lesson.SignCode, {}, "verification_code", "ABC"),
    (lesson.SignCode, {}, "signed_certificate", "/nowhere/signed.pem"),
]


@pytest.mark.parametrize(("model", "others", "name", "wrong"), HIDDEN)
def test_a_field_that_does_not_count_is_neither_shown_nor_checked(
    model: type[Inputs], others: dict[str, Any], name: str, wrong: Any
) -> None:
    form = form_of(model, "local")
    control_of(form, name).value = wrong
    for other, value in others.items():
        control_of(form, other).value = value
    assert name not in shown(form)
    assert getattr(form.value, name) == defaults(model)[name]
    assert reason_of(form, name) == ""


def test_each_field_that_can_be_hidden_is_tested_for_it() -> None:
    texts = {
        (model, name)
        for model in MODELS
        for name, info in model.model_fields.items()
        if any(isinstance(each, ShownWhen) for each in info.metadata) and info.annotation in (str, int)
    }
    assert texts == {(model, name) for model, _, name, _ in HIDDEN}


@pytest.mark.parametrize(
    ("own", "seen"),
    [
        (OWN_ROOT, {"intermediate_name", "key_type", "curve", "lifetime_days"}),
        (OWN_ROOT_ALONE, set()),
        (OWN_INTERMEDIATE, set()),
        (FILE, {"intermediate_name", "key_type", "curve", "lifetime_days"}),
    ],
    ids=["a root", "a root without room below it", "an intermediate", "no certificate"],
)
def test_with_an_own_ca_the_form_asks_only_for_what_the_notebook_creates(own: str, seen: set[str]) -> None:
    form = form_of(lesson.CreateCa)
    control_of(form, "own_ca_certificate").value = own
    assert shown(form) == {"own_ca_certificate", "own_ca_key", *seen}


def test_the_names_of_two_new_cas_are_compared_and_not_those_of_hidden_fields() -> None:
    form = form_of(lesson.CreateCa, own_ca_certificate=OWN_ROOT, own_ca_key=FILE)
    control_of(form, "intermediate_name").value = "Walkthrough Root CA"
    assert form.value.intermediate_name == "Walkthrough Root CA", "the root has another name"


def test_where_cas_exist_the_fields_of_new_ones_are_neither_shown_nor_checked() -> None:
    wrong = {"root_name": "", "rsa_bits": 1024, "lifetime_days": "long", "own_ca_key": "/nowhere"}
    form = form_of(lesson.CreateCa, has_cas=True, **wrong)
    assert shown(form) == {"own_ca_certificate"}
    assert form.value == lesson.CreateCa()
    with pytest.raises(Problem, match="own_ca_key is invalid"):
        form_of(lesson.CreateCa, **wrong)


def test_where_only_the_root_exists_the_fields_of_the_intermediate_are_asked_for() -> None:
    form = form_of(lesson.CreateCa, has_root=True, root_name="")
    assert shown(form) == {"own_ca_certificate", "intermediate_name", "key_type", "curve", "lifetime_days"}
    control_of(form, "own_ca_certificate").value = OWN_ROOT
    assert "own_ca_key" not in shown(form)
    assert form.value.own_ca_certificate == OWN_ROOT, "and its key is not asked for"


# --- help ---

HELP: list[tuple[type[Inputs], str, dict[str, Any], str, str, str]] = [
    (lesson.StartHere, "local", {"target": "azure"}, "target", "on this machine", "your sign-in"),
    (lesson.StartHere, "local", {"target": "portal"}, "target", "on this machine", "in the portal"),
    (lesson.CreateCa, "local", {"key_type": "RSA"}, "key_type", "small and fast", "larger"),
    (lesson.CreateCa, "local", {"rsa_bits": 4096}, "rsa_bits", "less than a second", "a few seconds"),
    (
        lesson.CreateCa,
        "local",
        {"own_ca_certificate": OWN_ROOT},
        "own_ca_certificate",
        "Only if",
        "creates an intermediate",
    ),
    (
        lesson.CreateCa,
        "local",
        {"own_ca_certificate": OWN_INTERMEDIATE},
        "own_ca_certificate",
        "Only if",
        "no other CA",
    ),
    (lesson.CreateCa, "local", {"own_ca_certificate": OWN_ROOT}, "intermediate_name", "the root", "your own CA"),
    (lesson.CreateCa, "local", {"own_ca_certificate": OWN_ROOT}, "lifetime_days", "that signs it", "your own CA"),
    (lesson.SignCode, "local", {"signed_by": "somebody else"}, "signed_by", "in this workspace", "writes a request"),
    (lesson.UploadCa, "local", {"register_ca": "root"}, "register_ca", "stay in its safe", "every CA below the root"),
    *(
        (lesson.CreateEnrollmentGroup, target, {"allocation_policy": AllocationPolicy(policy)}, name, before, after)
        for target, policy, name, before, after in (
            ("azure", "geoLatency", "allocation_policy", "weights", "lowest latency to the device."),
            ("local", "geoLatency", "allocation_policy", "weights", "knows no latencies"),
            ("local", "static", "allocation_policy", "weights", "choose below"),
            ("local", "custom", "allocation_policy", "weights", "calls your function"),
            ("local", "static", "iot_hubs", "DPS chooses from all", "Choose one hub."),
            ("local", "custom", "iot_hubs", "DPS chooses from all", "your function chooses from all"),
            ("portal", "static", "iot_hubs", "separated by commas", "host name of one hub"),
        )
    ),
]


@pytest.mark.parametrize(("model", "target", "typed", "name", "before", "after"), HELP)
def test_the_help_says_what_holds_for_the_choice(
    model: type[Inputs], target: str, typed: dict[str, Any], name: str, before: str, after: str
) -> None:
    form = form_of(model, target)
    if name == "rsa_bits":
        control_of(form, "key_type").value = "RSA"
    assert before in help_of(form, name)
    for other, value in typed.items():
        control_of(form, other).value = value
    assert after in help_of(form, name)
    assert before not in help_of(form, name)


@pytest.mark.parametrize(
    ("model", "name", "about", "says"),
    [
        (lesson.CreateCa, "own_ca_certificate", {"has_cas": True}, "already has a CA, and keeps it"),
        (lesson.CreateCa, "own_ca_certificate", {"has_root": True}, "already has a CA, and keeps it"),
        (lesson.ProvisionDevices, "fleet_size", {"target": "azure"}, "until you delete it there"),
        (lesson.ProvisionDevices, "fleet_size", {"target": "portal"}, "until you delete it there"),
        (lesson.CreateEnrollmentGroup, "webhook_url", {"target": "portal"}, "you choose the function in the portal"),
    ],
)
def test_the_help_says_what_holds_for_the_walkthrough(
    model: type[Inputs], name: str, about: dict[str, Any], says: str
) -> None:
    given = {"allocation_policy": AllocationPolicy.CUSTOM} if name == "webhook_url" else {}
    assert says in help_of(Form(model, given, Setting(about={"target": "local", **about})), name)
    assert says not in help_of(Form(model, given, Setting(about={"target": "local"})), name)


def test_every_choice_has_a_help() -> None:
    for model in MODELS:
        form = form_of(model, "local")
        for field in form._fields:
            for choice in getattr(field.control, "options", ()):
                value = choice[1] if isinstance(choice, tuple) else choice
                if field.name != "curve":
                    field.control.value = value
                    assert help_of(form, field.name), f"{field.name}: {value}"


# --- done in the portal ---


@pytest.mark.parametrize("model", [lesson.UploadCa, lesson.CreateEnrollmentGroup])
def test_an_edit_takes_back_that_it_is_done_in_the_portal(model: type[Inputs]) -> None:
    form = form_of(model)
    first, *_ = form._fields
    control_of(form, "done_in_portal").value = True
    assert form.value.done_in_portal
    first.control.value = "root" if model is lesson.UploadCa else "others"
    assert not form.value.done_in_portal
    control_of(form, "done_in_portal").value = True
    assert form.value.done_in_portal


def test_what_is_deleted_here_does_not_concern_the_portal() -> None:
    form = form_of(lesson.CleanUp, done_in_portal=True)
    control_of(form, "delete_keys").value = True
    assert form.value.done_in_portal


def test_an_earlier_choice_replaces_a_parameter_at_its_default() -> None:
    setting = Setting(remembered={"certificate_name": "earlier", "register_ca": None})
    remembered = Form(lesson.UploadCa, {"certificate_name": "walkthrough-ca"}, setting)
    assert remembered.value == lesson.UploadCa(certificate_name="earlier")
    assert Form(lesson.UploadCa, {"certificate_name": "new"}, setting).value.certificate_name == "new"


def test_a_value_that_is_not_possible_here_is_refused_and_one_that_a_cell_reads_is_noted() -> None:
    taken: list[Any] = []

    def check(value: lesson.ProvisionDevices) -> dict[str, Problem]:
        too_many = Problem("That is too many.", "The <moon> is full.", "Take fewer.")
        return {"fleet_size": too_many} if value.fleet_size > 100 else {}

    form = Form(lesson.ProvisionDevices, {"fleet_size": 200}, Setting(check=check, note=taken.append))
    assert "The &lt;moon&gt; is full. Take fewer." in reason_of(form, "fleet_size"), "before a cell reads it"
    with pytest.raises(Problem, match="too many"):
        form.value  # noqa: B018
    control_of(form, "fleet_size").value = "7"
    assert reason_of(form, "fleet_size") == ""
    assert taken == [], "typing is not taking"
    assert [form.value] == taken == [lesson.ProvisionDevices(fleet_size=7)]


# --- choices ---

HUBS = ("one.azure-devices.net", "two.azure-devices.net", "three.azure-devices.net")


def hubs_form(**parameters: Any) -> Form[Any]:
    setting = Setting(about={"target": "local"}, choices={"iot_hubs": HUBS})
    return Form(lesson.CreateEnrollmentGroup, parameters, setting)


def test_linked_hubs_are_chosen_from_a_list() -> None:
    form = hubs_form()
    control = control_of(form, "iot_hubs")
    assert isinstance(control, widgets.SelectMultiple)
    assert (control.options, form.value.hubs) == (HUBS, ())
    control.value = HUBS[1:]
    assert form.value.hubs == HUBS[1:]
    assert f"Hubs to choose from: {HUBS[1]},{HUBS[2]}" in repr(form)


def test_hubs_in_a_parameter_are_chosen_in_any_spelling() -> None:
    assert hubs_form(iot_hubs=f" {HUBS[2].upper()} ,{HUBS[0]},").value.hubs == (HUBS[0], HUBS[2])


def test_a_hub_that_is_not_in_the_list_is_not_dropped_silently() -> None:
    with pytest.raises(Problem, match="iot_hubs is invalid") as caught:
        hubs_form(iot_hubs=f"{HUBS[0]},elsewhere")
    assert ", ".join(HUBS) in caught.value.why
    assert "elsewhere" in caught.value.why


def test_without_a_list_hubs_are_typed() -> None:
    form = form_of(lesson.CreateEnrollmentGroup)
    control_of(form, "iot_hubs").value = "a, b"
    assert form.value.hubs == ("a", "b")


# --- secrets ---


def test_a_passphrase_is_read_from_the_form_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CA_PASSPHRASE", raising=False)
    passphrase = Secret("Passphrase", "CA_PASSPHRASE", HelpFor(lambda _values: "Opens it."))
    form = Form(lesson.SignCode, {}, Setting(about={"target": "local"}, secret=passphrase))
    assert form.secret is passphrase
    assert passphrase.value is None
    passphrase.control.value = "open sesame"
    assert passphrase.value == "open sesame"
    assert "open sesame" not in str(form._repr_mimebundle_()) + repr(form)
    assert "Passphrase: set" in repr(form)


def test_a_secret_comes_and_goes_with_the_other_values() -> None:
    static = ShownWhen(lambda values: values["allocation_policy"] is AllocationPolicy.STATIC, "with static")
    secret = Secret("Key", "SOME_SECRET", HelpFor(lambda _values: "Opens it."), shown=static)
    form = Form(lesson.CreateEnrollmentGroup, {}, Setting(about={"target": "local"}, secret=secret))
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
    for end in range(1, len(url) + 1):  # one letter after the other, each appended to the field's present text
        control_of(form, "webhook_url").set_state({"value": control_of(form, "webhook_url").value + url[end - 1]})
        held.add(control_of(form, "webhook_url").value)
    assert not any("SEC" in each for each in held if "user" not in url), "a user is one only when the @ comes"
    assert "SEC" not in control_of(form, "webhook_url").value
    assert "must not hold a key" in reason_of(form, "webhook_url")
    assert "SEC" not in str(form.box.get_state()) + repr(form)
    control_of(form, "webhook_url").value = "https://f.example/api"
    assert reason_of(form, "webhook_url") == ""


def test_of_two_invalid_parameters_the_first_is_named() -> None:
    with pytest.raises(Problem, match="registration_id"):
        lesson.EndAccess.checked(registration_id="", next_ca_name="")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("provisioning_service", "mydps!", "3 to 64"),
        ("provisioning_service", "ab", "3 to 64"),
        ("provisioning_service", "dps-", "no hyphen"),
        ("resource_group", "my rg!", "1 to 90"),
        ("resource_group", "rg.", "no full stop"),
    ],
)
def test_a_name_that_azure_does_not_accept_is_rejected_before_anything_is_sent(
    name: str, value: str, reason: str
) -> None:
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


@pytest.mark.parametrize("model", [lesson.ProvisionDevices, lesson.EndAccess])
@pytest.mark.parametrize("registration_id", ["stranger", "Stranger"])
def test_no_device_of_the_learner_has_the_id_of_the_unknown_device(model: type[Inputs], registration_id: str) -> None:
    """The two would have the same files."""
    with pytest.raises(Problem, match="registration_id is invalid") as caught:
        form_of(model, registration_id=registration_id)
    assert "06_provision_devices gives this id to the unknown device" in caught.value.why
    assert form_of(model, registration_id=f"{registration_id}-1").value.registration_id == f"{registration_id}-1"


def test_06_gives_the_unknown_device_that_id() -> None:
    code = "".join(cell.source for cell in code_cells("06_provision_devices"))
    assert f'issue_device("{UNKNOWN_DEVICE}")' in code


def test_white_space_alone_counts_as_empty() -> None:
    blank = lesson.StartHere.checked(
        target="azure", subscription_id=SUBSCRIPTION, resource_group=" ", provisioning_service="d-1"
    )
    assert list(blank.missing()) == ["resource_group"]


# --- files ---


@pytest.fixture
def create_ca(workspace: Workspace) -> Form[Any]:
    """The form of 01 in a workspace."""
    return lesson.open(workspace.folder).form(lesson.CreateCa, {})


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
def test_a_dropped_file_is_readable_by_its_owner_only_and_its_path_is_the_fields_value(
    workspace: Workspace, create_ca: Form[Any], dropped: str, kept: str
) -> None:
    form = create_ca
    content = certificate_pem(CertificateAuthority.create_root("Own").certificate)
    assert drop(form, "own_ca_certificate", dropped, content) == f"{dropped} was accepted."
    path = Path(control_of(form, "own_ca_certificate").value)
    assert path == workspace.folder / "dropped" / "own_ca_certificate" / kept
    assert path.read_bytes() == content
    assert has_mode(path, 0o600)
    assert has_mode(path.parent, 0o700)
    assert "own_ca_key" in shown(form)
    other = certificate_pem(CertificateAuthority.create_root("Other").certificate)
    drop(form, "own_ca_certificate", "other", other)
    assert [file.read_bytes() for file in path.parent.iterdir()] == [other]


def test_a_field_that_is_emptied_leaves_no_copy_of_the_key_and_does_not_say_that_it_has_one(
    workspace: Workspace,
    create_ca: Form[Any],
) -> None:
    form = create_ca
    drop(form, "own_ca_key", "ca.key", b"very secret content")
    field = field_of(form, "own_ca_key")
    (place,) = (child for child in field.box.children if isinstance(child, FileDrop))
    field.control.value = ""
    assert place.said == ""
    assert not [each for each in (workspace.folder / "dropped").rglob("*") if each.is_file()]


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_certificate_that_is_dropped_as_the_key_is_not_accepted(
    workspace: Workspace, create_ca: Form[Any], encoding: Encoding
) -> None:
    authority = CertificateAuthority.create_root("Own")
    certificate, key = authority.certificate.public_bytes(encoding), private_key_file(authority, encoding)
    assert "contains no private key" in drop(create_ca, "own_ca_key", "ca", certificate)
    assert not (workspace.folder / "dropped").exists()
    for content in (key, *([certificate + key] if encoding is Encoding.PEM else [])):
        assert drop(create_ca, "own_ca_key", "ca", content) == "ca was accepted."


def private_key_file(authority: CertificateAuthority, encoding: Encoding) -> bytes:
    """Return the content of the CA's key file in this encoding."""
    return authority.private_key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())


def test_a_dropped_file_that_is_not_a_cas_certificate_is_not_accepted(
    workspace: Workspace, create_ca: Form[Any]
) -> None:
    form = create_ca
    device = CertificateAuthority.create_root("Own").issue_device("pump-1")
    assert "not a CA certificate" in drop(form, "own_ca_certificate", "d.pem", certificate_pem(device.certificate))
    assert "not a certificate" in drop(form, "own_ca_certificate", "d.txt", b"a text")
    assert control_of(form, "own_ca_certificate").value == ""
    assert not (workspace.folder / "dropped").exists()


def test_no_widget_holds_a_dropped_files_content(workspace: Workspace, create_ca: Form[Any]) -> None:
    form = create_ca
    drop(form, "own_ca_key", "ca.key", b"very secret content")
    for field in form._fields:
        for widget in (field.control, *field.box.children):
            assert "very secret" not in str(widget.get_state())


def test_a_file_that_is_too_large_is_not_accepted(workspace: Workspace, create_ca: Form[Any]) -> None:
    form = create_ca
    assert "not accepted" in drop(form, "own_ca_certificate", "film.mp4", bytes((1 << 20) + 1))
    assert control_of(form, "own_ca_certificate").value == ""
    assert not (workspace.folder / "dropped").exists()


def test_dropped_files_go_with_the_keys(workspace: Workspace) -> None:
    drop(lesson.open(workspace.folder).form(lesson.CreateCa, {}), "own_ca_key", "ca.key", b"x")
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
        (lesson.CreateCa, "lifetime_days", widgets.Text),
        (lesson.CreateCa, "root_name", widgets.Text),
    ],
)
def test_a_field_suits_its_type_and_has_a_label_and_help(model: type[Inputs], name: str, kind: type) -> None:
    form = form_of(model, **({"key_type": "RSA"} if name == "rsa_bits" else {}))
    control = control_of(form, name)
    assert isinstance(control, kind)
    assert control.description == model.model_fields[name].title
    assert field_of(form, name)._help in field_of(form, name).box.children
    assert (model.model_fields[name].description or "") in help_of(form, name)
    assert help_of(form, name)


@pytest.mark.parametrize("model", MODELS)
def test_every_field_has_a_label_of_its_own(model: type[Inputs]) -> None:
    titles = [info.title for info in model.model_fields.values()]
    assert all(titles)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(("model", "parameters"), OTHER_VALUES)
def test_without_widgets_the_values_are_shown(model: type[Inputs], parameters: dict[str, Any]) -> None:
    form = form_of(model, **parameters)
    bundle = form._repr_mimebundle_()
    for name in shown(form):
        value = control_of(form, name).value
        assert f"{model.model_fields[name].title}: {value}" in bundle["text/plain"]
        assert f">{escape(str(value))}</td>" in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_shown_values_never_contain_the_learners_html() -> None:
    form = form_of(lesson.CreateCa, root_name="<script>alert('&')</script>")
    assert "<script>" not in form._repr_mimebundle_()["text/html"]
    assert "&lt;script&gt;" in form._repr_mimebundle_()["text/html"]


# --- the notebooks ---


def test_every_form_is_in_one_notebook() -> None:
    assert [model for models in FORMS_OF.values() for model in models] == [*inputs.FORMS]


@pytest.mark.parametrize("stem", FORMS_OF)
def test_a_notebooks_parameters_are_its_models_fields_and_defaults(stem: str) -> None:
    [cell] = [cell for cell in code_cells(stem) if "parameters" in cell.metadata.get("tags", [])]
    given = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(cell.source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    assert given.pop("workspace") == "../data/workspace/lab"
    assert given == {name: value for model in FORMS_OF[stem] for name, value in defaults(model).items()}


@pytest.mark.parametrize("stem", FORMS_OF)
def test_a_form_gets_every_parameter_of_its_notebook(stem: str) -> None:
    source = "\n".join(cell.source for cell in code_cells(stem))
    asked = re.findall(r"walkthrough\.form\(lesson\.(\w+), globals\(\)\)", source)
    assert asked == [model.__name__ for model in FORMS_OF[stem]]


def test_a_form_without_fields_says_what_to_do() -> None:
    form = form_of(lesson.VerifyCa, "local")
    assert "nothing to fill in" in repr(form)
    assert "nothing to fill in" in form._repr_mimebundle_()["text/html"]
