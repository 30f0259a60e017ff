"""The typed value behind each notebook's form. A parameter of the notebook is a field here; there are no others."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from helpers.certificates import REGISTRATION_ID, KeyAlgorithm
from helpers.dps import AllocationPolicy
from helpers.workspace import Role

__all__ = ["CleanUp", "CreateCa", "CreateEnrollmentGroup", "EndAccess", "ProvisionDevices", "StartHere", "UploadCa"]


class _Inputs(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StartHere(_Inputs):
    """Which provisioning service the walkthrough speaks to."""

    target: Literal["local", "azure"] = Field(
        "local", title="Target", description="local needs nothing but this machine"
    )
    subscription_id: str = Field("", title="Subscription id", description="for azure only")
    resource_group: str = Field("", title="Resource group", description="for azure only")
    provisioning_service: str = Field("", title="Provisioning service", description="for azure only")


class CreateCa(_Inputs):
    """What the CAs are called and made of; or where one's own CA lies."""

    root_name: str = Field("Walkthrough Root CA", title="Root's common name", description="up to 64 characters")
    intermediate_name: str = Field("Walkthrough Intermediate CA", title="Intermediate's common name")
    key_algorithm: KeyAlgorithm = Field(KeyAlgorithm.P256, title="Key algorithm", description="RSA-4096 takes seconds")
    lifetime_days: int = Field(3650, ge=1, le=36500, title="Lifetime in days")
    own_ca_certificate: str = Field(
        "", title="Own CA: certificate file", description="leave empty to create a new root"
    )
    own_ca_key: str = Field("", title="Own CA: private key file", description="a passphrase goes into the field below")


class UploadCa(_Inputs):
    """Which CA to register, and under which name."""

    register_ca: Role = Field(
        "intermediate", title="CA to register", description="the one that signs devices, or the root"
    )
    certificate_name: str = Field(
        "walkthrough-ca", title="Name at DPS", description="1 to 64 letters, digits and - . _"
    )


class CreateEnrollmentGroup(_Inputs):
    """What the group is called, and where its devices go."""

    enrollment_group_id: str = Field(
        "walkthrough-devices", title="Enrollment group id", description="up to 128 characters"
    )
    allocation_policy: AllocationPolicy = Field(AllocationPolicy.HASHED, title="Hub chosen by")
    iot_hubs: str = Field(
        "", title="Among the hubs", description="host names with commas between; empty for all linked ones"
    )
    webhook_url: str = Field("", title="Webhook", description="for custom alone: your function that chooses")


class ProvisionDevices(_Inputs):
    """Which device registers first, and how many follow it."""

    device_id: str = Field(
        "pump-1",
        pattern=f"^{REGISTRATION_ID}$",
        title="Registration id",
        description="up to 64 letters, digits and - . _ :",
    )
    fleet_size: int = Field(10, ge=0, le=500, title="Devices in the fleet", description="they register all at once")


class EndAccess(_Inputs):
    """Which device is revoked, and which CA comes next."""

    device_id: str = Field(
        "pump-1", pattern=f"^{REGISTRATION_ID}$", title="Device to revoke", description="one that 06 has let in"
    )
    next_ca_name: str = Field("Walkthrough Next CA", title="Next CA's common name", description="up to 64 characters")


class CleanUp(_Inputs):
    """Whether the keys on this machine go, too."""

    delete_keys: bool = Field(False, title="Delete the CA's keys here, too", description="they can't be brought back")
