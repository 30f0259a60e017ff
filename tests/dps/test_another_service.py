"""A second provisioning service at the same local DPS, which stands for another organization's."""

from pathlib import Path

import pytest

from helpers.certificates import CertificateAuthority, DeviceCredential, certificate_pem
from helpers.dps import (
    CaReference,
    DpsError,
    EnrollmentGroup,
    connect_to_another,
    local_device_plane,
    local_id_scope,
    remove_another,
)
from tests.dps.wire import Wire

HUB = "another-organizations-hub.azure-devices.net"


def connection_file(wire: Wire) -> Path:
    return Path(wire.connection["ca_file"]).with_name("connection.json")


def test_it_has_its_own_scope_hubs_certificates_and_groups_and_a_device_chooses_by_scope(
    wire: Wire, ca: CertificateAuthority, tmp_path: Path
) -> None:
    other = connect_to_another(connection_file(wire), "another-dps", iot_hub=HUB)
    described = other.describe()
    assert (described.name, described.iot_hubs) == ("another-dps", (HUB,))
    assert described.id_scope not in ("", wire.service.describe().id_scope)
    other.certificates.upload("theirs", certificate_pem(ca.certificate), self_attested=True)
    other.enrollment_groups.create(EnrollmentGroup("devices", CaReference("theirs")))
    assert wire.certificates.list() == []
    assert wire.groups.list() == []
    device = DeviceCredential.in_folder(tmp_path, "pump-1")
    device.save(ca.issue_device("pump-1"))
    assert other.devices.register(device).assigned_hub == HUB
    with pytest.raises(DpsError):
        wire.service.devices.register(device)
    other.close()


def test_it_is_empty_after_a_second_creation_and_gone_after_removal(wire: Wire, ca: CertificateAuthority) -> None:
    file = connection_file(wire)
    first = connect_to_another(file, "another-dps", iot_hub=HUB)
    first.certificates.upload("theirs", certificate_pem(ca.certificate))
    second = connect_to_another(file, "another-dps", iot_hub=HUB)
    assert second.certificates.list() == []
    remove_another(file, "another-dps")
    remove_another(file, "another-dps")
    with pytest.raises(DpsError) as gone:
        second.describe()
    assert gone.value.status == 404
    assert wire.service.describe().name == "local-dps"
    first.close()
    second.close()


def test_a_device_needs_only_the_scope_of_a_local_dps(wire: Wire) -> None:
    assert local_id_scope(connection_file(wire)) == wire.service.describe().id_scope
    plane = local_device_plane(connection_file(wire))
    assert plane.proxy is not None
    assert "BEGIN CERTIFICATE" in str(plane.trust)
