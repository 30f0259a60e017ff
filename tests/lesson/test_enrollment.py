"""The step of 05, against a real local DPS: the group is what the form says."""

from typing import Any

import pytest

from helpers import lesson
from helpers.dps import AllocationPolicy, CustomAllocation, ProvisioningService
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.steps import walk

HUB, OTHER = "local-hub-1.azure-devices.net", "local-hub-2.azure-devices.net"


def bind(workspace: Workspace, dps: ProvisioningService, name: str, **fields: Any) -> Any:
    return lesson.bind_enrollment_group(
        workspace, dps, lesson.CreateEnrollmentGroup(enrollment_group_id=name, **fields)
    )


def test_the_group_follows_the_form_and_is_left_alone_when_nothing_changed(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    first = dps.enrollment_groups.get(name)
    assert first.allocation_policy is AllocationPolicy.HASHED
    assert bind(workspace, dps, name).etag == first.etag
    static = bind(workspace, dps, name, allocation_policy="static", iot_hubs=f" {OTHER.upper()} ,")
    assert (static.allocation_policy, static.iot_hubs) == (AllocationPolicy.STATIC, (OTHER,))
    assert static == dps.enrollment_groups.get(name)
    custom = bind(workspace, dps, name, allocation_policy="custom", webhook_url="http://localhost:7071/f")
    assert (custom.custom_allocation, custom.iot_hubs) == (CustomAllocation("http://localhost:7071/f"), ())
    back = bind(workspace, dps, name, iot_hubs=f"{HUB}, {OTHER}")
    assert (back.allocation_policy, back.iot_hubs, back.custom_allocation) == (
        AllocationPolicy.HASHED,
        (HUB, OTHER),
        None,
    )


def test_a_webhooks_key_reaches_the_service_and_is_shown_nowhere(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    inputs = lesson.CreateEnrollmentGroup(
        enrollment_group_id=name, allocation_policy="custom", webhook_url="http://localhost:7071/f?a=1"
    )
    group = lesson.bind_enrollment_group(workspace, dps, inputs, "SECRET==")
    assert group.custom_allocation == CustomAllocation("http://localhost:7071/f?a=1&code=SECRET%3D%3D")
    assert group == dps.enrollment_groups.get(name)
    picture = lesson.GroupPicture(group, lesson.hubs_of(dps, group))
    happened = lesson.what_just_happened(workspace, dps, "group", group=group)
    for shown in (repr(group), repr(picture), picture._repr_html_(), repr(happened), happened._repr_html_()):
        assert "SECRET" not in shown
        assert "localhost:7071/f?a=1" in shown.replace("&amp;", "&").replace("\n", "")


def test_a_group_that_was_disabled_or_bound_elsewhere_is_put_right(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    first = dps.enrollment_groups.get(name)
    dps.enrollment_groups.disable(first)
    again = bind(workspace, dps, name)
    assert (again.enabled, again.attestation) == (True, first.attestation)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a hub that is not linked": ({"iot_hubs": "elsewhere.azure-devices.net"}, f"Linked are: {HUB}, {OTHER}"),
    "static without a hub": ({"allocation_policy": "static"}, "exactly one hub"),
    "static with two": ({"allocation_policy": "static", "iot_hubs": f"{HUB},{OTHER}"}, "exactly one hub"),
    "custom without a webhook": ({"allocation_policy": "custom"}, "give its URL"),
    "a webhook without custom": ({"webhook_url": "http://localhost:1/"}, "custom alone"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_together_is_refused_before_anything_is_sent(
    workspace: Workspace, dps: ProvisioningService, name: str, kind: str
) -> None:
    fields, reason = WRONG[kind]
    walk(workspace, dps, name)
    before = dps.enrollment_groups.get(name)
    with pytest.raises(Problem, match=reason):
        bind(workspace, dps, name, **fields)
    assert dps.enrollment_groups.get(name) == before
