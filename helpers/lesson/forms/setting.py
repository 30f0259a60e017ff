"""The context of a form in a walkthrough: earlier choices, the secret to ask for, and values that are no longer possible."""

from pathlib import Path

from cryptography import x509

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

_OPENS = "Opens the CA's private key if it is encrypted. The passphrase is not stored, so each notebook asks for it."
_ENCRYPTS = (
    "Encrypts the CAs' keys on disk, and opens your own CA's key. It is not stored, so each notebook asks for it."
)
OPENS_KEYS = (CreateCa, SignCode, ProvisionDevices, EndAccess)
"""The forms with a passphrase."""
TELLS_OF_PORTAL = (UploadCa, SignCode, VerifyCa, CreateEnrollmentGroup, CleanUp)
"""The forms in which a person confirms what they have done in the portal."""


def setting_of(model: type[Inputs], workspace: Workspace, hubs: tuple[str, ...] = ()) -> Setting:
    """Return the context of one of the notebooks' forms.

    Args:
        hubs: host names of the hubs that are linked to the service, to choose from.
    """
    facts = workspace.facts
    known = {
        "register_ca": facts.registered_role,
        "certificate_name": facts.certificate_name,
        "enrollment_group_id": facts.enrollment_group_id,
        **({name: getattr(facts, name) for name in StartHere.model_fields} if facts.target else {}),
    }
    chosen = {name: value for name, value in {**facts.choices, **known}.items() if name in model.model_fields}
    has_cas = workspace.signing_role() is not None

    def note(value: Inputs) -> None:
        choices = workspace.facts.choices
        remembered = {**choices, **{name: getattr(value, name) for name in _REMEMBERED.get(model, ())}}
        if remembered != choices:
            workspace.update(choices=remembered)
        if isinstance(value, CreateCa) and workspace.authority_roles():
            workspace.delete_dropped()  # the CA is stored already, and these files may include its key without encryption

    return Setting(
        about={"target": facts.target, "has_cas": has_cas},
        remembered=chosen,
        secret=_secret(model, has_cas),
        choices={"iot_hubs": hubs},
        keep_file=lambda name, file, content: _keep_file(workspace, name, file, content),
        check=lambda value: _check(value, workspace),
        note=note,
    )


_REMEMBERED: dict[type[Inputs], tuple[str, ...]] = {
    CreateCa: ("root_name", "intermediate_name", "key_type", "curve", "rsa_bits", "lifetime_days"),
    ProvisionDevices: ("device_id", "fleet_size"),
}
"""The fields whose values later forms offer again. 07 only names a device to revoke, so it does not rename the fleet."""


def _secret(model: type[Inputs], has_cas: bool) -> Secret | None:
    if model in OPENS_KEYS:
        purpose = _ENCRYPTS if model is CreateCa and not has_cas else _OPENS
        return Secret("Passphrase", PASSPHRASE_VARIABLE, purpose)
    if model is CreateEnrollmentGroup:
        return Secret(
            WEBHOOK_KEY_FIELD,
            WEBHOOK_KEY_VARIABLE,
            "Only if your Azure function requires a key: the text after code= in its URL. DPS gets the key as part of the URL; "
            "the notebook does not store it.",
            shown=ShownWhen(
                CreateEnrollmentGroup.key_is_asked_for,
                "with the allocation policy custom, if the notebook creates the group",
            ),
        )
    return None


def _keep_file(workspace: Workspace, field_name: str, name: str, content: bytes) -> Path:
    """Store a dropped file of the user's own CA, unless it was dropped on the other file's field."""
    if field_name == "own_ca_certificate":
        require_authority(read_certificates(content, name)[0])
    elif b"-----BEGIN CERTIFICATE-----" in content and b"PRIVATE KEY-----" not in content:
        raise Problem(
            f"{name} was not accepted.",
            "It is a certificate, and contains no private key.",
            "Drop the CA's key file here.",
        )
    return workspace.store_dropped(field_name, name, content)


def _check(value: Inputs, workspace: Workspace) -> None:
    facts = workspace.facts
    match value:
        case CreateCa():
            _check_cas(value, workspace)
        case UploadCa() if facts.certificate_name and (facts.registered_role, facts.certificate_name) != (
            value.register_ca,
            value.certificate_name,
        ):
            raise Problem(
                f"This walkthrough has already registered the {facts.registered_role} as “{facts.certificate_name}”.",
                "A walkthrough proves only one CA.",
                f"Change the fields back to {facts.registered_role} and “{facts.certificate_name}”, or run 10_clean_up first.",
            )
        case CreateEnrollmentGroup() if facts.enrollment_group_id not in (None, value.enrollment_group_id):
            raise Problem(
                f"This walkthrough has already created the enrollment group “{facts.enrollment_group_id}”.",
                "A walkthrough has only one group.",
                f"Change the name back to “{facts.enrollment_group_id}”, or run 10_clean_up first.",
            )
        case EndAccess():
            roles = workspace.authority_roles()
            if value.next_ca_name in [describe(workspace.authority_certificate(role)).common_name for role in roles]:
                raise Problem(
                    f"One of your CAs is already called “{value.next_ca_name}”.",
                    "The cards would show the same name before and after the CA is rolled over, so you could not see the change.",
                    "Give the next CA another name.",
                )


def _check_cas(value: CreateCa, workspace: Workspace) -> None:
    present = [workspace.authority_certificate(role) for role in workspace.authority_roles()]
    top = present[0] if present else None
    if value.own_ca_certificate:
        file = Path(value.own_ca_certificate).expanduser()
        own, *_ = read_certificates(read_bytes(file), file.name)
        if top is not None and own not in present:
            raise Problem(
                f"“{describe(own).common_name}” was not accepted.",
                f"This workspace already has the CA “{describe(top).common_name}”.",
                "Leave the fields of your own CA empty, or run 10_clean_up and let it delete the keys.",
            )
        top = top or own
    if top is not None and workspace.signing_role() is None and _has_name_of(value.intermediate_name, top):
        raise Problem(
            f"The intermediate can't be called “{value.intermediate_name}”.",
            "Your root has this name. Cards and trees show CAs by name, so you could not tell the two apart.",
            "Choose another name in the field “Intermediate's name” (the parameter intermediate_name).",
        )


def _has_name_of(name: str, root: x509.Certificate) -> bool:
    """Return whether the walkthrough would create an intermediate below this root, and the two would have the same name."""
    facts = describe(root)
    is_below = facts.is_self_signed and facts.path_length != 0
    return is_below and facts.common_name.casefold() == name.casefold()
