"""The typed value behind each form. Each parameter of a notebook is a field here, and each field is a parameter."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from helpers.certificates import (
    CertificateAuthority,
    KeyAlgorithm,
    check_common_name,
    check_learner_name,
    check_verification_code,
    load_authority,
)
from helpers.dps import AllocationPolicy, CustomAllocation, check_certificate_name, check_group_id
from helpers.lesson.forms import DroppedFile, HelpFor, Inputs, MaskedUrl, ResetByEdits, ShownWhen
from helpers.lesson.forms.checks import (
    bare_service_name,
    check_file,
    check_id_scope,
    check_own_device,
    check_resource_group,
    check_service_name,
    check_subscription_id,
    check_webhook_url,
    checked_by,
    expanded,
    stripped,
)
from helpers.lesson.forms.own_ca import creates_ca, gets_intermediate, own_certificate
from helpers.notebook import Notebook
from helpers.urls import with_key
from helpers.workspace import Role, Target, opening_passphrase

__all__ = [
    "FORMS",
    "CleanUp",
    "Completion",
    "CreateCa",
    "CreateEnrollmentGroup",
    "EndAccess",
    "ProvisionDevices",
    "SignCode",
    "StartHere",
    "UploadCa",
    "VerifyCa",
]


CommonName: TypeAlias = Annotated[str, checked_by(check_common_name)]
RegistrationId: TypeAlias = Annotated[str, checked_by(check_own_device)]
_FOR_AZURE = ShownWhen(lambda values: values["target"] == "azure", "with the target azure")
_FOR_ONES_OWN = ShownWhen(lambda values: values["target"] != "local", "with the targets azure and portal")
_FOR_PORTAL = ShownWhen(lambda values: values["target"] == "portal", "with the target portal")
_OWN_CA_GIVEN = ShownWhen(lambda values: bool(values["own_ca_certificate"]), "with own_ca_certificate")
_CREATES_ROOT = ShownWhen(lambda values: not values["own_ca_certificate"], "without own_ca_certificate")
_CREATES_CA = ShownWhen(creates_ca, "if the notebook creates a CA, and below this own_ca_certificate it creates none")
_CREATES_EC_KEY = ShownWhen(
    lambda values: creates_ca(values) and values["key_type"] == "EC",
    "if the notebook creates a CA with the key type EC",
)
_CREATES_RSA_KEY = ShownWhen(
    lambda values: creates_ca(values) and values["key_type"] == "RSA",
    "if the notebook creates a CA with the key type RSA",
)
_SIGNED_ELSEWHERE = ShownWhen(
    lambda values: values["signed_by"] == "somebody else", "if somebody else signs (signed_by)"
)
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
DoneWithTheseValues: TypeAlias = Annotated[DoneInPortal, ResetByEdits()]
"""The same, in a form whose other fields say what to do in the portal."""


def _help_by(field: str, texts: Mapping[Any, str]) -> HelpFor:
    """Return a help that depends on the value of one field."""
    return HelpFor(lambda values: texts[values[field]])


class StartHere(Inputs):
    """The provisioning service that the walkthrough uses."""

    target: Annotated[
        Target,
        _help_by(
            "target",
            {
                "local": "A DPS on this machine. It needs no subscription.",
                "azure": "Your own DPS in Azure. The notebooks use your sign-in, and make the changes there.",
                "portal": "Your own DPS in Azure. You make each change in the portal, and the notebooks need no sign-in.",
            },
        ),
    ] = Field("local", title="Target")
    subscription_id: Annotated[
        str, _FOR_AZURE, BeforeValidator(stripped), checked_by(check_subscription_id, or_empty=True)
    ] = Field("", title="Subscription id", description="From the service's overview page.")
    resource_group: Annotated[
        str, _FOR_AZURE, BeforeValidator(stripped), checked_by(check_resource_group, or_empty=True)
    ] = Field("", title="Resource group")
    provisioning_service: Annotated[
        str, _FOR_ONES_OWN, BeforeValidator(bare_service_name), checked_by(check_service_name, or_empty=True)
    ] = Field("", title="Provisioning service", description="Its name, as in NAME.azure-devices-provisioning.net.")
    id_scope: Annotated[str, _FOR_PORTAL, BeforeValidator(stripped), checked_by(check_id_scope, or_empty=True)] = Field(
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


def _help_for_own_ca(values: Mapping[str, Any]) -> str:
    if values["has_root"] or values["has_cas"]:
        return (
            "This workspace already has a CA, and keeps it. To use your own CA instead, first run "
            f"{Notebook.CLEAN_UP} and let it delete the keys."
        )
    own = own_certificate(values["own_ca_certificate"])
    if own is None:
        return "Only if you have one. Drop its certificate's file here, or type the file's path. Then the form asks for its key."
    if gets_intermediate(own):
        return "It takes the root's place. The notebook creates an intermediate below it."
    return "It signs your devices. The notebook creates no other CA."


def _help_for_intermediate(values: Mapping[str, Any]) -> str:
    above = "your own CA" if values["own_ca_certificate"] else "the root"
    return f"The common name of the CA below {above}. This CA signs your devices."


def _help_for_lifetime(values: Mapping[str, Any]) -> str:
    if values["own_ca_certificate"]:
        return "1 to 36500. The intermediate expires no later than your own CA."
    return "1 to 36500. A certificate never outlives the CA that signs it."


class CreateCa(Inputs):
    """The names, keys and lifetime of new CAs, or the files of your own CA."""

    own_ca_certificate: Annotated[
        str, DroppedFile(".pem,.cer,.crt,.der"), HelpFor(_help_for_own_ca), checked_by(check_file, or_empty=True)
    ] = Field("", title="Your own CA")
    own_ca_key: Annotated[str, DroppedFile(".pem,.key,.der"), _OWN_CA_GIVEN, checked_by(check_file, or_empty=True)] = (
        Field(
            "",
            title="Its private key",
            description="It stays on this machine. The workspace gets a copy that only you can read.",
        )
    )
    root_name: Annotated[CommonName, _CREATES_ROOT] = Field(
        "Walkthrough Root CA",
        title="Root's name",
        description="The common name (CN): up to 64 bytes, which are 64 plain letters.",
    )
    intermediate_name: Annotated[CommonName, _CREATES_CA, HelpFor(_help_for_intermediate)] = Field(
        "Walkthrough Intermediate CA", title="Intermediate's name", validate_default=True
    )
    key_type: Annotated[
        Literal["EC", "RSA"],
        _CREATES_CA,
        _help_by(
            "key_type",
            {
                "EC": "EC keys are small and fast.",
                "RSA": "RSA is supported everywhere, but its keys are larger, and take longer to create.",
            },
        ),
    ] = Field("EC", title="Key type")
    curve: Annotated[Literal["P-256", "P-384"], _CREATES_EC_KEY] = Field("P-256", title="Curve")
    rsa_bits: Annotated[
        Literal[2048, 3072, 4096],
        _CREATES_RSA_KEY,
        _help_by(
            "rsa_bits",
            {
                2048: "Creating a key takes less than a second.",
                3072: "Creating a key takes about a second.",
                4096: "Creating a key takes a few seconds.",
            },
        ),
    ] = Field(2048, title="RSA size in bits")
    lifetime_days: Annotated[int, _CREATES_CA, HelpFor(_help_for_lifetime)] = Field(
        3650, ge=1, le=36500, title="Lifetime in days"
    )

    @field_validator("intermediate_name")
    @classmethod
    def _differs_from_the_root(cls, name: str, info: ValidationInfo) -> str:
        """Compare the names of two new CAs. The name of an own root is in its file, which only `setting.py` reads."""
        if not info.data.get("own_ca_certificate") and name.casefold() == str(info.data.get("root_name")).casefold():
            raise ValueError(
                "The root has this name. Cards and trees show CAs by name, so you could not tell the two apart."
            )
        return name

    @classmethod
    def without_effect(cls, about: Mapping[str, Any]) -> frozenset[str]:
        """Return the fields for CAs that the workspace already has, because it creates no others and accepts no other key."""
        if about["has_cas"]:
            return frozenset(cls.model_fields.keys() - {"own_ca_certificate"})
        return frozenset(("root_name", "own_ca_key") if about["has_root"] else ())

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
        certificate, key = expanded(self.own_ca_certificate), expanded(self.own_ca_key)
        return load_authority(certificate, key, passphrase=opening_passphrase(key, passphrase))

    def missing(self) -> dict[str, str]:
        if self.own_ca_certificate and not self.own_ca_key:
            return {"own_ca_key": "Your own CA needs two files: its certificate and its private key."}
        return {}


class UploadCa(Inputs):
    """The CA to register with DPS, and its name there."""

    register_ca: Annotated[
        Role,
        _help_by(
            "register_ca",
            {
                "intermediate": "The CA that signs your devices. The root's key can stay in its safe.",
                "root": "DPS can then accept the devices of every CA below the root.",
            },
        ),
    ] = Field("intermediate", title="CA to register")
    certificate_name: Annotated[str, checked_by(check_certificate_name)] = Field(
        "walkthrough-ca", title="Name at DPS", description="1 to 64 letters, digits and - . _"
    )
    done_in_portal: DoneWithTheseValues = False


class SignCode(Inputs):
    """The verification code, if a person generated it in the portal, and who signs it. The passphrase is not a parameter."""

    verification_code: Annotated[
        str, _FOR_PORTAL, BeforeValidator(stripped), checked_by(check_verification_code, or_empty=True)
    ] = Field(
        "",
        title="Verification code",
        description="The 48 characters that the portal shows. The next cell tells you where to find them.",
    )
    signed_by: Annotated[
        Literal["this notebook", "somebody else"],
        _help_by(
            "signed_by",
            {
                "this notebook": "The notebook signs with the CA's private key, which is in this workspace.",
                "somebody else": "For a key that you can't read, in an HSM, in Key Vault or with a PKI team: the notebook "
                "writes a request, and you bring back the signed certificate.",
            },
        ),
    ] = Field("this notebook", title="Who signs")
    signed_certificate: Annotated[
        str, DroppedFile(".pem,.cer,.crt,.der"), _SIGNED_ELSEWHERE, checked_by(check_file, or_empty=True)
    ] = Field(
        "",
        title="Signed certificate",
        description="Leave this empty at first: the cell that signs writes the request, and says what to do with it.",
    )

    @staticmethod
    def key_is_needed(values: Mapping[str, Any]) -> bool:
        """Return whether the notebook opens the CA's private key, and may need its passphrase."""
        return bool(values["signed_by"] == "this notebook")

    @property
    def signed_file(self) -> Path | None:
        """The file that came back from somebody else; None if there is none yet."""
        return expanded(self.signed_certificate) if self.signed_certificate else None


class VerifyCa(Inputs):
    """With the target portal, the confirmation that the proof was uploaded. With other targets, the form is empty."""

    done_in_portal: DoneInPortal = False


_POLICIES = {
    AllocationPolicy.HASHED: "DPS distributes the devices over the hubs by their weights.",
    AllocationPolicy.GEO_LATENCY: "DPS chooses the hub with the lowest latency to the device.",
    AllocationPolicy.STATIC: "DPS assigns every device to the hub that you choose below.",
    AllocationPolicy.CUSTOM: "DPS calls your function for each device, and your function names the hub.",
}


def _help_for_policy(values: Mapping[str, Any]) -> str:
    policy = values["allocation_policy"]
    if policy is AllocationPolicy.GEO_LATENCY and values["target"] == "local":
        return f"{_POLICIES[policy]} The local DPS knows no latencies unless you set them: then it always chooses the same hub."
    return _POLICIES[policy]


def _help_for_hubs(values: Mapping[str, Any]) -> str:
    is_typed = values["target"] == "portal"  # elsewhere the form lists the hubs that are linked
    if values["allocation_policy"] is AllocationPolicy.STATIC:
        return "The host name of one hub." if is_typed else "Choose one hub."
    who = "your function" if values["allocation_policy"] is AllocationPolicy.CUSTOM else "DPS"
    how = "The host names, separated by commas. Without any" if is_typed else "If you choose none"
    return f"{how}, {who} chooses from all linked hubs."


def _help_for_webhook(values: Mapping[str, Any]) -> str:
    if values["target"] == "portal":
        return "The URL of your function, without the key. The list of clicks names it; you choose the function in the portal."
    return "The URL of your function, without the key."


class CreateEnrollmentGroup(Inputs):
    """The group's name, and how DPS chooses a hub for its devices."""

    enrollment_group_id: Annotated[str, checked_by(check_group_id)] = Field(
        "walkthrough-devices", title="Group's name", description="Up to 128 letters, digits and - . _ :"
    )
    allocation_policy: Annotated[AllocationPolicy, HelpFor(_help_for_policy)] = Field(
        AllocationPolicy.HASHED, title="Hub chosen by"
    )
    iot_hubs: Annotated[str, HelpFor(_help_for_hubs)] = Field("", title="Hubs to choose from")
    webhook_url: Annotated[
        str, _FOR_CUSTOM, MaskedUrl(), HelpFor(_help_for_webhook), checked_by(check_webhook_url, or_empty=True)
    ] = Field("", title="Webhook")
    done_in_portal: DoneWithTheseValues = False

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
        return {}


def _help_for_fleet(values: Mapping[str, Any]) -> str:
    if values["target"] in ("azure", "portal"):
        return "0 to 500; all register at once. In Azure, each of them stays in its hub until you delete it there."
    return "0 to 500; all register at once."


class ProvisionDevices(Inputs):
    """The device that registers first, and the size of the fleet that follows."""

    registration_id: RegistrationId = Field(
        "pump-1", title="Registration id", description="Up to 64 letters, digits and - . _ : (not . _ : at the end)"
    )
    fleet_size: Annotated[int, HelpFor(_help_for_fleet)] = Field(10, ge=0, le=500, title="Devices in the fleet")


class EndAccess(Inputs):
    """The device to revoke, and the name of the next CA."""

    registration_id: RegistrationId = Field(
        "pump-1", title="Device to revoke", description="The notebook also creates a neighbour, which is not revoked."
    )
    next_ca_name: CommonName = Field(
        "Walkthrough Next CA",
        title="Next CA's name",
        description="The CA to which the group will be moved. Its kind of key and its lifetime are those that you chose in "
        f"{Notebook.CREATE_CA}.",
    )


class Completion(Inputs):
    """The name on the certificate of completion."""

    learner_name: Annotated[str, checked_by(check_learner_name)] = Field(
        "Learner",
        title="Your name",
        description="The certificate's common name (CN): up to 64 bytes. It stays in your workspace.",
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
    Completion,
    CleanUp,
)
"""The value behind each form, in the order of the notebooks."""
