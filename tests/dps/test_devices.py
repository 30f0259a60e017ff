"""Devices register over HTTPS, and through Azure's device SDK; the error explains each rejection."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.iothubprovisioningservices.models import CertificateProperties, CertificateResponse

from helpers.certificates import (
    CertificateAuthority,
    DeviceCredential,
    certificate_pem,
    issue_fleet,
    read_certificates,
    save_authority,
    save_private_key,
)
from helpers.certificates.authority import DeviceCertificate
from helpers.dps import (
    CaReference,
    DevicePlane,
    DeviceRegistrar,
    DpsError,
    EnrollmentGroup,
    KnownCas,
    Registration,
    connect_local,
    device_plane,
    require_registered,
)
from helpers.local_dps import RequestRecord, running
from helpers.problem import Interrupted, Problem
from tests.dps.wire import Wire
from tests.interrupting import interrupted_when
from tests.local_dps.wire import LocalService

ROOT = CertificateAuthority.create_root("Root")
INTERMEDIATE = ROOT.create_intermediate("Intermediate")


def stored(folder: Path, name: str, device: DeviceCertificate, chain: Sequence[Any] | None = None) -> DeviceCredential:
    """Write a device's two files."""
    chain_file, key_file = folder / f"{name}.pem", folder / f"{name}.key.pem"
    chain_file.write_bytes(certificate_pem(*(device.chain if chain is None else chain)))
    save_private_key(device.private_key, key_file)
    return DeviceCredential(name, chain_file, key_file)


@pytest.fixture
def open_to_root(wire: Wire) -> Wire:
    """Verify the root, and create a group that accepts the devices of the root and its intermediates."""
    properties = CertificateProperties(certificate=certificate_pem(ROOT.certificate), is_verified=True)
    names = (wire.connection["resource_group"], wire.connection["provisioning_service"])
    wire.service._management.dps_certificate.create_or_update(
        *names, "root", CertificateResponse(properties=properties)
    )
    wire.groups.create(EnrollmentGroup("pumps", CaReference("root")))
    return wire


def test_a_fleet_registers_concurrently_and_its_records_are_read_and_deleted(
    open_to_root: Wire, tmp_path: Path
) -> None:
    devices = open_to_root.service.devices
    fleet = [stored(tmp_path, f"pump-{n}", INTERMEDIATE.issue_device(f"pump-{n}")) for n in range(5)]
    registered = require_registered(devices.register_all(fleet))
    assert [each.registration_id for each in registered] == [f"pump-{n}" for n in range(5)]
    assert {each.assigned_hub for each in registered} <= set(open_to_root.connection["iot_hubs"])
    assert {(each.status, each.substatus) for each in registered} == {("assigned", "initialAssignment")}
    assert sorted(devices.records("pumps"), key=lambda each: each.registration_id) == registered
    for _ in range(2):
        devices.forget("pump-0")
    assert {each.registration_id for each in devices.records("pumps")} == {f"pump-{n}" for n in range(1, 5)}


def test_one_device_registers(open_to_root: Wire, tmp_path: Path) -> None:
    registered = open_to_root.service.devices.register(stored(tmp_path, "pump", ROOT.issue_device("pump")))
    assert (registered.registration_id, registered.device_id, registered.status) == ("pump", "pump", "assigned")


def without_intermediate(folder: Path) -> DeviceCredential:
    device = INTERMEDIATE.issue_device("pump")
    return stored(folder, "pump", device, [device.certificate])


def of_a_namesake(folder: Path) -> DeviceCredential:
    return stored(folder, "pump", CertificateAuthority.create_root("Root").issue_device("pump"))


def under_another_name(folder: Path) -> DeviceCredential:
    return replace(stored(folder, "pump", ROOT.issue_device("pump")), registration_id="valve")


def of_itself(folder: Path) -> DeviceCredential:
    """The CA as a device."""
    authority = CertificateAuthority(ROOT.certificate, ROOT.private_key)
    files = (folder / "ca.pem", folder / "ca.key")
    save_authority(authority, *files)
    return DeviceCredential("Root", *files)


def short_lived(folder: Path) -> DeviceCredential:
    device = stored(folder, "pump", ROOT.issue_device("pump", lifetime=timedelta(seconds=1)))
    while True:
        (leaf,) = read_certificates(device.chain_file.read_bytes(), "pump.pem")
        if leaf.not_valid_after_utc < datetime.now(UTC):
            return device
        time.sleep(0.05)


REFUSED: dict[str, tuple[Callable[[Path], DeviceCredential], list[str], str]] = {
    "the intermediate is not sent": (
        without_intermediate,
        [
            "issued by “Intermediate”, which is not registered",
            "Verified CAs: “Root”",
            "CA certificate not found.",
        ],
        "401002",
    ),
    "another CA of the same name": (
        of_a_namesake,
        ["“Root” is verified, as “root”", "with the same subject", "CA certificate not found."],
        "401002",
    ),
    "another registration id": (under_another_name, ["for “pump”", "as “valve”", "Unauthorized"], "401000"),
    "it has expired": (short_lived, ["Dates of “pump”", "Expired", "Invalid certificate."], "401002"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_rejection_is_explained_with_a_next_step(open_to_root: Wire, tmp_path: Path, kind: str) -> None:
    make, says, code = REFUSED[kind]
    device = make(tmp_path)
    good = stored(tmp_path, "good", ROOT.issue_device("good"))
    refused, registered = open_to_root.service.devices.register_all([device, good])
    assert isinstance(refused, DpsError)
    assert (refused.status, refused.code) == (401, code)
    for part in says:
        assert part in refused.why
    assert refused.next_step
    assert isinstance(registered, Registration)
    with pytest.raises(Problem, match="1 of 2"):
        require_registered([refused, registered])
    with pytest.raises(DpsError):
        open_to_root.service.devices.register(device)


def rejection_of(wire: Wire, device: DeviceCredential) -> DpsError:
    (refused,) = wire.service.devices.register_all([device])
    assert isinstance(refused, DpsError)
    return refused


def test_the_explanation_depends_on_the_cas_and_groups_at_the_service(wire: Wire, tmp_path: Path) -> None:
    device = stored(tmp_path, "pump", INTERMEDIATE.issue_device("pump"))
    assert "Verified CAs: none" in rejection_of(wire, device).why
    uploaded = wire.certificates.upload("factory", certificate_pem(INTERMEDIATE.certificate))
    unproved = rejection_of(wire, device)
    assert "“factory” is in the device's chain, but is not verified" in unproved.why
    assert "Verify it" in unproved.next_step
    code = wire.certificates.generate_verification_code(uploaded)
    proof = INTERMEDIATE.sign_verification_code(str(code.verification_code))
    wire.certificates.verify(code, certificate_pem(proof.certificate))
    unbound = rejection_of(wire, device)
    assert "“factory” is verified, but no enrollment accepts" in unbound.why
    assert "bound to “factory”" in unbound.next_step
    wire.groups.create(EnrollmentGroup("pumps", CaReference("factory")))
    assert wire.service.devices.register(device).status == "assigned"


def test_a_wrong_ca_in_the_chain_is_distinguished_from_another_ca_with_the_same_name(
    open_to_root: Wire, tmp_path: Path
) -> None:
    wrong, device = ROOT.create_intermediate("Wrong"), INTERMEDIATE.issue_device("pump")
    refused = rejection_of(open_to_root, stored(tmp_path, "pump", device, [device.certificate, wrong.certificate]))
    assert "“pump” and then “Wrong”, which did not sign it" in refused.why


def test_a_device_without_its_files_does_not_prevent_the_others_from_registering(
    open_to_root: Wire, tmp_path: Path
) -> None:
    good = stored(tmp_path, "good", ROOT.issue_device("good"))
    gone = stored(tmp_path, "gone", ROOT.issue_device("gone"))
    gone.key_file.unlink()
    refused, registered = open_to_root.service.devices.register_all([gone, good])
    assert isinstance(refused, DpsError)
    assert "could not be used" in refused.why
    assert isinstance(registered, Registration)


def test_a_ca_is_not_a_device(open_to_root: Wire, tmp_path: Path) -> None:
    assert "sent the certificate of the CA “Root” as its own" in rejection_of(open_to_root, of_itself(tmp_path)).why


def test_the_error_says_that_an_unreachable_service_did_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_plane, "_MAX_ATTEMPTS", 2)
    nowhere = DeviceRegistrar(DevicePlane("nowhere.invalid"), lambda: "0ne00112233", KnownCas)
    with pytest.raises(DpsError, match="could not be reached") as caught:
        nowhere.register(stored(tmp_path, "pump-1", INTERMEDIATE.issue_device("pump-1")))
    assert "nowhere.invalid" in caught.value.next_step
    assert caught.value.transient


def test_a_disabled_group_accepts_no_device(open_to_root: Wire, tmp_path: Path) -> None:
    open_to_root.groups.disable(open_to_root.groups.get("pumps"))
    with pytest.raises(DpsError) as caught:
        open_to_root.service.devices.register(stored(tmp_path, "pump", ROOT.issue_device("pump")))
    assert "disabled" in caught.value.why


# --- the requests ---------------------------------------------------------------------------------------------------


def device_requests(wire: Wire) -> list[tuple[str, str]]:
    """The method and the path's fourth part of each request to the device plane."""
    parts = [(each.method, each.path.split("/")) for each in wire.seen]
    return [(method, path[4]) for method, path in parts if path[1].startswith("0ne")]


def asked_for(wire: Wire) -> set[str]:
    """The registration ids with which devices registered."""
    return {each.path.split("/")[3] for each in wire.seen if each.method == "PUT" and each.path.endswith("/register")}


def polls(wire: Wire) -> int:
    return device_requests(wire).count(("GET", "operations"))


def test_a_device_registers_and_polls_once(open_to_root: Wire, tmp_path: Path) -> None:
    open_to_root.service.devices.register(stored(tmp_path, "pump", ROOT.issue_device("pump")))
    assert device_requests(open_to_root) == [("PUT", "register"), ("GET", "operations")]


def connected(folder: Path, **options: Any) -> Iterator[Wire]:
    """A local DPS with other options, which registers devices whose certificates the root signed."""
    seen: list[RequestRecord] = []
    with running(folder / "state", observe=seen.append, **options) as connection:
        wire = Wire(connect_local(folder / "state" / "connection.json"), connection, seen)
        wire.certificates.upload("root", certificate_pem(ROOT.certificate), self_attested=True)
        wire.groups.create(EnrollmentGroup("pumps", CaReference("root")))
        yield wire
        wire.service.close()


def test_it_waits_as_long_as_retry_after_says(tmp_path: Path) -> None:
    times: list[float] = []
    with contextmanager(connected)(tmp_path, retry_after=1) as wire:
        device = stored(tmp_path, "pump", ROOT.issue_device("pump"))
        began = time.monotonic()
        assert wire.service.devices.register(device).status == "assigned"
        times.append(time.monotonic() - began)
        assert device_requests(wire) == [("PUT", "register"), ("GET", "operations")]
    assert 1 <= times[0] < 3, "neither Azure's three seconds nor no wait at all"


def test_a_request_to_a_busy_service_is_retried_after_retry_after(tmp_path: Path) -> None:
    with contextmanager(connected)(tmp_path, retry_after=0) as wire:
        device = stored(tmp_path, "pump", ROOT.issue_device("pump"))
        control = LocalService(wire.connection, tmp_path / "state").control
        assert control("PUT", "/faults", {"rates": {"throttle": 0.5}, "seed": 2}).status == 200
        assert wire.service.devices.register(device).status == "assigned"
        busy = [each for each in wire.seen if each.status == 429 and each.path.startswith("/0ne")]
        answered = [each for each in wire.seen if each.status in (200, 202) and each.path.startswith("/0ne")]
        assert busy, "this seed causes a fault"
        assert len(answered) == 2


# --- an interrupt -----------------------------------------------------------------------------------------------------


def test_an_interrupt_says_how_far_it_got_and_the_same_call_continues(open_to_root: Wire, tmp_path: Path) -> None:
    wire, names = open_to_root, [f"pump-{number}" for number in range(300)]
    fleet = issue_fleet(ROOT, names, tmp_path / "devices")
    devices = wire.service.devices
    with pytest.raises(Interrupted) as caught, interrupted_when(lambda: polls(wire) > 20):
        devices.register_all(fleet, resume=True)
    found = re.fullmatch(r"(\d+) of 300 devices are registered", caught.value.progress)
    assert found
    done = int(found[1])
    assert 0 < done < 300
    assert str(caught.value) == f"{done} of 300 devices are registered; run it again to continue."
    assert caught.value._render_traceback_() == [
        f"{done} of 300 devices are registered; run the cell again to continue."
    ]
    wire.seen.clear()
    registered = require_registered(devices.register_all(fleet, resume=True))
    assert [each.registration_id for each in registered] == names
    assert len(asked_for(wire)) == 300 - done, "the registered ones are skipped"
    wire.seen.clear()
    require_registered(devices.register_all(fleet[:5], resume=True))
    assert len(asked_for(wire)) == 5, "they are skipped only once: a registered fleet can register again"


def test_without_resume_every_device_registers_again(open_to_root: Wire, tmp_path: Path) -> None:
    """In 07, a device that registered before the interrupt may be rejected after it."""
    wire, fleet = open_to_root, issue_fleet(ROOT, [f"pump-{number}" for number in range(200)], tmp_path / "devices")
    devices = wire.service.devices
    with pytest.raises(Interrupted), interrupted_when(lambda: polls(wire) > 20):
        devices.register_all(fleet)
    wire.groups.disable(wire.groups.get("pumps"))
    assert all(isinstance(each, DpsError) for each in devices.register_all(fleet[:30], resume=True))


# --- Azure's device SDK -----------------------------------------------------------------------------------------------


def test_one_device_registers_through_azures_sdk_and_its_steps_are_reported(open_to_root: Wire, tmp_path: Path) -> None:
    device = stored(tmp_path, "pump", INTERMEDIATE.issue_device("pump"))
    registration, events = open_to_root.service.devices.register_with_azure_sdk(device)
    assert registration == open_to_root.service.devices.register(device)
    assert ["connected" in events[0].said, *(each.said.split()[0] for each in events[1:])] == [
        True,
        "publishing",
        "message",
        "publishing",
        "message",
    ]
    assert events[3].seconds - events[2].seconds >= 2, "the SDK waits two seconds and ignores Retry-After"
    assert [each.seconds for each in events] == sorted(each.seconds for each in events)


def test_a_rejection_through_azures_sdk_is_explained(open_to_root: Wire, tmp_path: Path) -> None:
    with pytest.raises(DpsError, match="with the same subject"):
        open_to_root.service.devices.register_with_azure_sdk(of_a_namesake(tmp_path))
    gone = stored(tmp_path, "gone", ROOT.issue_device("gone"))
    gone.key_file.unlink()
    with pytest.raises(DpsError, match="could not be used"):
        open_to_root.service.devices.register_with_azure_sdk(gone)
