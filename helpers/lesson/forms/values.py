"""The typed value behind each form. Each parameter of a notebook is a field here, and each field is a parameter."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from helpers.certificates import (
    CertificateAuthority,
    KeyAlgorithm,
    check_common_name,
    check_registration_id,
    check_verification_code,
    load_authority,
)
from helpers.dps import AllocationPolicy, CustomAllocation, check_certificate_name, check_group_id
from helpers.lesson.forms import DroppedFile, Inputs, MaskedUrl, ShownWhen
from helpers.lesson.recipes.webhook_key import WEBHOOK_KEY_FIELD, WEBHOOK_KEY_VARIABLE
from helpers.problem import Problem
from helpers.urls import holds_key, with_key
from helpers.workspace import Role, Target, opening_passphrase

__all__ = [
    "FORMS",
    "CleanUp",
    "CreateCa",
    "CreateEnrollmentGroup",
    "EndAccess",
    "ProvisionDevices",
    "SignCode",
    "StartHere",
    "UploadCa",
    "VerifyCa",
]


def _good(check: Callable[[str], str], *, or_empty: bool = False) -> AfterValidator:
    """Return a check as a pydantic validator, so that its reason appears beside the field."""

    def validate(value: str) -> str:
        try:
            return value if or_empty and not value else check(value)
        except Problem as problem:
            raise ValueError(problem.why) from problem

    return AfterValidator(validate)


def _file(path: str) -> str:
    if not Path(path).expanduser().is_file():
        raise ValueError(f"There is no file {Path(path).expanduser().absolute()}.")
    return path


def _stripped(text: object) -> object:
    """Return the text without white space at its ends, which pasted text often has."""
    return text.strip() if isinstance(text, str) else text


def _bare_service_name(text: object) -> object:
    """Return the service's name, even if its host name or its URL was pasted."""
    if not isinstance(text, str):
        return text
    return re.sub(r"^https?://|\.azure-devices-provisioning\.net/?$", "", text.strip())


def _guid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise ValueError("A subscription id is a GUID: 8-4-4-4-12 hexadecimal characters.") from error


def _id_scope(text: str) -> str:
    if not re.fullmatch("0[0-9A-Za-z]{10}", text):
        raise ValueError("An ID scope has 11 letters and digits and begins with 0, as in 0ne00112233.")
    return text


def _service_name(name: str) -> str:
    """Check a service's name by Azure's rules for names of resources: Microsoft.Devices/ProvisioningServices."""
    if not re.fullmatch("[0-9A-Za-z-]{2,63}[0-9A-Za-z]", name):
        raise ValueError(
            "A provisioning service has a name of 3 to 64 letters, digits and hyphens (no hyphen at the end)."
        )
    return name


def _resource_group(name: str) -> str:
    """Check a resource group's name by the same page's rules: Microsoft.Resources/resourcegroups."""
    if not re.fullmatch(r"[\w().-]{0,89}[\w()-]", name):
        raise ValueError(
            "A resource group has a name of 1 to 90 letters, digits and - _ . ( ) (no full stop at the end)."
        )
    return name


def _web_address(url: str) -> str:
    if holds_key(url):
        raise ValueError(
            "The URL must not hold a key (code=, sig= or user:password@), because executed notebooks store the URL. Give it "
            f"without the key. An Azure function's key belongs in the field “{WEBHOOK_KEY_FIELD}” or in the environment "
            f"variable {WEBHOOK_KEY_VARIABLE}."
        )
    try:
        address = urlsplit(url)
        host = address.hostname or ""
    except ValueError:  # brackets without an IPv6 address
        host = ""
    if not host or not (address.scheme == "https" or (address.scheme == "http" and host in _THIS_MACHINE)):
        raise ValueError("It must begin with https:// (on this machine, http://localhost is also accepted).")
    return url


_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
CommonName: TypeAlias = Annotated[str, _good(check_common_name)]
RegistrationId: TypeAlias = Annotated[str, _good(check_registration_id)]
_FOR_AZURE = ShownWhen(lambda values: values["target"] == "azure", "with the target azure")
_FOR_ONES_OWN = ShownWhen(lambda values: values["target"] != "local", "with the targets azure and portal")
_FOR_PORTAL = ShownWhen(lambda values: values["target"] == "portal", "with the target portal")
_FOR_EC = ShownWhen(lambda values: values["key_type"] == "EC", "with the key type EC")
_FOR_RSA = ShownWhen(lambda values: values["key_type"] == "RSA", "with the key type RSA")
_OWN_CA_GIVEN = ShownWhen(lambda values: bool(values["own_ca_certificate"]), "with own_ca_certificate")
_FOR_CUSTOM = ShownWhen(
    lambda values: values["allocation_policy"] is AllocationPolicy.CUSTOM, "with the allocation policy custom"
)
DoneInPortal: TypeAlias = Annotated[
    bool,
    _FOR_PORTAL,
    Field(
        title="Done in the portal",
        description="Run the next cell to see what to do in the portal. When you have done it, tick this box and run that cell "
        "again.",
    ),
]


class StartHere(Inputs):
    """The provisioning service that the walkthrough uses."""

    target: Target = Field(
        "local",
        title="Target",
        description="local: a DPS on this machine. azure: your own DPS, with your sign-in. portal: your own DPS; you do each "
        "step in the portal.",
    )
    subscription_id: Annotated[str, _FOR_AZURE, BeforeValidator(_stripped), _good(_guid, or_empty=True)] = Field(
        "", title="Subscription id", description="From the service's overview page."
    )
    resource_group: Annotated[str, _FOR_AZURE, BeforeValidator(_stripped), _good(_resource_group, or_empty=True)] = (
        Field("", title="Resource group")
    )
    provisioning_service: Annotated[
        str, _FOR_ONES_OWN, BeforeValidator(_bare_service_name), _good(_service_name, or_empty=True)
    ] = Field("", title="Provisioning service", description="Its name, as in NAME.azure-devices-provisioning.net.")
    id_scope: Annotated[str, _FOR_PORTAL, BeforeValidator(_stripped), _good(_id_scope, or_empty=True)] = Field(
        "",
        title="ID scope",
        description="From the overview page. A device needs it to find its service; it is not a secret.",
    )

    def missing(self) -> dict[str, str]:
        needed = {
            "local": (),
            "azure": ("subscription_id", "resource_group", "provisioning_service"),
            "portal": ("provisioning_service", "id_scope"),
        }[self.target]
        return {name: f"The target {self.target} needs it." for name in needed if not getattr(self, name)}


class CreateCa(Inputs):
    """The names, keys and lifetime of new CAs, or the files of your own CA."""

    root_name: CommonName = Field(
        "Walkthrough Root CA",
        title="Root's name",
        description="The common name (CN): up to 64 bytes, which are 64 plain letters.",
    )
    intermediate_name: CommonName = Field(
        "Walkthrough Intermediate CA", title="Intermediate's name", validate_default=True
    )
    key_type: Literal["EC", "RSA"] = Field(
        "EC", title="Key type", description="EC keys are small and fast; RSA is supported everywhere."
    )
    curve: Annotated[Literal["P-256", "P-384"], _FOR_EC] = Field("P-256", title="Curve")
    rsa_bits: Annotated[Literal[2048, 3072, 4096], _FOR_RSA] = Field(
        2048, title="RSA size in bits", description="Creating a 4096-bit key takes a few seconds."
    )
    lifetime_days: int = Field(
        3650,
        ge=1,
        le=36500,
        title="Lifetime in days",
        description="1 to 36500. A certificate never outlives the CA that signs it.",
    )
    own_ca_certificate: Annotated[str, DroppedFile(".pem,.cer,.crt,.der"), _good(_file, or_empty=True)] = Field(
        "",
        title="Your own CA",
        description="Only if you have one. Drop its certificate's file here, or type the file's path. Then the form asks for "
        "its key.",
    )
    own_ca_key: Annotated[str, DroppedFile(".pem,.key,.der"), _OWN_CA_GIVEN, _good(_file, or_empty=True)] = Field(
        "",
        title="Its private key",
        description="It stays on this machine. The workspace gets a copy that only you can read.",
    )

    @field_validator("intermediate_name")
    @classmethod
    def _differs_from_the_root(cls, name: str, info: ValidationInfo) -> str:
        if name.casefold() == str(info.data.get("root_name")).casefold():
            raise ValueError(
                "The root has this name. Cards and trees show CAs by name, so you could not tell the two apart."
            )
        return name

    @classmethod
    def without_effect(cls, about: Mapping[str, Any]) -> frozenset[str]:
        """Return the fields for new CAs if the workspace already has CAs, because then no others are created."""
        new = ("root_name", "intermediate_name", "key_type", "curve", "rsa_bits", "lifetime_days")
        return frozenset(new if about["has_cas"] else ())

    @property
    def key_algorithm(self) -> KeyAlgorithm:
        """The key algorithm that the fields for the key select."""
        return KeyAlgorithm(self.curve if self.key_type == "EC" else f"RSA-{self.rsa_bits}")

    @property
    def lifetime(self) -> timedelta:
        """How long a new CA is valid."""
        return timedelta(days=self.lifetime_days)

    def own_ca(self, passphrase: str | None) -> CertificateAuthority | None:
        """Return the user's own CA from its two files; None if the fields are empty.

        Args:
            passphrase: of an encrypted key; by default, the value of the environment variable CA_PASSPHRASE.
        """
        if not self.own_ca_certificate:
            return None
        certificate, key = (Path(each).expanduser() for each in (self.own_ca_certificate, self.own_ca_key))
        return load_authority(certificate, key, passphrase=opening_passphrase(key, passphrase))

    def missing(self) -> dict[str, str]:
        if self.own_ca_certificate and not self.own_ca_key:
            return {"own_ca_key": "Your own CA needs two files: its certificate and its private key."}
        if self.own_ca_key and not self.own_ca_certificate:
            return {"own_ca_certificate": "Your own CA needs two files: its certificate and its private key."}
        return {}


class UploadCa(Inputs):
    """The CA to register with DPS, and its name there."""

    register_ca: Role = Field(
        "intermediate", title="CA to register", description="The one that signs your devices, or the root above it."
    )
    certificate_name: Annotated[str, _good(check_certificate_name)] = Field(
        "walkthrough-ca", title="Name at DPS", description="1 to 64 letters, digits and - . _"
    )
    done_in_portal: DoneInPortal = False


class SignCode(Inputs):
    """The verification code, if a person generated it in the portal. The passphrase is not a parameter."""

    verification_code: Annotated[
        str, _FOR_PORTAL, BeforeValidator(_stripped), _good(check_verification_code, or_empty=True)
    ] = Field(
        "",
        title="Verification code",
        description="The 48 characters that the portal shows. The next cell tells you where to find them.",
    )


class VerifyCa(Inputs):
    """With the target portal, the confirmation that the proof was uploaded. With other targets, the form is empty."""

    done_in_portal: DoneInPortal = False


class CreateEnrollmentGroup(Inputs):
    """The group's name, and how DPS chooses a hub for its devices."""

    enrollment_group_id: Annotated[str, _good(check_group_id)] = Field(
        "walkthrough-devices", title="Group's name", description="Up to 128 letters, digits and - . _ :"
    )
    allocation_policy: AllocationPolicy = Field(
        AllocationPolicy.HASHED,
        title="Hub chosen by",
        description="The allocation policy; the table above explains each.",
    )
    iot_hubs: str = Field(
        "",
        title="Hubs to choose from",
        description="One hub or several (in a text, separated by commas). If you choose none, the group uses all linked hubs.",
    )
    webhook_url: Annotated[
        str,
        _FOR_CUSTOM,
        MaskedUrl(),
        _good(_web_address, or_empty=True),
    ] = Field(
        "",
        title="Webhook",
        description="Your own function, which DPS calls to choose a hub for each device. Enter its URL without the key.",
    )
    done_in_portal: DoneInPortal = False

    @staticmethod
    def key_is_asked_for(values: Mapping[str, Any]) -> bool:
        """Return whether the form asks for the webhook's key. With the target portal, the person selects the function there."""
        return values["allocation_policy"] is AllocationPolicy.CUSTOM and values["target"] != "portal"

    @property
    def hubs(self) -> tuple[str, ...]:
        """The hubs from which the group chooses; () for all linked hubs."""
        return tuple(name.strip() for name in self.iot_hubs.split(",") if name.strip())

    def custom_allocation(self, key: str | None) -> CustomAllocation | None:
        """Return the webhook with the function's key, which stays in memory; None without a webhook."""
        if not self.webhook_url:
            return None
        return CustomAllocation(with_key(self.webhook_url, key) if key else self.webhook_url)

    def missing(self) -> dict[str, str]:
        hubs = self.hubs
        if self.allocation_policy is AllocationPolicy.STATIC and len(hubs) != 1:
            return {"iot_hubs": "The policy static needs exactly one hub: DPS assigns every device of the group to it."}
        if self.allocation_policy is AllocationPolicy.CUSTOM and not self.webhook_url:
            return {"webhook_url": "With the policy custom, DPS calls your own function: enter its URL."}
        if self.webhook_url and self.allocation_policy is not AllocationPolicy.CUSTOM:
            return {"allocation_policy": "DPS calls a webhook only with the policy custom."}
        return {}


class ProvisionDevices(Inputs):
    """The device that registers first, and the size of the fleet that follows."""

    device_id: RegistrationId = Field(
        "pump-1", title="Registration id", description="Up to 64 letters, digits and - . _ : (not . _ : at the end)"
    )
    fleet_size: int = Field(
        10, ge=0, le=500, title="Devices in the fleet", description="0 to 500; all register at once."
    )


class EndAccess(Inputs):
    """The device to revoke, and the name of the next CA."""

    device_id: RegistrationId = Field(
        "pump-1", title="Device to revoke", description="The notebook also creates a neighbour, which is not revoked."
    )
    next_ca_name: CommonName = Field(
        "Walkthrough Next CA", title="Next CA's name", description="The CA to which the group will be moved."
    )


class CleanUp(Inputs):
    """Whether to delete the keys on this machine, too."""

    delete_keys: bool = Field(
        False,
        title="Delete keys and certificates here, too",
        description="This deletes all of them in this workspace. They can't be recovered.",
    )
    done_in_portal: DoneInPortal = False


FORMS: tuple[type[Inputs], ...] = (
    StartHere,
    CreateCa,
    UploadCa,
    SignCode,
    VerifyCa,
    CreateEnrollmentGroup,
    ProvisionDevices,
    EndAccess,
    CleanUp,
)
"""The value behind each form, in the order of the notebooks."""
