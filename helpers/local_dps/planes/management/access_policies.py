"""The shared access policies of a service resource."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from ...errors import resource_provider as errors
from ...store import RIGHTS, AccessPolicy, ServiceRow, new_key, new_owner_policy

__all__ = ["describe_policy", "read_policies"]

_POLICY_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+._^|~-]{1,64}")
_OWNER = "provisioningserviceowner"


def read_policies(sent: Any, present: ServiceRow | None) -> tuple[AccessPolicy, ...]:
    """Return the access policies after a PUT: those sent, or the present ones if none are sent.

    The owner's policy stays even if it is left out. A policy that is sent without a key gets a new key.
    """
    if sent is None or sent == []:
        return present.policies if present else (new_owner_policy(),)
    if not isinstance(sent, list) or not all(isinstance(rule, dict) for rule in sent):
        raise errors.service_not_understood("authorizationPolicies is invalid.", "It must be a list of objects.")
    policies = tuple(_policy(rule) for rule in sent)
    if len({policy.name.lower() for policy in policies}) < len(policies):
        raise errors.service_not_understood(
            "Two access policies have the same name.", "Names are compared without case."
        )
    sent_names = {policy.name.lower() for policy in policies}
    before = present.policies if present else (new_owner_policy(),)
    owner = tuple(policy for policy in before if policy.name.lower() == _OWNER and _OWNER not in sent_names)
    return (*owner, *policies)


def describe_policy(policy: AccessPolicy) -> Mapping[str, str]:
    """Return one entry of `authorizationPolicies`, with its keys."""
    return {
        "keyName": policy.name,
        "primaryKey": policy.primary_key,
        "secondaryKey": policy.secondary_key,
        "rights": policy.rights,
    }


def _policy(rule: Mapping[str, Any]) -> AccessPolicy:
    name = rule.get("keyName")
    if not isinstance(name, str) or not _POLICY_NAME.fullmatch(name):
        raise errors.service_not_understood(
            "An access policy's keyName is invalid.",
            "A name has 1 to 64 characters: letters, digits and ! # $ % & ' * + . _ ^ | ~ -",
        )
    wanted = rule.get("rights")
    rights = [right.strip() for right in wanted.split(",")] if isinstance(wanted, str) else []
    if not rights or not set(rights) <= set(RIGHTS):
        raise errors.service_not_understood(
            f"The rights of the access policy '{name}' are invalid.",
            f"Send one or more of {', '.join(RIGHTS)}, separated by commas.",
        )
    primary, secondary = (_key(rule.get(key)) or new_key() for key in ("primaryKey", "secondaryKey"))
    return AccessPolicy(name, ", ".join(rights), primary, secondary)


def _key(sent: Any) -> str | None:
    if sent is None or sent == "":
        return None
    try:
        if isinstance(sent, str) and len(base64.b64decode(sent, validate=True)) >= 16:
            return sent
    except ValueError:
        pass
    raise errors.service_not_understood(
        "An access policy's key is invalid.", "A key must be base64 of at least 16 bytes."
    )
