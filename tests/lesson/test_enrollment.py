"""05, against a real local DPS: the group is what the form says."""

from dataclasses import replace
from typing import Any

import pytest

from helpers.dps import AllocationPolicy, CustomAllocation, EnrollmentGroup, ProvisioningService, ReprovisionPolicy
from helpers.lesson.walkthrough.showing import picture_of
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.cells import Notebook, walk

HUB, OTHER = "local-hub-1.azure-devices.net", "local-hub-2.azure-devices.net"


def bind(workspace: Workspace, name: str, **parameters: Any) -> Any:
    """Run 05 in a new kernel, and return the group that its cell shows."""
    notebook = Notebook("05", workspace, enrollment_group_id=name, **parameters)
    notebook.call()
    return notebook.group


def test_the_group_follows_the_form_and_is_left_alone_when_nothing_changed(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name)
    first = dps.enrollment_groups.get(name)
    assert first.allocation_policy is AllocationPolicy.HASHED
    assert bind(workspace, name).etag == first.etag
    static = bind(workspace, name, allocation_policy="static", iot_hubs=f" {OTHER.upper()} ,")
    assert (static.allocation_policy, static.iot_hubs) == (AllocationPolicy.STATIC, (OTHER,))
    assert static == dps.enrollment_groups.get(name)
    custom = bind(workspace, name, allocation_policy="custom", webhook_url="http://localhost:7071/f")
    assert (custom.custom_allocation, custom.iot_hubs) == (CustomAllocation("http://localhost:7071/f"), ())
    back = bind(workspace, name, iot_hubs=f"{HUB}, {OTHER}")
    assert (back.allocation_policy, back.iot_hubs, back.custom_allocation) == (
        AllocationPolicy.HASHED,
        (HUB, OTHER),
        None,
    )


def test_the_form_that_is_edited_and_the_cell_that_is_run_again_change_the_group(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name, last="04")
    notebook = Notebook("05", workspace, enrollment_group_id=name)
    notebook.call()
    notebook.type_in(allocation_policy=AllocationPolicy.STATIC, iot_hubs=(OTHER,))
    group = notebook.cell("form.value")
    assert (group.allocation_policy, group.iot_hubs) == (AllocationPolicy.STATIC, (OTHER,))
    assert group == dps.enrollment_groups.get(name)
    assert "✔" in repr(notebook.cell("checkpoint"))


def test_settings_that_the_form_does_not_have_stay(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    walk(workspace, name)
    twin, policy = {"tags": {"site": "north"}}, ReprovisionPolicy(migrate_device_data=False)
    present = dps.enrollment_groups.get(name)
    dps.enrollment_groups.update(replace(present, initial_twin=twin, reprovision_policy=policy))
    changed = bind(workspace, name, allocation_policy="geoLatency")
    assert (changed.allocation_policy, changed.reprovision_policy) == (AllocationPolicy.GEO_LATENCY, policy)
    assert (changed.initial_twin or {})["tags"] == {"site": "north"}


@pytest.mark.parametrize(
    ("url", "parameter"),
    [("http://localhost:7071/f?a=1", "code"), ("http://localhost:7071/f?sp=%2Frun&sv=1.0", "sig")],
    ids=["a function", "a logic app"],
)
def test_a_webhooks_key_reaches_the_service_and_is_shown_and_written_nowhere(
    workspace: Workspace, dps: ProvisioningService, name: str, url: str, parameter: str
) -> None:
    walk(workspace, name, last="04")
    notebook = Notebook("05", workspace, enrollment_group_id=name, allocation_policy="custom", webhook_url=url)
    notebook.call(until="form.value")
    assert f"the text after {parameter}= in its URL" in notebook.form.secret._help.value
    notebook.form.secret.control.value = "SECRET=="
    group = notebook.cell("form.value")
    assert group.custom_allocation == CustomAllocation(f"{url}&{parameter}=SECRET%3D%3D")
    assert group == dps.enrollment_groups.get(name)
    picture = picture_of(notebook.walkthrough, group)
    happened = notebook.cell("what_just_happened")
    form = repr(notebook.form) + str(notebook.form._repr_mimebundle_()["text/html"])
    for shown in (repr(group), repr(picture), picture._repr_html_(), repr(happened), happened._repr_html_(), form):
        assert "SECRET" not in shown
        assert "localhost:7071/f?" in shown.replace("\n", "")
    state = [str(field.control.get_state()) for field in notebook.form._fields]
    assert not any("SECRET" in each for each in [*state, str(notebook.form.secret.control.get_state())])
    assert b"SECRET" not in (workspace.folder / "workspace.json").read_bytes()


def test_a_disabled_group_is_enabled_again(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    walk(workspace, name)
    first = dps.enrollment_groups.get(name)
    dps.enrollment_groups.disable(first)
    again = bind(workspace, name)
    assert (again.enabled, again.attestation) == (True, first.attestation)


def test_a_group_that_was_deleted_is_created_again(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    walk(workspace, name)
    dps.enrollment_groups.delete(dps.enrollment_groups.get(name))
    assert isinstance(bind(workspace, name), EnrollmentGroup)
    assert dps.enrollment_groups.get(name).enabled


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a hub that is not linked": ({"iot_hubs": "elsewhere.azure-devices.net"}, f"one or several of {HUB}, {OTHER}"),
    "one hub of two is not linked": ({"iot_hubs": f"{HUB}, elsewhere"}, "The value was '.*elsewhere'"),
    "static without a hub": ({"allocation_policy": "static"}, "exactly one hub"),
    "static with two": ({"allocation_policy": "static", "iot_hubs": f"{HUB},{OTHER}"}, "exactly one hub"),
    "custom without a webhook": ({"allocation_policy": "custom"}, "enter its URL"),
    "a webhook without custom": ({"webhook_url": "http://localhost:1/"}, "with the allocation policy custom"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_values_that_conflict_are_refused_before_anything_is_sent(
    workspace: Workspace, dps: ProvisioningService, name: str, kind: str
) -> None:
    fields, reason = WRONG[kind]
    walk(workspace, name)
    before = dps.enrollment_groups.get(name)
    with pytest.raises(Problem, match=reason):
        bind(workspace, name, **fields)
    assert dps.enrollment_groups.get(name) == before
