"""The context of a form in a walkthrough: earlier choices, the secret to ask for, and values that are no longer possible."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509

from helpers.certificates import describe, public_certificate, read_certificates, require_authority
from helpers.files import read_bytes
from helpers.lesson.forms import HelpFor, Inputs, Secret, Setting, ShownWhen
from helpers.lesson.forms.checks import expanded
from helpers.lesson.forms.own_ca import gets_intermediate
from helpers.lesson.forms.values import (
    CleanUp,
    Completion,
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
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.urls import key_parameter
from helpers.workspace import PASSPHRASE_VARIABLE, Workspace

__all__ = ["OPENS_KEYS", "TELLS_OF_PORTAL", "chosen_before", "setting_of"]

Value = TypeVar("Value", bound=Inputs)
_OPENS = (
    "Opens the CA's encrypted private key. The passphrase is not stored, so each notebook that needs it asks for it."
)
_ENCRYPTS = (
    "Encrypts the CAs' private keys on disk. The passphrase is not stored, so each notebook that needs it asks for it."
)
_OPENS_AND_ENCRYPTS = (
    "Opens your own CA's key if it is encrypted, and encrypts the keys on disk. The passphrase is not stored, so each "
    "notebook asks for it."
)
OPENS_KEYS = (CreateCa, SignCode, ProvisionDevices, EndAccess, Completion)
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
        "allocation_policy": facts.allocation_policy,
        "iot_hubs": ",".join(facts.iot_hubs),
        "webhook_url": facts.webhook_url,
        **({name: getattr(facts, name) for name in StartHere.model_fields} if facts.target else {}),
    }
    chosen = {name: value for name, value in {**facts.choices, **known}.items() if name in model.model_fields}
    about = {
        "target": facts.target,
        "has_root": "root" in workspace.authority_roles(),
        "has_cas": workspace.signing_role() is not None,
        "keys_are_encrypted": workspace.keys_are_encrypted(),
    }

    def note(value: Inputs) -> None:
        choices = workspace.facts.choices
        has_effect = not (isinstance(value, CreateCa) and workspace.signing_role())  # the CAs that are stored stay
        chosen_now = {name: getattr(value, name) for name in _REMEMBERED.get(model, ()) if has_effect}
        remembered = {**choices, **chosen_now}
        if remembered != choices:
            workspace.update(choices=remembered)
        if isinstance(value, CreateCa) and not workspace.authority_roles():
            workspace.update(has_own_ca=bool(value.own_ca_certificate))
        if isinstance(value, CreateCa) and workspace.authority_roles():
            workspace.delete_dropped()  # the CA is stored already, and these files may include its key without encryption

    return Setting(
        about=about,
        remembered=chosen,
        secret=_secret(model),
        choices={"iot_hubs": hubs},
        keep_file=lambda name, file, content: _keep_file(workspace, name, file, content),
        check=lambda value: _check(value, workspace),
        note=note,
    )


_REMEMBERED: dict[type[Inputs], tuple[str, ...]] = {
    CreateCa: ("root_name", "intermediate_name", "key_type", "curve", "rsa_bits", "lifetime_days"),
    ProvisionDevices: ("registration_id", "fleet_size"),
    Completion: ("learner_name",),
}
"""The fields whose values a later notebook or a later run uses again.

07 only names a device to revoke, so it does not rename the fleet."""


def chosen_before(model: type[Value], workspace: Workspace) -> Value:
    """Return the value that was chosen in an earlier form. A field that the workspace does not remember has its default."""
    choices = workspace.facts.choices
    return model.checked(**{name: choices[name] for name in _REMEMBERED[model] if name in choices})


def _purpose_of_passphrase(values: Mapping[str, Any]) -> str:
    """Return the passphrase's purpose in 01, where keys are encrypted, too."""
    if values["has_cas"]:
        return _OPENS
    return _OPENS_AND_ENCRYPTS if values["own_ca_certificate"] else _ENCRYPTS


def _purpose_of_webhook_key(values: Mapping[str, Any]) -> str:
    name = key_parameter(values["webhook_url"])
    return (
        f"Only if your webhook requires a key: the text after {name}= in its URL. DPS gets the key as part of the URL; the "
        "notebook does not store it."
    )


_TO_OPEN = ShownWhen(lambda values: bool(values["keys_are_encrypted"]), "if a CA's key is encrypted")
_PASSPHRASE_IS_ASKED_FOR: dict[type[Inputs], ShownWhen] = {
    CreateCa: ShownWhen(
        lambda values: not values["has_cas"] or bool(values["keys_are_encrypted"]),
        "if a CA's key is or will be encrypted",
    ),
    SignCode: ShownWhen(
        lambda values: bool(values["keys_are_encrypted"]) and SignCode.key_is_needed(values),
        "if this notebook signs with an encrypted key",
    ),
}


def _secret(model: type[Inputs]) -> Secret | None:
    if model in OPENS_KEYS:
        purpose = HelpFor(_purpose_of_passphrase) if model is CreateCa else HelpFor(lambda _values: _OPENS)
        return Secret("Passphrase", PASSPHRASE_VARIABLE, purpose, shown=_PASSPHRASE_IS_ASKED_FOR.get(model, _TO_OPEN))
    if model is CreateEnrollmentGroup:
        shown = ShownWhen(
            CreateEnrollmentGroup.key_is_asked_for,
            "with the allocation policy custom, if the notebook creates the group",
        )
        return Secret(WEBHOOK_KEY_FIELD, WEBHOOK_KEY_VARIABLE, HelpFor(_purpose_of_webhook_key), shown=shown)
    return None


def _keep_file(workspace: Workspace, field_name: str, name: str, content: bytes) -> Path:
    """Store a dropped file, unless it belongs on another field."""
    if field_name == "signed_certificate":
        public_certificate(content, name)
    elif field_name == "own_ca_certificate":
        require_authority(read_certificates(content, name)[0])
    elif _is_certificate_alone(content):
        raise Problem(
            f"{name} was not accepted.",
            "It is a certificate, and contains no private key.",
            "Drop the CA's key file here.",
        )
    return workspace.store_dropped(field_name, name, content)


def _is_certificate_alone(content: bytes) -> bool:
    try:
        read_certificates(content, "")
    except Problem:
        return False
    return b"PRIVATE KEY-----" not in content


def _check(value: Inputs, workspace: Workspace) -> dict[str, Problem]:
    """Return, for each field whose value is not possible in this workspace, the Problem."""
    facts = workspace.facts
    match value:
        case CreateCa():
            return _check_cas(value, workspace)
        case UploadCa() if facts.certificate_name:
            problem = Problem(
                f"This walkthrough has already registered the {facts.registered_role} as “{facts.certificate_name}”.",
                "A walkthrough proves only one CA.",
                f"Change the fields back to {facts.registered_role} and “{facts.certificate_name}”, or run "
                f"{Notebook.CLEAN_UP} first.",
            )
            registered = {"register_ca": facts.registered_role, "certificate_name": facts.certificate_name}
            return {name: problem for name, there in registered.items() if getattr(value, name) != there}
        case CreateEnrollmentGroup() if facts.enrollment_group_id not in (None, value.enrollment_group_id):
            problem = Problem(
                f"This walkthrough has already created the enrollment group “{facts.enrollment_group_id}”.",
                "A walkthrough has only one group.",
                f"Change the name back to “{facts.enrollment_group_id}”, or run {Notebook.CLEAN_UP} first.",
            )
            return {"enrollment_group_id": problem}
        case EndAccess() if value.next_ca_name in _names_of_cas(workspace):
            problem = Problem(
                f"One of your CAs is already called “{value.next_ca_name}”.",
                "The cards would show the same name before and after the CA is rolled over, so you could not see the change.",
                "Give the next CA another name.",
            )
            return {"next_ca_name": problem}
    return {}


def _names_of_cas(workspace: Workspace) -> list[str]:
    return [describe(workspace.authority_certificate(role)).common_name for role in workspace.authority_roles()]


def _check_cas(value: CreateCa, workspace: Workspace) -> dict[str, Problem]:
    present = [workspace.authority_certificate(role) for role in workspace.authority_roles()]
    own = None
    if value.own_ca_certificate:
        try:
            file = expanded(value.own_ca_certificate)
            own, *_ = read_certificates(read_bytes(file), file.name)
        except Problem as unreadable:
            return {"own_ca_certificate": unreadable}
        if present and own not in present:
            problem = Problem(
                f"“{describe(own).common_name}” was not accepted.",
                f"This workspace already has the CA “{describe(present[0]).common_name}”.",
                f"Leave the fields of your own CA empty, or run {Notebook.CLEAN_UP} and let it delete the keys.",
            )
            return {"own_ca_certificate": problem}
    top = present[0] if present else own
    if top is not None and workspace.signing_role() is None and _has_name_of(value.intermediate_name, top):
        problem = Problem(
            f"The intermediate can't be called “{value.intermediate_name}”.",
            "Your root has this name. Cards and trees show CAs by name, so you could not tell the two apart.",
            "Choose another name in the field “Intermediate's name” (the parameter intermediate_name).",
        )
        return {"intermediate_name": problem}
    return {}


def _has_name_of(name: str, root: x509.Certificate) -> bool:
    """Return whether the walkthrough would create an intermediate below this root, and the two would have the same name."""
    return gets_intermediate(root) and describe(root).common_name.casefold() == name.casefold()
