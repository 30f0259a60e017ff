"""The values that a learner's walkthrough gives to the placeholders of the templates."""

import re
import shlex
from typing import Any

from helpers.certificates import DeviceCredential, KeyAlgorithm
from helpers.dps import AllocationPolicy, EnrollmentGroup
from helpers.lesson.recipes.names import Names
from helpers.lesson.recipes.webhook_key import WEBHOOK_KEY_VARIABLE
from helpers.notebook import Notebook
from helpers.urls import mask_keys, replace_keys

__all__ = ["placeholders"]

_POLICIES_IN_PORTAL = {
    AllocationPolicy.HASHED: "Evenly weighted distribution",
    AllocationPolicy.GEO_LATENCY: "Lowest latency",
    AllocationPolicy.STATIC: "Static configuration",
    AllocationPolicy.CUSTOM: "Custom (Use Azure Function)",
}


def placeholders(names: Names) -> dict[str, Any]:
    """Return the values by the names of the placeholders; None leaves out the lines that need the value."""
    is_local = names.target == "local"
    device = DeviceCredential.in_folder(names.folder, names.registration_id)
    yours = f"your provisioning service “{names.service}”"
    if is_local:
        yours = f"a provisioning service of your own (“{names.service}” exists on this machine only)"
    return {
        **{notebook.name: notebook.value for notebook in Notebook},
        "LOCAL_DPS": "local DPS" if is_local else None,
        "YOUR_SERVICE": yours,
        "SUBSCRIPTION": names.subscription_id or "SUBSCRIPTION",
        "RESOURCE_GROUP": names.resource_group,
        "SERVICE": names.service,
        "SERVICE_ENDPOINT": f"https://{names.service}.azure-devices-provisioning.net",
        "CONNECTION_FILE": names.path("local-dps/connection.json"),
        "WORKSPACE": names.path("."),
        "ROLE": names.role,
        "ROOT_NAME": names.root_name,
        "ROOT_SUBJECT": _subject(names.root_name),
        "INTERMEDIATE_NAME": names.intermediate_name,
        "INTERMEDIATE_SUBJECT": _subject(names.intermediate_name),
        "KEY_ALGORITHM": names.key_algorithm,
        "NEW_KEY": _new_key(names.key_algorithm),
        "LIFETIME_DAYS": names.lifetime_days,
        "CERTIFICATE": names.certificate,
        "NEXT_CERTIFICATE": names.next_certificate,
        "CA_FILE": names.path(f"ca/{names.role}.cer"),
        "CA_PEM_FILE": names.path(f"ca/{names.role}.pem"),
        "CA_KEY_FILE": names.path(f"ca/{names.role}.key.pem"),
        "CODE": names.code,
        "CODE_SUBJECT": _subject(names.code),
        "PROOF_FILE": names.path("proof/verification.pem"),
        "ID_SCOPE": names.id_scope,
        "DEVICE": names.registration_id,
        "DEVICE_FILE": names.path(f"devices/{device.chain_file.name}"),
        "DEVICE_KEY_FILE": names.path(f"devices/{device.key_file.name}"),
        **_of_group(names.group, names.certificate),
    }


def _of_group(group: EnrollmentGroup, certificate: str) -> dict[str, Any]:
    policy = group.allocation_policy or AllocationPolicy.HASHED
    webhook = group.custom_allocation
    url = replace_keys(webhook.webhook_url, WEBHOOK_KEY_VARIABLE) if webhook else ""
    body = {
        "enrollmentGroupId": group.group_id,
        "attestation": {"type": "x509", "x509": {"caReferences": {"primary": certificate}}},
        "allocationPolicy": policy.value,
    }
    if group.iot_hubs:
        body["iotHubs"] = list(group.iot_hubs)
    if webhook:
        body["customAllocationDefinition"] = {"webhookUrl": url, "apiVersion": webhook.api_version}
    return {
        "GROUP": group.group_id,
        "ENROLLMENT_GROUP": body,
        "POLICY": policy.value.lower(),
        "POLICY_IN_PORTAL": _POLICIES_IN_PORTAL[policy],
        "IOT_HUBS": " ".join(map(shlex.quote, group.iot_hubs)) or None,
        "IOT_HUBS_IN_PORTAL": " and ".join(group.iot_hubs) or "your hubs",
        "WEBHOOK_URL": _in_shell(url) if webhook else None,
        "WEBHOOK_URL_IN_PORTAL": mask_keys(webhook.webhook_url) if webhook else None,
        "WEBHOOK_API_VERSION": webhook.api_version if webhook else None,
        "WEBHOOK_KEY_VARIABLE": WEBHOOK_KEY_VARIABLE if WEBHOOK_KEY_VARIABLE in url else None,
    }


def _subject(common_name: str) -> str:
    r"""Return a subject for OpenSSL's -subj, which needs a backslash before / and +: they separate its parts."""
    escaped = re.sub(r"([\\/+])", r"\\\1", common_name)
    return f"/CN={escaped}"


def _new_key(algorithm: KeyAlgorithm) -> str:
    kind, _, size = algorithm.partition("-")
    return f"-newkey rsa:{size}" if kind == "RSA" else f"-newkey ec -pkeyopt ec_paramgen_curve:{algorithm}"


def _in_shell(url: str) -> str:
    """Return the URL as a word of the shell, with the environment variable in the place of its key."""
    return f'"${WEBHOOK_KEY_VARIABLE}"'.join(
        shlex.quote(part) if part else "" for part in url.split(WEBHOOK_KEY_VARIABLE)
    )
