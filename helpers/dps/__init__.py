"""Speaks to a provisioning service through Azure's own SDKs. Whether it is Azure's or a local one makes no difference."""

from helpers.dps.ca_certificates import CaCertificates, RegisteredCertificate
from helpers.dps.devices import Devices, Registration, require_registered
from helpers.dps.enrollment_groups import (
    AllocationPolicy,
    CaReference,
    CustomAllocation,
    EnrollmentGroup,
    EnrollmentGroups,
    ReprovisionPolicy,
    SigningCertificate,
)
from helpers.dps.errors import DpsError
from helpers.dps.individual_enrollments import IndividualEnrollment, IndividualEnrollments
from helpers.dps.local import (
    connect_local,
    connect_to_another,
    local_device_plane,
    local_id_scope,
    remove_another,
)
from helpers.dps.local_process import start_local_dps, stop_local_dps
from helpers.dps.persistence import read_and_change
from helpers.dps.service import ProvisioningService, ServiceDescription, connect_azure
from helpers.dps.watching import Event, watched
from helpers.dps.wire import Exchange, Wire

__all__ = [
    "AllocationPolicy",
    "CaCertificates",
    "CaReference",
    "CustomAllocation",
    "Devices",
    "DpsError",
    "EnrollmentGroup",
    "EnrollmentGroups",
    "Event",
    "Exchange",
    "IndividualEnrollment",
    "IndividualEnrollments",
    "ProvisioningService",
    "RegisteredCertificate",
    "Registration",
    "ReprovisionPolicy",
    "ServiceDescription",
    "SigningCertificate",
    "Wire",
    "connect_azure",
    "connect_local",
    "connect_to_another",
    "local_device_plane",
    "local_id_scope",
    "read_and_change",
    "remove_another",
    "require_registered",
    "start_local_dps",
    "stop_local_dps",
    "watched",
]
