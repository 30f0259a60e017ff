"""A walk through the management plane with azure-mgmt-iothubprovisioningservices 1.1.0, sync and then aio.

It reads the connection of a local DPS from stdin as JSON, and writes the results to stdout as JSON.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from inspect import isawaitable
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AioClientSecretCredential
from azure.mgmt.iothubprovisioningservices import IotDpsClient
from azure.mgmt.iothubprovisioningservices.aio import IotDpsClient as AioIotDpsClient
from azure.mgmt.iothubprovisioningservices.models import (
    CertificateBodyDescription,
    IotDpsPropertiesDescription,
    IotDpsSkuInfo,
    IotHubDefinitionDescription,
    OperationInputs,
    ProvisioningServiceDescription,
    TagsResource,
    VerificationCodeRequest,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

Answers = dict[str, Any]
CA_NAME = "Root of the older client"


def certificate(subject: str, public_key: ec.EllipticCurvePublicKey, ca_key: ec.EllipticCurvePrivateKey) -> str:
    """Return the certificate in the client's form: base64 of the PEM file."""
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, CA_NAME)]))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(ca_key, hashes.SHA256())
    )
    return base64.b64encode(signed.public_bytes(Encoding.PEM)).decode()


async def got(answer: Any) -> Any:
    """Return the value of either form, after waiting for it if necessary."""
    return await answer if isawaitable(answer) else answer


async def items(pages: Any) -> list[Any]:
    return [each async for each in pages] if hasattr(pages, "__aiter__") else list(pages)


async def refusal(call: Callable[[], Any]) -> Answers:
    try:
        await got(call())
    except HttpResponseError as error:
        return {"kind": type(error).__name__, "status": error.status_code, "message": str(error.message)}
    return {"kind": None}


async def walk_certificates(certificates: Any, group: str, dps: str) -> Answers:
    ca_key, proof_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate(CA_NAME, ca_key.public_key(), ca_key)
    body = CertificateBodyDescription(certificate=ca)
    created = await got(certificates.create_or_update(group, dps, "older-ca", body))
    read = await got(certificates.get("older-ca", group, dps))
    coded = await got(certificates.generate_verification_code("older-ca", created.etag, group, dps))
    proof = certificate(coded.properties.verification_code, proof_key.public_key(), ca_key)
    request = VerificationCodeRequest(certificate=proof)

    def verify(etag: str, sent: VerificationCodeRequest = request) -> Any:
        return certificates.verify_certificate("older-ca", etag, group, dps, sent)

    stale = await refusal(lambda: verify(created.etag))
    unproved = await refusal(lambda: verify(coded.etag, VerificationCodeRequest(certificate=ca)))
    verified = await got(verify(coded.etag))
    listed = await got(certificates.list(group, dps))
    claimed = await got(
        certificates.create_or_update(
            group, dps, "claimed-ca", CertificateBodyDescription(certificate=ca, is_verified=True)
        )
    )
    unconditional = await refusal(lambda: certificates.create_or_update(group, dps, "older-ca", body))
    again = await got(certificates.create_or_update(group, dps, "older-ca", body, verified.etag))
    await got(certificates.delete(group, again.etag, dps, "older-ca"))
    await got(certificates.delete(group, "*", dps, "claimed-ca"))
    return {
        "created": created.as_dict(),
        "read": read.as_dict(),
        "coded": coded.as_dict(),
        "echoed": bytes(coded.properties.certificate or b"") == base64.b64decode(ca),
        "stale": stale,
        "unproved": unproved,
        "verified": verified.as_dict(),
        "listed": [each.as_dict() for each in listed.value],
        "claimed": claimed.as_dict(),
        "unconditional": unconditional,
        "again": again.as_dict(),
        "gone": await refusal(lambda: certificates.get("older-ca", group, dps)),
        "left": [each.name for each in (await got(certificates.list(group, dps))).value],
    }


async def walk_services(services: Any, group: str, dps: str) -> Answers:
    async def done(begun: Any) -> Any:
        return await got((await got(begun)).result())

    described = ProvisioningServiceDescription(
        location="westus", properties=IotDpsPropertiesDescription(), sku=IotDpsSkuInfo(name="S1", capacity=1)
    )
    made = await done(services.begin_create_or_update(group, "older-dps", described))
    answers: Answers = {"made": made.as_dict()}
    made.properties.iot_hubs = [
        IotHubDefinitionDescription(
            connection_string="HostName=hub.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=a2V5",
            location="westus",
            allocation_weight=5,
        )
    ]
    linked = await done(services.begin_create_or_update(group, "older-dps", made))
    linked.properties.iot_hubs[0].allocation_weight = 6
    weighted = await done(services.begin_create_or_update(group, "older-dps", linked))
    tagged = await done(services.begin_update(group, "older-dps", TagsResource(tags={"by": "1.1.0"})))
    answers |= {
        "hubs": [each.as_dict() for each in weighted.properties.iot_hubs],
        "tags": tagged.tags,
        "in_group": [each.name for each in await items(services.list_by_resource_group(group))],
        "everywhere": [each.name for each in await items(services.list_by_subscription())],
        "skus": [each.name for each in await items(services.list_valid_skus("older-dps", group))],
        "keys": [each.key_name for each in await items(services.list_keys("older-dps", group))],
        "key": (await got(services.list_keys_for_key_name("older-dps", "provisioningserviceowner", group))).key_name,
    }
    check = services.check_provisioning_service_name_availability
    answers["taken"] = (await got(check(OperationInputs(name="older-dps")))).as_dict()
    await done(services.begin_delete("older-dps", group))
    answers["free"] = (await got(check(OperationInputs(name="older-dps")))).as_dict()
    answers["gone"] = await refusal(lambda: services.get("older-dps", group))
    first = await got(services.get(dps, group))
    first.properties.iot_hubs[0].allocation_weight = (first.properties.iot_hubs[0].allocation_weight or 0) + 1
    answers["changed"] = await refusal(lambda: done(services.begin_create_or_update(group, dps, first)))
    hubs = (await got(services.get(dps, group))).properties.iot_hubs
    answers["weights"] = [each.allocation_weight for each in hubs]
    return answers


async def walk(client: Any, given: Mapping[str, str]) -> Answers:
    group, dps = given["resource_group"], given["provisioning_service"]
    return {
        "certificates": await walk_certificates(client.dps_certificate, group, dps),
        "services": await walk_services(client.iot_dps_resource, group, dps),
    }


async def main() -> None:
    given = json.load(sys.stdin)
    verify = {"connection_verify": given["ca_file"]}
    identity = (given["tenant_id"], given["client_id"], given["client_secret"])
    trust = {"authority": given["authority"], "disable_instance_discovery": True, **verify}
    place = {"subscription_id": given["subscription_id"], "base_url": given["management_endpoint"], **verify}
    seen: Answers = {"version": version("azure-mgmt-iothubprovisioningservices")}
    with ClientSecretCredential(*identity, **trust) as credential, IotDpsClient(credential, **place) as client:
        seen["sync"] = await walk(client, given)
    async with (
        AioClientSecretCredential(*identity, **trust) as aio_credential,
        AioIotDpsClient(aio_credential, **place) as aio_client,
    ):
        seen["aio"] = await walk(aio_client, given)
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
