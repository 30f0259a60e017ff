"""A form is a view of a typed value."""

import ast
from typing import Any

import ipywidgets as widgets
import nbformat
import pytest
from pydantic import BaseModel

from helpers import lesson, walkthrough
from helpers.certificates import KeyAlgorithm
from helpers.problem import Problem

OTHER_VALUES: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (
        lesson.StartHere,
        {"target": "azure", "subscription_id": "s", "resource_group": "g", "provisioning_service": "p"},
    ),
    (
        lesson.CreateCa,
        {
            "root_name": "R",
            "intermediate_name": "I",
            "key_algorithm": "RSA-2048",
            "lifetime_days": 7,
            "own_ca_certificate": "a.pem",
            "own_ca_key": "a.key",
        },
    ),
    (lesson.UploadCa, {"register_ca": "root", "certificate_name": "other"}),
    (
        lesson.CreateEnrollmentGroup,
        {
            "enrollment_group_id": "others",
            "allocation_policy": "custom",
            "iot_hubs": "a, b",
            "webhook_url": "http://localhost:1/",
        },
    ),
    (lesson.ProvisionDevices, {"device_id": "valve-7", "fleet_size": 3}),
    (lesson.EndAccess, {"device_id": "valve-7", "next_ca_name": "N"}),
    (lesson.CleanUp, {"delete_keys": True}),
]
MODELS = [model for model, _ in OTHER_VALUES]
MODEL_OF = dict(
    zip(
        [
            "00_start_here",
            "01_create_ca",
            "02_upload_ca",
            "03_sign_verification_code",
            "04_verify_ca",
            "05_create_enrollment_group",
            "06_provision_devices",
            "07_when_access_ends",
            "10_clean_up",
        ],
        [
            lesson.StartHere,
            lesson.CreateCa,
            lesson.UploadCa,
            None,
            None,
            lesson.CreateEnrollmentGroup,
            lesson.ProvisionDevices,
            lesson.EndAccess,
            lesson.CleanUp,
        ],
        strict=True,
    )
)


def field_of(form: lesson.Form[Any], model: type[BaseModel], name: str) -> Any:
    """The widget that a person would edit, found by what stands beside it."""
    title = model.model_fields[name].title
    return next(widget for widget in form._box.children if getattr(widget, "description", None) == title)


def message_of(form: lesson.Form[Any]) -> str:
    return str(form._box.children[-1].value)


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    return {name: info.default for name, info in model.model_fields.items()}


@pytest.mark.parametrize("model", MODELS)
def test_a_form_without_parameters_holds_the_defaults(model: type[BaseModel]) -> None:
    assert lesson.Form(model).value == model()


@pytest.mark.parametrize(("model", "parameters"), OTHER_VALUES)
def test_an_untouched_form_holds_its_parameters(model: type[BaseModel], parameters: dict[str, Any]) -> None:
    assert set(parameters) == set(model.model_fields)
    assert lesson.Form(model, **parameters).value.model_dump() == parameters


@pytest.mark.parametrize(("model", "parameters"), OTHER_VALUES)
def test_the_value_is_what_the_fields_hold_after_an_edit(model: type[BaseModel], parameters: dict[str, Any]) -> None:
    form = lesson.Form(model)
    for name, value in model.model_validate(parameters):
        field_of(form, model, name).value = value
    assert form.value == model.model_validate(parameters)
    assert message_of(form) == ""


@pytest.mark.parametrize("model", MODELS)
def test_an_unknown_parameter_is_named_with_those_that_exist(model: type[BaseModel]) -> None:
    with pytest.raises(Problem, match="colour") as caught:
        lesson.Form(model, colour="green")
    assert "unknown" in caught.value.what
    assert all(name in caught.value.next_step for name in model.model_fields)


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (lesson.StartHere, "target", "moon"),
        (lesson.StartHere, "subscription_id", 7),
        (lesson.CreateCa, "key_algorithm", "MD5"),
        (lesson.CreateCa, "lifetime_days", 0),
        (lesson.CreateCa, "lifetime_days", 36501),
        (lesson.CreateCa, "lifetime_days", "long"),
        (lesson.CreateCa, "root_name", None),
        (lesson.UploadCa, "register_ca", "device"),
        (lesson.CleanUp, "delete_keys", "perhaps"),
    ],
)
def test_an_invalid_parameter_is_named_with_its_value(model: type[BaseModel], name: str, value: Any) -> None:
    with pytest.raises(Problem, match=f"{name} is invalid") as caught:
        lesson.Form(model, **{name: value})
    assert repr(value) in caught.value.why


def test_while_typing_the_reason_stands_below_and_goes_when_it_is_mended() -> None:
    form = lesson.Form(lesson.CreateCa)
    field = field_of(form, lesson.CreateCa, "lifetime_days")
    assert message_of(form) == ""
    field.value = 0
    assert "lifetime_days is invalid" in message_of(form)
    with pytest.raises(Problem, match="lifetime_days"):
        form.value  # noqa: B018
    field.value = 30
    assert message_of(form) == ""
    assert form.value.lifetime_days == 30


@pytest.mark.parametrize(
    ("model", "name", "choices"),
    [
        (lesson.StartHere, "target", ("local", "azure")),
        (lesson.UploadCa, "register_ca", ("root", "intermediate")),
        (lesson.CreateCa, "key_algorithm", tuple((each.value, each) for each in KeyAlgorithm)),
    ],
)
def test_a_choice_is_a_dropdown(model: type[BaseModel], name: str, choices: tuple[Any, ...]) -> None:
    field = field_of(lesson.Form(model), model, name)
    assert isinstance(field, widgets.Dropdown)
    assert tuple(field.options) == choices


@pytest.mark.parametrize(
    ("model", "name", "kind"),
    [
        (lesson.CleanUp, "delete_keys", widgets.Checkbox),
        (lesson.CreateCa, "lifetime_days", widgets.IntText),
        (lesson.CreateCa, "root_name", widgets.Text),
    ],
)
def test_other_fields_suit_their_type(model: type[BaseModel], name: str, kind: type) -> None:
    assert isinstance(field_of(lesson.Form(model), model, name), kind)


@pytest.mark.parametrize(("model", "parameters"), OTHER_VALUES)
def test_where_no_widget_can_live_the_values_are_shown(model: type[BaseModel], parameters: dict[str, Any]) -> None:
    shown = lesson.Form(model, **parameters)._repr_mimebundle_()
    for name, value in parameters.items():
        assert f"{model.model_fields[name].title}: {value}" in shown["text/plain"]
        assert f"<td>{value}</td>" in shown["text/html"]


def test_a_form_is_shown_as_widgets_where_they_can_live() -> None:
    assert "application/vnd.jupyter.widget-view+json" in lesson.Form(lesson.CleanUp)._repr_mimebundle_()


def test_what_is_shown_is_no_html_of_the_learners() -> None:
    shown = lesson.Form(lesson.UploadCa, certificate_name="<script>alert('&')</script>")._repr_mimebundle_()
    assert "<script>" not in shown["text/html"]
    assert "&lt;script&gt;" in shown["text/html"]
    assert "<script>" in shown["text/plain"]


def test_every_notebook_is_known_to_this_file() -> None:
    assert [notebook.stem for notebook in walkthrough.NOTEBOOKS] == list(MODEL_OF)


@pytest.mark.parametrize("stem", MODEL_OF)
def test_a_notebooks_parameters_are_its_models_fields_and_defaults(stem: str) -> None:
    source = nbformat.read(walkthrough.PROJECT / "notebooks" / f"{stem}.ipynb", as_version=4)
    [cell] = [cell for cell in source.cells if "parameters" in cell.metadata.get("tags", [])]
    given = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(cell.source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    assert given.pop("workspace") == "../data/workspace/lab"
    model = MODEL_OF[stem]
    assert given == (defaults(model) if model else {})
