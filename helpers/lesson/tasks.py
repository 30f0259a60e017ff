"""The forms of the notebooks: for each its typed value, what its button will do, the step, and the picture of the result."""

from pathlib import Path
from typing import Any

from cryptography import x509

from helpers.certificates import CertificateAuthority, DeviceCredential, read_certificates, require_authority
from helpers.dps import AllocationPolicy, EnrollmentGroup, ProvisioningService, RegisteredCertificate
from helpers.lesson import inputs, steps
from helpers.lesson.figures import (
    AccessCard,
    ChainTree,
    CodeCard,
    GroupPicture,
    Listing,
    ServiceCard,
    show_certificate,
)
from helpers.lesson.forms import Form, Secret, ShownWhen
from helpers.lesson.portal import Service
from helpers.lesson.views import show_authorities, show_chain
from helpers.lesson.webhook_key import WEBHOOK_KEY_FIELD, WEBHOOK_KEY_VARIABLE
from helpers.workspace import PASSPHRASE_VARIABLE, Role, Workspace

__all__ = [
    "access_form",
    "clean_up_form",
    "code_form",
    "create_ca_form",
    "devices_form",
    "group_form",
    "sign_form",
    "target_form",
    "upload_form",
    "verify_form",
]

_OPENS = "Opens the CA's private key, if it is encrypted."


def _button(kept: Workspace, says: str) -> str:
    """With the target portal a person's hands do it: the button can but show what they are to do."""
    return "Show the clicks, or go on when they are done" if kept.facts.target == "portal" else says


def _passphrase(purpose: str) -> Secret:
    return Secret("Passphrase", PASSPHRASE_VARIABLE, f"{purpose} It is never stored, so each notebook asks for it.")


def target_form(kept: Workspace, **parameters: Any) -> Form[inputs.StartHere, Service]:
    """00: choose the provisioning service, and ask it who it is."""

    def choose(chosen: inputs.StartHere) -> Service:
        steps.choose_target(kept, chosen)
        dps = steps.connect(kept)
        with dps.wire.chapter("connect"):
            dps.describe()
        return dps

    def picture(dps: Service) -> ServiceCard:
        return ServiceCard(str(kept.facts.target), dps.describe())

    names = ("target", "subscription_id", "resource_group", "provisioning_service", "id_scope")
    remembered = {name: getattr(kept.facts, name) for name in names} if kept.facts.target else {}
    return Form(inputs.StartHere, "Use this service", choose, picture=picture, remembered=remembered, **parameters)


def create_ca_form(kept: Workspace, **parameters: Any) -> Form[inputs.CreateCa, dict[Role, CertificateAuthority]]:
    """01: create the CAs, or take one's own; those that are here already stay."""
    complete = "intermediate" in kept.authority_roles()
    passphrase = _passphrase(_OPENS if complete else "Encrypts the CAs' private keys on disk, and opens your own CA's.")
    caption = ""

    def create(wanted: inputs.CreateCa) -> dict[Role, CertificateAuthority]:
        nonlocal caption
        found = bool(kept.authority_roles())
        caption = (
            "Found in this workspace; what the form says was not needed"
            if found
            else "Your own CA, and what was created below it"
            if wanted.own_ca_certificate
            else "Created"
        )
        return steps.create_authorities(kept, wanted, passphrase.take())

    def picture(_authorities: dict[Role, CertificateAuthority]) -> ChainTree:
        return show_authorities(kept, caption=caption)

    def keep_file(field: str, name: str, content: bytes) -> Path:
        if field == "own_ca_certificate":
            require_authority(read_certificates(content, name)[0])
        return kept.keep_dropped(field, name, content)

    return Form(
        inputs.CreateCa,
        "Open the CAs of this workspace" if complete else "Create the CAs",
        create,
        picture=picture,
        secret=passphrase,
        keep_file=keep_file,
        **parameters,
    )


def upload_form(kept: Workspace, dps: Service, **parameters: Any) -> Form[inputs.UploadCa, RegisteredCertificate]:
    """02: register the CA's public part."""
    return Form(
        inputs.UploadCa,
        _button(kept, "Upload the CA's public part"),
        lambda wanted: steps.register_authority(kept, dps, wanted),
        picture=lambda registered: show_certificate(steps.registered_certificate(kept), registered),
        walkthrough_target=kept.facts.target,
        remembered={"register_ca": kept.facts.registered_role, "certificate_name": kept.facts.certificate_name},
        **parameters,
    )


def code_form(kept: Workspace, dps: Service, **parameters: Any) -> Form[inputs.AskForCode, RegisteredCertificate]:
    """03: get a verification code."""
    waited = False

    def ask(wanted: inputs.AskForCode) -> RegisteredCertificate:
        nonlocal waited
        before = kept.facts.verification_code
        registered = steps.ask_for_code(kept, dps, wanted)
        waited = before is not None and before == kept.facts.verification_code
        return registered

    return Form(
        inputs.AskForCode,
        _button(kept, "Ask DPS for a code"),
        ask,
        picture=lambda _registered: CodeCard(kept.facts.verification_code, waited=waited),
        walkthrough_target=kept.facts.target,
        **parameters,
    )


def sign_form(kept: Workspace) -> Form[inputs.SignCode, x509.Certificate]:
    """03: sign the code."""
    passphrase = _passphrase(_OPENS)
    return Form(
        inputs.SignCode,
        "Sign the code with the CA's private key",
        lambda _wanted: steps.sign_kept_code(kept, passphrase.take()),
        picture=show_certificate,
        secret=passphrase,
    )


def verify_form(kept: Workspace, dps: Service, **parameters: Any) -> Form[inputs.VerifyCa, RegisteredCertificate]:
    """04: send the proof."""
    return Form(
        inputs.VerifyCa,
        _button(kept, "Send the proof to DPS"),
        lambda wanted: steps.verify_with_kept_proof(kept, dps, wanted),
        picture=lambda registered: show_certificate(steps.registered_certificate(kept), registered),
        walkthrough_target=kept.facts.target,
        **parameters,
    )


def group_form(kept: Workspace, dps: Service, **parameters: Any) -> Form[inputs.CreateEnrollmentGroup, EnrollmentGroup]:
    """05: bind an enrollment group to the CA."""
    key = Secret(
        WEBHOOK_KEY_FIELD,
        WEBHOOK_KEY_VARIABLE,
        "If your Azure function demands one: the text after code= in its URL. DPS gets it with the URL; the notebook does not "
        "store it.",
        shown=ShownWhen(
            lambda values: values["allocation_policy"] is AllocationPolicy.CUSTOM and values["target"] != "portal",
            "with the allocation policy custom, where the notebook creates the group",
        ),
    )
    return Form(
        inputs.CreateEnrollmentGroup,
        _button(kept, "Create the group, or change it to this"),
        lambda wanted: steps.bind_enrollment_group(kept, dps, wanted, key.take()),
        picture=lambda group: GroupPicture(group, steps.hubs_of(dps, group)),
        secret=key,
        walkthrough_target=kept.facts.target,
        remembered={"enrollment_group_id": kept.facts.enrollment_group_id},
        **parameters,
    )


def devices_form(kept: Workspace, dps: Service, **parameters: Any) -> Form[inputs.ProvisionDevices, DeviceCredential]:
    """06: issue the first device's certificate."""
    passphrase = _passphrase(_OPENS)
    return Form(
        inputs.ProvisionDevices,
        "Issue the first device's certificate",
        lambda wanted: steps.issue_device(kept, wanted, passphrase.take()),
        picture=lambda device: show_chain(kept, device, dps),
        secret=passphrase,
        **parameters,
    )


def access_form(kept: Workspace, dps: ProvisioningService, **parameters: Any) -> Form[inputs.EndAccess, AccessCard]:
    """07: a device and its neighbour, and that both get in."""
    passphrase = _passphrase(_OPENS)

    def begin(wanted: inputs.EndAccess) -> AccessCard:
        devices = steps.two_devices(kept, dps, wanted, passphrase.take())
        return AccessCard("Before", steps.try_to_register(dps, devices))

    return Form(
        inputs.EndAccess,
        "Make two devices, and see both get in",
        begin,
        picture=lambda card: card,
        secret=passphrase,
        **parameters,
    )


def clean_up_form(kept: Workspace, **parameters: Any) -> Form[inputs.CleanUp, steps.CleanedUp]:
    """10: remove what was made."""
    return Form(
        inputs.CleanUp,
        _button(kept, "Remove what was made at DPS"),
        lambda wanted: steps.clean_up(kept, wanted),
        picture=lambda cleaned: Listing("Removed", cleaned.done or ["There was nothing to remove."]),
        walkthrough_target=kept.facts.target,
        **parameters,
    )
