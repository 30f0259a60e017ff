"""The same step in three other ways: as clicks in the portal, as commands, and as plain Python with Azure's SDKs.

The learner's own names are filled in. The tests run the Python, and those commands that need no extension of the Azure CLI,
against the local DPS; the clicks follow Microsoft's pages how-to-verify-certificates, how-to-manage-enrollments and
how-to-revoke-device-access-portal of 2025.
"""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from textwrap import dedent

from helpers.certificates import KeyAlgorithm
from helpers.dps import AllocationPolicy
from helpers.lesson.recipes.names import Names
from helpers.lesson.recipes.python import as_device, managing, serving
from helpers.lesson.recipes.webhook_key import WEBHOOK_KEY_VARIABLE
from helpers.urls import mask_keys, replace_keys

__all__ = ["STEPS", "Recipe", "recipe"]

_PATH = "from pathlib import Path"
_MATCH = "from azure.core import MatchConditions"
_X509 = "from cryptography import x509"
_ENCODING = "from cryptography.hazmat.primitives.serialization import Encoding"
_SIGNED_IN = "# in the shell of 00_start_here, which is signed in\n"
_KEY_IN_SHELL = f"# {WEBHOOK_KEY_VARIABLE} in the environment: the function's key as it stands in the function's URL\n"
_KEY_IN_PYTHON = f"""\
allocation = wanted["customAllocationDefinition"]
key = quote(os.environ["{WEBHOOK_KEY_VARIABLE}"], safe="%")  # it may be escaped already
allocation["webhookUrl"] = allocation["webhookUrl"].replace("{WEBHOOK_KEY_VARIABLE}", key)
"""
_EXTENSION = "# needs the CLI's extension azure-iot; the local DPS has not been tried with it\n"


@dataclass(frozen=True)
class Recipe:
    """One step in three ways; each is empty where there is none.

    Attributes:
        clicks: in the portal, one after the other. commands: for a shell in the folder of the notebooks.
        python: a script, to be run there, too.
    """

    clicks: tuple[str, ...] = ()
    commands: str = ""
    python: str = ""


def recipe(step: str, names: Names) -> Recipe:
    """The step in three ways.

    Args:
        step: one of STEPS.
    """
    return STEPS[step](names)


# --- the steps --------------------------------------------------------------------------------------------------------


def _connect(names: Names) -> Recipe:
    return Recipe(
        (
            "Sign in at portal.azure.com.",
            "**Create a resource** → search for **IoT Hub Device Provisioning Service** → **Create**.",
            "Open it → **Linked IoT hubs** → **Add**: without a hub nobody can be assigned.",
            "**Overview** shows the **ID scope**.",
        ),
        f"{_signing_in(names)}\naz iot dps show --name {shlex.quote(names.service)} --resource-group {names.resource_group}",
        managing(names) + f'service = client.iot_dps_resource.get("{names.service}", "{names.resource_group}")\n'
        "print(service.properties.id_scope)",
    )


def _create_ca(names: Names) -> Recipe:
    kind = _new_key(names.key_algorithm)
    ca = "basicConstraints=critical,CA:TRUE,pathlen:{}"
    usage = "keyUsage=critical,keyCertSign,cRLSign"
    root, below = (_subject(name) for name in (names.root_name, names.intermediate_name))
    return Recipe(
        ("There is no such step in the portal: DPS never makes your CA and never sees its key.",),
        dedent(f"""\
            umask 077  # what is written now is for you alone; without -noenc a passphrase is asked for, and encrypts the keys
            openssl req -x509 {kind} -noenc -keyout root.key.pem -out root.pem -days {names.lifetime_days} \\
                -utf8 -subj {root} \\
                -addext {ca.format(1)} -addext {usage}
            openssl req -new {kind} -noenc -keyout intermediate.key.pem -out intermediate.csr \\
                -utf8 -subj {below} \\
                -addext {ca.format(0)} -addext {usage}
            openssl x509 -req -in intermediate.csr -CA root.pem -CAkey root.key.pem -copy_extensions copy \\
                -days {names.lifetime_days} -out intermediate.pem"""),
        dedent(f"""\
            from datetime import timedelta
            from helpers.certificates import CertificateAuthority, KeyAlgorithm

            made = {{"key_algorithm": KeyAlgorithm("{names.key_algorithm}"), "lifetime": timedelta(days={names.lifetime_days})}}
            root = CertificateAuthority.create_root({names.root_name!r}, **made)
            intermediate = root.create_intermediate({names.intermediate_name!r}, **made)
            print(root, intermediate)"""),
    )


def _upload(names: Names) -> Recipe:
    return Recipe(
        (
            f"Open {_in_portal(names)} → **Certificates** → **Add**.",
            f"**Certificate name**: {names.certificate}",
            f"**Certificate .pem or .cer file**: {names.role}.cer",
            "Leave **Set certificate status to verified on upload** unticked: you are going to prove it. → **Save**",
            "The list shows it as **Unverified**.",
        ),
        f"{_SIGNED_IN}az iot dps certificate create {names.at_dps} --path {names.file(f'ca/{names.role}.cer')}",
        managing(names, _PATH)
        + dedent(f"""\
            certificate = Path({names.path(f"ca/{names.role}.cer")!r}).read_bytes()  # the SDK encodes it in base64
            uploaded = client.dps_certificate.create_or_update(
                "{names.resource_group}", "{names.service}", "{names.certificate}",
                {{"properties": {{"certificate": certificate}}}},
            )
            print(uploaded.etag)"""),
    )


def _code(names: Names) -> Recipe:
    return Recipe(
        (
            f"**Certificates** → {names.certificate} opens its details.",
            "**Generate verification code** → copy what appears in **Verification code**.",
        ),
        f"{_SIGNED_IN}# a code that was asked for before is void then: with a new one, run 03 again\n"
        f"{_etag_of(names)}"
        f'az iot dps certificate generate-verification-code {names.at_dps} --etag "$etag" \\\n'
        "    --query properties.verificationCode --output tsv",
        "# A code that was asked for before is void then: with a new one, run 03 again.\n"
        + managing(names, _MATCH)
        + _present_etag(names)
        + dedent(f"""\
            answer = client.dps_certificate.generate_verification_code(
                "{names.certificate}", "{names.resource_group}", "{names.service}",
                etag=etag, match_condition=MatchConditions.IfNotModified,
            )
            print(answer.properties.verification_code)"""),
    )


def _sign(names: Names) -> Recipe:
    ca = f"-CA {names.file(f'ca/{names.role}.pem')} -CAkey {names.file(f'ca/{names.role}.key.pem')}"
    return Recipe(
        ("Not in the portal: the key never leaves your machine, so the signature is made here.",),
        dedent(f"""\
            openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout throw-away.key \\
                -subj /CN={names.code} -out code.csr
            openssl x509 -req -in code.csr -days 3 -out verification.pem \\
                {ca}
            rm throw-away.key code.csr  # nobody needs them any more"""),
        dedent(f"""\
            from helpers.workspace import Workspace

            # An encrypted key is opened by CA_PASSPHRASE in the environment.
            ca = Workspace({names.path(".")!r}).authority("{names.role}")
            proof = ca.sign_verification_code("{names.code}")"""),
    )


def _verify(names: Names) -> Recipe:
    return Recipe(
        (
            f"**Certificates** → {names.certificate}.",
            "**Verification certificate .pem or .cer file**: verification.cer",
            "**Verify**. The status becomes **Verified**; if it does not, **Refresh**.",
        ),
        f"{_SIGNED_IN}{_etag_of(names)}"
        f'az iot dps certificate verify {names.at_dps} --path {names.file("proof/verification.pem")} --etag "$etag"',
        managing(names, _PATH, _MATCH)
        + _present_etag(names)
        + dedent(f"""\
            proof = Path({names.path("proof/verification.pem")!r}).read_bytes()  # the SDK encodes it in base64
            verified = client.dps_certificate.verify_certificate(
                "{names.certificate}", "{names.resource_group}", "{names.service}", {{"certificate": proof}},
                etag=etag, match_condition=MatchConditions.IfNotModified,
            )
            print(verified.properties.is_verified)"""),
    )


def _group(names: Names) -> Recipe:
    group = names.group
    policy = group.allocation_policy or AllocationPolicy.HASHED
    hubs = f" \\\n    --iot-hubs {' '.join(map(shlex.quote, group.iot_hubs))}" if group.iot_hubs else ""
    webhook = group.custom_allocation
    url = replace_keys(webhook.webhook_url, WEBHOOK_KEY_VARIABLE) if webhook else ""
    has_key = WEBHOOK_KEY_VARIABLE in url
    asked = f" \\\n    --webhook-url {_in_shell(url)} --api-version {webhook.api_version}" if webhook else ""
    body = {
        "enrollmentGroupId": group.group_id,
        "attestation": {"type": "x509", "x509": {"caReferences": {"primary": names.certificate}}},
        "allocationPolicy": policy.value,
        **({"iotHubs": list(group.iot_hubs)} if group.iot_hubs else {}),
        **({"customAllocationDefinition": {"webhookUrl": url, "apiVersion": webhook.api_version}} if webhook else {}),
    }
    return Recipe(
        (
            "**Manage enrollments** → **Enrollment groups** → **Add enrollment group**.",
            f"Tab **Registration + provisioning**, **Attestation mechanism**: {_ATTESTATION}.",
            f"**Primary certificate**: {names.certificate}. **Group name**: {group.group_id}.",
            "Tick **Enable this enrollment**.",
            f"Tab **IoT hubs**: choose {' and '.join(group.iot_hubs) or 'your hubs'}, and {_POLICIES[policy]}.",
            *([f"Choose the function that answers at {mask_keys(webhook.webhook_url)}."] if webhook else []),
            "**Review + create** → **Create**.",
        ),
        f"{_SIGNED_IN}{_EXTENSION}{_KEY_IN_SHELL if has_key else ''}"
        f"az iot dps enrollment-group create {names.at_service} \\\n"
        f"    --enrollment-id {shlex.quote(group.group_id)} --ca-name {shlex.quote(names.certificate)} \\\n"
        f"    --allocation-policy {policy.value.lower()}{hubs}{asked}",
        serving(names, *(["import os", "from urllib.parse import quote"] if has_key else []))
        + f"wanted = {json.dumps(body, indent=4)}\n{_KEY_IN_PYTHON if has_key else ''}"
        f'group = client.enrollment_group.create_or_update("{group.group_id}", wanted)\nprint(group["etag"])',
    )


def _register(names: Names) -> Recipe:
    files = [f"devices/{names.device_id}.pem", f"devices/{names.device_id}.key"]
    reaches = (
        "# it goes to Azure's own address alone: for a local DPS take the Python\n" if names.target == "local" else ""
    )
    return Recipe(
        (
            "A device needs no portal: it registers itself.",
            f"Afterwards: **Manage enrollments** → **Enrollment groups** → {names.group.group_id} → **Registration records**.",
        ),
        f"{reaches}{_EXTENSION}az iot device registration create --id-scope {names.id_scope} \\\n"
        f"    --registration-id {names.device_id} --certificate-file-path {names.file(files[0])} \\\n"
        f"    --key-file-path {names.file(files[1])}",
        as_device(names)
        + dedent(f"""\
            client = ProvisioningDeviceClient.create_from_x509_certificate(
                "global.azure-devices-provisioning.net",
                "{names.device_id}",
                "{names.id_scope}",
                X509({names.path(files[0])!r}, {names.path(files[1])!r}),
                **options,
            )
            print(client.register().registration_state.assigned_hub)"""),
    )


def _records(names: Names) -> Recipe:
    group = names.group.group_id
    return Recipe(
        (f"**Manage enrollments** → **Enrollment groups** → {group} → **Registration records**.",),
        f"{_SIGNED_IN}{_EXTENSION}az iot dps enrollment-group registration list {names.at_service} \\\n"
        f"    --enrollment-id {shlex.quote(group)}",
        serving(names)
        + dedent(f"""\
            for record in client.device_registration_state.query("{group}"):
                print(record["registrationId"], record["status"], record.get("assignedHub"))"""),
    )


def _revoke(names: Names) -> Recipe:
    file = f"devices/{names.device_id}.pem"
    return Recipe(
        (
            "**Manage enrollments** → **Individual enrollments** → **Add individual enrollment**.",
            f"**Attestation mechanism** = **X.509 client certificates**; the device's certificate: {names.device_id}.pem.",
            "Untick **Enable this enrollment** → **Review + create** → **Create**.",
        ),
        f"{_SIGNED_IN}{_EXTENSION}az iot dps enrollment create {names.at_service} --enrollment-id {names.device_id} \\\n"
        f"    --attestation-type x509 --certificate-path {names.file(file)} --provisioning-status disabled",
        serving(names, _PATH, _X509, _ENCODING)
        + dedent(f"""\
            device, *_ = x509.load_pem_x509_certificates(Path({names.path(file)!r}).read_bytes())
            certificate = {{"certificate": device.public_bytes(Encoding.PEM).decode()}}
            client.enrollment.create_or_update("{names.device_id}", {{
                "registrationId": "{names.device_id}",
                "attestation": {{"type": "x509", "x509": {{"clientCertificates": {{"primary": certificate}}}}}},
                "provisioningStatus": "disabled",
            }})"""),
    )


def _disable(names: Names) -> Recipe:
    return Recipe(
        (
            f"**Manage enrollments** → **Enrollment groups** → {names.group.group_id}.",
            "Untick **Enable this enrollment** → **Save**.",
        ),
        f"{_SIGNED_IN}{_EXTENSION}az iot dps enrollment-group update {names.at_service} \\\n"
        f"    --enrollment-id {shlex.quote(names.group.group_id)} --provisioning-status disabled",
        serving(names) + _changed_group(names, 'group["provisioningStatus"] = "disabled"'),
    )


def _roll_over(names: Names) -> Recipe:
    return Recipe(
        (
            f"Upload and verify the next CA as {names.next_certificate}, as in 02 to 04.",
            f"**Manage enrollments** → **Enrollment groups** → {names.group.group_id}.",
            f"**Secondary certificate** = {names.next_certificate} → **Save**.",
        ),
        f"{_SIGNED_IN}{_EXTENSION}az iot dps enrollment-group update {names.at_service} \\\n"
        f"    --enrollment-id {shlex.quote(names.group.group_id)} --secondary-ca-name {shlex.quote(names.next_certificate)}",
        serving(names)
        + _changed_group(
            names, f'group["attestation"]["x509"]["caReferences"]["secondary"] = "{names.next_certificate}"'
        ),
    )


def _delete_ca(names: Names) -> Recipe:
    next_ca = replace(names, certificate=names.next_certificate)
    return Recipe(
        (f"**Certificates** → {names.next_certificate} → **Delete**.",),
        f'{_SIGNED_IN}{_etag_of(next_ca)}az iot dps certificate delete {next_ca.at_dps} --etag "$etag"',
        managing(names, _MATCH) + _present_etag(next_ca) + _deleted_certificate(next_ca),
    )


def _clean_up(names: Names) -> Recipe:
    group = names.group.group_id
    stopped = "# as it is done while the local DPS runs; by now it is stopped\n" if names.target == "local" else ""
    return Recipe(
        (
            f"**Manage enrollments** → **Enrollment groups** → {group} → **Registration records**: delete them.",
            f"**Manage enrollments** → **Enrollment groups** → tick {group} → **Delete**.",
            f"**Certificates** → {names.certificate} → **Delete**.",
        ),
        f"{stopped}{_SIGNED_IN}{_EXTENSION}"
        f"for id in $(az iot dps enrollment-group registration list {names.at_service} \\\n"
        f"    --enrollment-id {shlex.quote(group)} --query '[].registrationId' --output tsv); do\n"
        f'    az iot dps enrollment-group registration delete {names.at_service} --registration-id "$id"\n'
        "done\n"
        f"az iot dps enrollment-group delete {names.at_service} --enrollment-id {shlex.quote(group)}\n"
        f"{_etag_of(names)}"
        f'az iot dps certificate delete {names.at_dps} --etag "$etag"',
        stopped
        + serving(names)
        + f'for record in client.device_registration_state.query("{group}"):\n'
        + '    client.device_registration_state.delete(record["registrationId"])\n'
        + f'client.enrollment_group.delete("{group}")\n\n'
        + managing(names, _MATCH)
        + _present_etag(names)
        + _deleted_certificate(names),
    )


STEPS: dict[str, Callable[[Names], Recipe]] = {
    "connect": _connect,
    "create_ca": _create_ca,
    "upload": _upload,
    "code": _code,
    "sign": _sign,
    "verify": _verify,
    "group": _group,
    "register": _register,
    "records": _records,
    "revoke": _revoke,
    "disable": _disable,
    "roll_over": _roll_over,
    "delete_ca": _delete_ca,
    "clean_up": _clean_up,
}

# --- their parts ------------------------------------------------------------------------------------------------------

_ATTESTATION = "**X.509 certificates uploaded to this Device Provisioning Service instance**"
_POLICIES = {
    AllocationPolicy.HASHED: "**Evenly weighted distribution**",
    AllocationPolicy.GEO_LATENCY: "**Lowest latency**",
    AllocationPolicy.STATIC: "**Static configuration**",
    AllocationPolicy.CUSTOM: "**Custom (Use Azure Function)**",
}


def _subject(common_name: str) -> str:
    """As OpenSSL's -subj wants it, where / and + separate parts."""
    escaped = re.sub(r"([\\/+])", r"\\\1", common_name)
    return shlex.quote(f"/CN={escaped}")


def _new_key(algorithm: KeyAlgorithm) -> str:
    kind, _, size = algorithm.partition("-")
    return f"-newkey rsa:{size}" if kind == "RSA" else f"-newkey ec -pkeyopt ec_paramgen_curve:{algorithm}"


def _in_shell(url: str) -> str:
    """The URL as a shell's word, with the environment variable for its key."""
    return f'"${WEBHOOK_KEY_VARIABLE}"'.join(
        shlex.quote(part) if part else "" for part in url.split(WEBHOOK_KEY_VARIABLE)
    )


def _signing_in(names: Names) -> str:
    if names.target != "local":
        return f"az login\naz account set --subscription {names.subscription_id or 'SUBSCRIPTION'}"
    return dedent(f"""\
        value() {{ python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' \\
            {names.file("local-dps/connection.json")} "$1"; }}
        export AZURE_CONFIG_DIR=$(mktemp -d) REQUESTS_CA_BUNDLE=$(value ca_file)  # your own sign-in stays as it is
        az cloud register --name local --endpoint-resource-manager "$(value management_endpoint)"
        az cloud set --name local
        az config set core.instance_discovery=false
        value client_secret > "$AZURE_CONFIG_DIR/secret"  # not as an argument, which others can see
        az login --service-principal --username "$(value client_id)" --password "@$AZURE_CONFIG_DIR/secret" \\
            --tenant "$(value tenant_id)\"""")


def _in_portal(names: Names) -> str:
    if names.target == "local":
        return f"a provisioning service of your own (“{names.service}” is on this machine alone)"
    return f"your provisioning service “{names.service}”"


def _present_etag(names: Names) -> str:
    return (
        f'etag = client.dps_certificate.get("{names.certificate}", "{names.resource_group}", "{names.service}").etag\n'
    )


def _etag_of(names: Names) -> str:
    return f"etag=$(az iot dps certificate show {names.at_dps} --query etag --output tsv)\n"


def _changed_group(names: Names, change: str) -> str:
    group = names.group.group_id
    return (
        f'group = client.enrollment_group.get("{group}")\n{change}\n'
        f'client.enrollment_group.create_or_update("{group}", group, if_match=group["etag"])'
    )


def _deleted_certificate(names: Names) -> str:
    return dedent(f"""\
        client.dps_certificate.delete(
            "{names.resource_group}", "{names.service}", "{names.certificate}",
            etag=etag, match_condition=MatchConditions.IfNotModified,
        )""")
