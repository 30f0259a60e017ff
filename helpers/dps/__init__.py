"""A client of a provisioning service, through Azure's own SDKs. It works the same with Azure and with the local DPS."""

from helpers.dps.azure_device_sdk import Event
from helpers.dps.ca_certificates import CaCertificates, check_certificate_name
from helpers.dps.device_plane import DevicePlane
from helpers.dps.devices import DeviceRegistrar, Devices, Registration, require_registered
from helpers.dps.enrollment_groups import (
    AllocationPolicy,
    CaReference,
    CustomAllocation,
    EnrollmentGroup,
    EnrollmentGroups,
    ReprovisionPolicy,
    SigningCertificate,
    check_group_id,
)
from helpers.dps.errors import DpsError
from helpers.dps.individual_enrollments import IndividualEnrollment, IndividualEnrollments
from helpers.dps.local import (
    HubDevice,
    connect_local,
    connect_to_another,
    hub_device,
    local_device_plane,
    local_id_scope,
    remove_another,
)
from helpers.dps.local_process import start_local_dps, stop_local_dps
from helpers.dps.refusals import KnownCas
from helpers.dps.registered_certificate import RegisteredCertificate
from helpers.dps.retries import read_and_change, removed
from helpers.dps.service import AZURE_DEVICE_PLANE, ProvisioningService, ServiceDescription, connect_azure
from helpers.dps.wire import Chapter, Exchange, Wire

__all__ = [
    "AZURE_DEVICE_PLANE",
    "AllocationPolicy",
    "CaCertificates",
    "CaReference",
    "Chapter",
    "CustomAllocation",
    "DevicePlane",
    "DeviceRegistrar",
    "Devices",
    "DpsError",
    "EnrollmentGroup",
    "EnrollmentGroups",
    "Event",
    "Exchange",
    "HubDevice",
    "IndividualEnrollment",
    "IndividualEnrollments",
    "KnownCas",
    "ProvisioningService",
    "RegisteredCertificate",
    "Registration",
    "ReprovisionPolicy",
    "ServiceDescription",
    "SigningCertificate",
    "Wire",
    "check_certificate_name",
    "check_group_id",
    "connect_azure",
    "connect_local",
    "connect_to_another",
    "hub_device",
    "local_device_plane",
    "local_id_scope",
    "read_and_change",
    "remove_another",
    "removed",
    "require_registered",
    "start_local_dps",
    "stop_local_dps",
]
