"""The typed value behind each form. A parameter of a notebook is a field here; there are no others."""

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
    """A check as pydantic wants it: its reason stands beside the field."""

    def validate(value: str) -> str:
        try:
            return value if or_empty and not value else check(value)
        except Problem as problem:
            raise ValueError(problem.why) from problem

    return AfterValidator(validate)


def _file(path: str) -> str:
    if not Path(path).expanduser().is_file():
        raise ValueError(f"There is no such file: {Path(path).expanduser().absolute()}")
    return path


def _stripped(text: object) -> object:
    """What is pasted often has white space at its ends."""
    return text.strip() if isinstance(text, str) else text


def _bare_service_name(text: object) -> object:
    """The name, from what people paste: the service's host name, or its address."""
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
    """Azure's rules for names of resources: Microsoft.Devices/ProvisioningServices."""
    if not re.fullmatch("[0-9A-Za-z-]{2,63}[0-9A-Za-z]", name):
        raise ValueError(
            "A provisioning service has a name of 3 to 64 letters, digits and hyphens (no hyphen at the end)."
        )
    return name


def _resource_group(name: str) -> str:
    """The same rules: Microsoft.Resources/resourcegroups."""
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
    except ValueError:  # brackets that are no IPv6 address
        host = ""
    if not host or not (address.scheme == "https" or (address.scheme == "http" and host in _THIS_MACHINE)):
        raise ValueError("It must begin with https:// (on this machine, http://localhost will do).")
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
        description="Run the next cell to see what to do there. When it is done, tick this and run that cell again.",
    ),
]


class StartHere(Inputs):
    """Which provisioning service the walkthrough speaks to."""

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
        description="From the overview page. Devices need it to find the service; it is no secret.",
    )

    def missing(self) -> dict[str, str]:
        needed = {
            "local": (),
            "azure": ("subscription_id", "resource_group", "provisioning_service"),
            "portal": ("provisioning_service", "id_scope"),
        }[self.target]
        return {name: f"The target {self.target} needs it." for name in needed if not getattr(self, name)}


class CreateCa(Inputs):
    """What the CAs are called and made of; or where one's own CA lies."""

    root_name: CommonName = Field(
        "Walkthrough Root CA",
        title="Root's name",
        description="The common name (CN): up to 64 bytes, which is 64 plain letters.",
    )
    intermediate_name: CommonName = Field(
        "Walkthrough Intermediate CA", title="Intermediate's name", validate_default=True
    )
    key_type: Literal["EC", "RSA"] = Field(
        "EC", title="Key type", description="EC keys are small and fast; RSA is understood by everything."
    )
    curve: Annotated[Literal["P-256", "P-384"], _FOR_EC] = Field("P-256", title="Curve")
    rsa_bits: Annotated[Literal[2048, 3072, 4096], _FOR_RSA] = Field(
        2048, title="RSA size in bits", description="4096 takes a few seconds."
    )
    lifetime_days: int = Field(
        3650,
        ge=1,
        le=36500,
        title="Lifetime in days",
        description="1 to 36500. A certificate expires no later than the CA that signs it.",
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
        description="It stays on this machine. A copy goes into the workspace, where only you may read it.",
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
        """Where CAs are stored, no others are made."""
        new = ("root_name", "intermediate_name", "key_type", "curve", "rsa_bits", "lifetime_days")
        return frozenset(new if about["has_cas"] else ())

    @property
    def key_algorithm(self) -> KeyAlgorithm:
        """What the two fields for the key say together."""
        return KeyAlgorithm(self.curve if self.key_type == "EC" else f"RSA-{self.rsa_bits}")

    @property
    def lifetime(self) -> timedelta:
        """How long a new CA is valid."""
        return timedelta(days=self.lifetime_days)

    def own_ca(self, passphrase: str | None) -> CertificateAuthority | None:
        """Your own CA, from the two files; None if the fields are empty.

        Args:
            passphrase: opens its key, if that is encrypted; the environment's CA_PASSPHRASE unless given.
        """
        if not self.own_ca_certificate:
            return None
        certificate, key = (Path(each).expanduser() for each in (self.own_ca_certificate, self.own_ca_key))
        return load_authority(certificate, key, passphrase=opening_passphrase(key, passphrase))

    def missing(self) -> dict[str, str]:
        if self.own_ca_certificate and not self.own_ca_key:
            return {"own_ca_key": "A CA of your own is two files: its certificate and its private key."}
        if self.own_ca_key and not self.own_ca_certificate:
            return {"own_ca_certificate": "A CA of your own is two files: its certificate and its private key."}
        return {}


class UploadCa(Inputs):
    """Which CA to register, and under which name."""

    register_ca: Role = Field(
        "intermediate", title="CA to register", description="The one that signs your devices, or the root above it."
    )
    certificate_name: Annotated[str, _good(check_certificate_name)] = Field(
        "walkthrough-ca", title="Name at DPS", description="1 to 64 letters, digits and - . _"
    )
    done_in_portal: DoneInPortal = False


class SignCode(Inputs):
    """The code, if a person has got it in the portal. The passphrase is no parameter."""

    verification_code: Annotated[
        str, _FOR_PORTAL, BeforeValidator(_stripped), _good(check_verification_code, or_empty=True)
    ] = Field(
        "",
        title="Verification code",
        description="As the portal shows it: 48 characters. The cell that asks for it shows where.",
    )


class VerifyCa(Inputs):
    """Nothing but the wish to send the proof."""

    done_in_portal: DoneInPortal = False


class CreateEnrollmentGroup(Inputs):
    """What the group is called, and where its devices go."""

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
        title="Among the hubs",
        description="One hub or several (in a text, with commas). If you choose none, the group uses all linked hubs.",
    )
    webhook_url: Annotated[
        str,
        _FOR_CUSTOM,
        MaskedUrl(),
        _good(_web_address, or_empty=True),
    ] = Field(
        "",
        title="Webhook",
        description="Your function that chooses: DPS asks it for each device. Give its URL without the key.",
    )
    done_in_portal: DoneInPortal = False

    @staticmethod
    def key_is_asked_for(values: Mapping[str, Any]) -> bool:
        """Whether the notebook sends the webhook's key: with the target portal a person chooses the function there."""
        return values["allocation_policy"] is AllocationPolicy.CUSTOM and values["target"] != "portal"

    @property
    def hubs(self) -> tuple[str, ...]:
        """The hubs among which the group chooses; () for all that are linked."""
        return tuple(name.strip() for name in self.iot_hubs.split(",") if name.strip())

    def custom_allocation(self, key: str | None) -> CustomAllocation | None:
        """The webhook with the function's key, which stays in memory; None for another policy."""
        if not self.webhook_url:
            return None
        return CustomAllocation(with_key(self.webhook_url, key) if key else self.webhook_url)

    def missing(self) -> dict[str, str]:
        hubs = self.hubs
        if self.allocation_policy is AllocationPolicy.STATIC and len(hubs) != 1:
            return {"iot_hubs": "The policy static needs exactly one hub: every device of the group goes there."}
        if self.allocation_policy is AllocationPolicy.CUSTOM and not self.webhook_url:
            return {"webhook_url": "With the policy custom, DPS asks a function of yours: give its URL."}
        if self.webhook_url and self.allocation_policy is not AllocationPolicy.CUSTOM:
            return {"allocation_policy": "A webhook is asked with the policy custom alone."}
        return {}


class ProvisionDevices(Inputs):
    """Which device registers first, and how many follow it."""

    device_id: RegistrationId = Field(
        "pump-1", title="Registration id", description="Up to 64 letters, digits and - . _ : (not . _ : at the end)"
    )
    fleet_size: int = Field(
        10, ge=0, le=500, title="Devices in the fleet", description="0 to 500; all register at once."
    )


class EndAccess(Inputs):
    """Which device is revoked, and which CA comes next."""

    device_id: RegistrationId = Field(
        "pump-1", title="Device to revoke", description="Its neighbour, who is not revoked, is made beside it."
    )
    next_ca_name: CommonName = Field(
        "Walkthrough Next CA", title="Next CA's name", description="The CA to which the group will be moved."
    )


class CleanUp(Inputs):
    """Whether the keys on this machine go, too."""

    delete_keys: bool = Field(
        False,
        title="Delete keys and certificates here, too",
        description="All that are in this workspace. They can't be brought back.",
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
