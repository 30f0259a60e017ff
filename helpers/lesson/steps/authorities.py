"""The steps of 01: a CA of one's own, made here or brought along."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from helpers.certificates import CertificateAuthority, describe, load_authority
from helpers.lesson.inputs import CreateCa
from helpers.problem import Problem
from helpers.workspace import Role, Workspace, opening_passphrase

__all__ = ["create_authorities"]


def create_authorities(
    workspace: Workspace, inputs: CreateCa, passphrase: str | None
) -> dict[Role, CertificateAuthority]:
    """The walkthrough's CAs, topmost first: those that are here already, or new ones.

    With a CA of one's own (`own_ca_certificate`, `own_ca_key`): a self-signed one takes the root's place and, if its path
    length allows it, an intermediate is created below it; another takes the intermediate's place.

    Args:
        passphrase: encrypts what is kept here, and opens one's own CA's key if that is encrypted.
    """
    inputs.require_complete()
    own = _own_authority(inputs, passphrase)
    kept = {role: workspace.authority(role, passphrase=passphrase) for role in workspace.authority_roles()}
    if own and kept and own.certificate not in [authority.certificate for authority in kept.values()]:
        raise Problem(
            f"“{describe(own.certificate).common_name}” was not taken.",
            f"This workspace has the CA “{describe(next(iter(kept.values())).certificate).common_name}” already.",
            "Leave the fields of your own CA empty, or run 10_clean_up and let it delete the keys.",
        )
    if "intermediate" not in kept:
        _create_missing(workspace, inputs, kept.get("root") or own, passphrase)
    for role in workspace.authority_roles():
        workspace.public_part(role)
    workspace.delete_dropped()  # what was in them is kept as a CA now, its key encrypted if a passphrase was given
    return {role: workspace.authority(role, passphrase=passphrase) for role in workspace.authority_roles()}


def _own_authority(inputs: CreateCa, passphrase: str | None) -> CertificateAuthority | None:
    if not inputs.own_ca_certificate:
        return None
    certificate, key = (Path(each).expanduser() for each in (inputs.own_ca_certificate, inputs.own_ca_key))
    return load_authority(certificate, key, passphrase=opening_passphrase(key, passphrase))


def _create_missing(
    workspace: Workspace, inputs: CreateCa, top: CertificateAuthority | None, passphrase: str | None
) -> None:
    """What is missing of a root and an intermediate below it, starting from the topmost CA if there is one."""
    made: Any = {"key_algorithm": inputs.key_algorithm, "lifetime": timedelta(days=inputs.lifetime_days)}
    if top is None:
        top = CertificateAuthority.create_root(inputs.root_name, **made)
    elif not describe(top.certificate).is_self_signed:
        workspace.save_authority("intermediate", top, passphrase=passphrase)
        return
    below = None
    if describe(top.certificate).path_length != 0:
        _require_another_name(top, inputs.intermediate_name)
        below = top.create_intermediate(inputs.intermediate_name, **made)
    if "root" not in workspace.authority_roles():
        workspace.save_authority("root", top, passphrase=passphrase)
    if below is not None:
        workspace.save_authority("intermediate", below, passphrase=passphrase)


def _require_another_name(root: CertificateAuthority, name: str) -> None:
    """The form compares the names that it holds; the name of one's own root is in its certificate."""
    if describe(root.certificate).common_name.casefold() == name.casefold():
        raise Problem(
            f"The intermediate can't be called “{name}”.",
            "Your root has this name. Cards and trees show CAs by name, so you could not tell the two apart.",
            "Change the field “Intermediate's name” (the parameter intermediate_name).",
        )
