"""What surrounds a form in a walkthrough: what was chosen before, which secret it asks for, and what it can't say any more."""

from pathlib import Path

from helpers.certificates import describe, read_certificates, require_authority
from helpers.files import read_bytes
from helpers.lesson.forms import Inputs, Secret, Setting, ShownWhen
from helpers.lesson.forms.values import (
    CleanUp,
    CreateCa,
    CreateEnrollmentGroup,
    EndAccess,
    ProvisionDevices,
    SignCode,
    StartHere,
    UploadCa,
    VerifyCa,
)
from helpers.lesson.recipes.webhook_key import WEBHOOK_KEY_FIELD, WEBHOOK_KEY_VARIABLE
from helpers.problem import Problem
from helpers.workspace import PASSPHRASE_VARIABLE, Workspace

__all__ = ["OPENS_KEYS", "TELLS_OF_PORTAL", "setting_of"]

_OPENS = "Opens the CA's private key, if it is encrypted. No passphrase is stored, so each notebook asks for it."
_ENCRYPTS = (
    "Encrypts the CAs' private keys on disk, and opens your own CA's. Without one they are not encrypted. No passphrase is "
    "stored, so each notebook asks for it."
)
OPENS_KEYS = (CreateCa, SignCode, ProvisionDevices, EndAccess)
"""The forms with a passphrase."""
TELLS_OF_PORTAL = (UploadCa, SignCode, VerifyCa, CreateEnrollmentGroup, CleanUp)
"""The forms in which a person says what is done in the portal."""


def setting_of(model: type[Inputs], workspace: Workspace, hubs: tuple[str, ...] = ()) -> Setting:
    """The setting of one of the notebooks' forms.

    Args:
        hubs: linked to the service, to choose from.
    """
    facts = workspace.facts
    known = {
        "register_ca": facts.registered_role,
        "certificate_name": facts.certificate_name,
        "enrollment_group_id": facts.enrollment_group_id,
        **({name: getattr(facts, name) for name in StartHere.model_fields} if facts.target else {}),
    }
    chosen = {name: value for name, value in {**facts.choices, **known}.items() if name in model.model_fields}
    has_cas = bool(workspace.authority_roles())

    def note(value: Inputs) -> None:
        travelling = {name: getattr(value, name) for name in _TRAVELLING if name in model.model_fields}
        if travelling and any(facts.choices.get(name) != choice for name, choice in travelling.items()):
            workspace.update(choices={**workspace.facts.choices, **travelling})

    return Setting(
        about={"target": facts.target, "has_cas": has_cas},
        remembered=chosen,
        secret=_secret(model, has_cas),
        choices={"iot_hubs": hubs},
        keep_file=lambda name, file, content: _keep_file(workspace, name, file, content),
        check=lambda value: _check(value, workspace),
        note=note,
    )


_TRAVELLING = (
    "device_id",
    "fleet_size",
    "key_type",
    "curve",
    "rsa_bits",
    "lifetime_days",
)  # chosen once, offered again later


def _secret(model: type[Inputs], has_cas: bool) -> Secret | None:
    if model in OPENS_KEYS:
        purpose = _ENCRYPTS if model is CreateCa and not has_cas else _OPENS
        return Secret("Passphrase", PASSPHRASE_VARIABLE, purpose)
    if model is CreateEnrollmentGroup:
        return Secret(
            WEBHOOK_KEY_FIELD,
            WEBHOOK_KEY_VARIABLE,
            "If your Azure function demands one: the text after code= in its URL. DPS gets it with the URL; the notebook does "
            "not store it.",
            shown=ShownWhen(
                CreateEnrollmentGroup.key_is_asked_for,
                "with the allocation policy custom, where the notebook creates the group",
            ),
        )
    return None


def _keep_file(workspace: Workspace, field_name: str, name: str, content: bytes) -> Path:
    """Keep a file of your own CA, unless it is the other one of the two."""
    if field_name == "own_ca_certificate":
        require_authority(read_certificates(content, name)[0])
    elif b"-----BEGIN CERTIFICATE-----" in content and b"PRIVATE KEY-----" not in content:
        raise Problem(
            f"{name} was not taken.", "It is a certificate, and holds no private key.", "Drop the CA's key file here."
        )
    return workspace.keep_dropped(field_name, name, content)


def _check(value: Inputs, workspace: Workspace) -> None:
    facts = workspace.facts
    match value:
        case CreateCa() if value.own_ca_certificate:
            _check_own_ca(value, workspace)
        case UploadCa() if facts.certificate_name and (facts.registered_role, facts.certificate_name) != (
            value.register_ca,
            value.certificate_name,
        ):
            raise Problem(
                f"This walkthrough has registered the {facts.registered_role} as “{facts.certificate_name}” already.",
                "One walkthrough proves one CA.",
                f"Put {facts.registered_role} and “{facts.certificate_name}” back, or run 10_clean_up first.",
            )
        case CreateEnrollmentGroup() if facts.enrollment_group_id not in (None, value.enrollment_group_id):
            raise Problem(
                f"This walkthrough has created the enrollment group “{facts.enrollment_group_id}” already.",
                "One walkthrough has one group.",
                f"Put “{facts.enrollment_group_id}” back, or run 10_clean_up first.",
            )
        case EndAccess():
            roles = workspace.authority_roles()
            if value.next_ca_name in [describe(workspace.authority_certificate(role)).common_name for role in roles]:
                raise Problem(
                    f"A CA of yours is called “{value.next_ca_name}” already.",
                    "Each card would show the same name before and after, and you could not see the CA roll over.",
                    "Give the next CA another name.",
                )


def _check_own_ca(value: CreateCa, workspace: Workspace) -> None:
    file = Path(value.own_ca_certificate).expanduser()
    own, *_ = read_certificates(read_bytes(file), file.name)
    present = [workspace.authority_certificate(role) for role in workspace.authority_roles()]
    name = describe(own).common_name
    if present and own not in present:
        raise Problem(
            f"“{name}” was not taken.",
            f"This workspace has the CA “{describe(present[0]).common_name}” already.",
            "Leave the fields of your own CA empty, or run 10_clean_up and let it delete the keys.",
        )
    if not present and name == value.intermediate_name and describe(own).is_self_signed:
        raise Problem(
            f"The intermediate can't be called “{name}”.",
            "Your own CA, which takes the root's place, has that name. Names are all that a certificate says of its issuer.",
            "Give the intermediate another name.",
        )
