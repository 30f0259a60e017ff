"""A provisioning service for tests."""

import base64
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

from cryptography.hazmat.primitives.serialization import Encoding

from .authority import CaForTests, DeviceForTests
from .connection import Address, LocalDpsConnection
from .https import request_json, request_token
from .process import LocalDpsProcess

__all__ = ["ServiceForTests"]

_MANAGEMENT_API = "2026-11-01"
_SERVICE_API = "2021-10-01"
_MANAGEMENT_SCOPE = "https://management.azure.com/.default"
_SERVICE_SCOPE = "https://azure-devices-provisioning.net/.default"


class ServiceForTests:
    """A provisioning service of a local DPS, with everything that a test needs to use it. Every method sends the requests
    that a client of Azure would send: the CAs are uploaded, and proved with a verification code.

    Attributes:
        connection: how to reach the local DPS of this service.
        name: the name of the service.
        id_scope: the ID scope, which a device sends.
        connection_string: for clients that sign in to the service with a key.
        iot_hubs: the host names of the linked hubs.
    """

    def __init__(self, connection: LocalDpsConnection, folder: Path, process: LocalDpsProcess | None = None) -> None:
        """Use the oldest service of a local DPS. `create` makes a new one.

        Args:
            folder: where devices get their files; it must exist.
            process: the local DPS, if its log is to be read.
        """
        self.connection = connection
        self.name = connection.provisioning_service
        self.id_scope = connection.id_scope
        self.connection_string = connection.connection_string
        self.iot_hubs = tuple(connection.iot_hubs)
        self._service_endpoint = connection.service_endpoint
        self._trust = connection.trust()
        self._folder = folder
        self._process = process
        self._log_mark = process.mark() if process else ""
        self._certificate_names: dict[CaForTests, str] = {}
        self._grouped: set[CaForTests] = set()

    @classmethod
    def create(cls, process: LocalDpsProcess, folder: Path) -> Self:
        """Create a provisioning service with one linked hub. `delete` ends it.

        Raises:
            RequestFailed
        """
        self = cls(process.connection, folder, process)
        self.name = f"test-{token_hex(4)}"
        hub = f"{self.name}-hub.azure-devices.net"
        key = base64.b64encode(b"a hub's key that is never used").decode()
        link = {"connectionString": f"HostName={hub};SharedAccessKeyName=iothubowner;SharedAccessKey={key}"}
        sku = {"name": "S1", "capacity": 1}
        properties = {"iotHubs": [{**link, "location": "local"}]}
        self._manage("PUT", "", {"location": "local", "sku": sku, "properties": properties})
        made = self._manage("GET", "")["properties"]
        owner = self._manage("POST", "/listkeys")["value"][0]
        place = made["serviceOperationsHostName"]
        self.id_scope, self.iot_hubs, self._service_endpoint = made["idScope"], (hub,), f"https://{place}"
        self.connection_string = (
            f"HostName={place};SharedAccessKeyName={owner['keyName']};SharedAccessKey={owner['primaryKey']}"
        )
        return self

    def delete(self) -> None:
        """Delete the service, and switch its local DPS's faults off."""
        self.set_faults({})
        self._manage("DELETE", "")

    # --- where it is ---

    @property
    def management_endpoint(self) -> str:
        """The URL of the management plane (Azure Resource Manager)."""
        return self.connection.management_endpoint

    @property
    def service_endpoint(self) -> str:
        """The URL of the service's own plane, for enrollments and registration records."""
        return self._service_endpoint

    @property
    def device_endpoint(self) -> Address:
        """The address for devices, over HTTPS and over MQTT in a websocket."""
        return Address.parse(self.connection.device_endpoint)

    @property
    def mqtt_endpoint(self) -> Address:
        """The address for devices over MQTT with TLS."""
        return Address.parse(self.connection.mqtt_endpoint)

    @property
    def proxy(self) -> Address:
        """The address of an HTTP proxy that leads from Azure's host name to the devices' addresses."""
        return Address.parse(self.connection.proxy_endpoint)

    # --- how to sign in, and whom to trust ---

    @property
    def credential(self) -> Mapping[str, Any]:
        """The arguments of azure-identity's `ClientSecretCredential`."""
        return {
            "tenant_id": self.connection.tenant_id,
            "client_id": self.connection.client_id,
            "client_secret": self.connection.client_secret,
            "authority": self.connection.authority,
            "disable_instance_discovery": True,
            "connection_verify": self.connection.ca_file,
        }

    @property
    def ca_file(self) -> Path:
        """A PEM file with the CA that clients must trust."""
        return Path(self.connection.ca_file)

    @property
    def trust(self) -> str:
        """The CA that clients must trust, as PEM."""
        return self.ca_file.read_text(encoding="ascii")

    # --- what a device needs to be accepted ---

    def verified_ca(self, common_name: str = "Test CA") -> CaForTests:
        """Return a new root CA that is uploaded and verified.

        Raises:
            RequestFailed
        """
        ca = CaForTests.create_root(common_name)
        path = f"/certificates/ca-{token_hex(4)}"
        uploaded = self._manage("PUT", path, {"properties": {"certificate": _base64(ca.pem.encode())}})
        code = self._manage("POST", f"{path}/generateVerificationCode", if_match=uploaded["etag"])
        proof = ca.sign_verification_code(code["properties"]["verificationCode"])
        body = {"certificate": _base64(proof.public_bytes(Encoding.PEM))}
        self._manage("POST", f"{path}/verify", body, if_match=code["etag"])
        self._certificate_names[ca] = path.rpartition("/")[2]
        return ca

    def enrollment_group(self, enrollment_group_id: str, ca: CaForTests, **settings: Any) -> Mapping[str, Any]:
        """Create an enrollment group that is bound to a CA, and return it.

        Args:
            ca: a verified CA, or one below it.
            settings: further members of the group, by their names in the API, such as provisioningStatus="disabled".

        Raises:
            RequestFailed
        """
        name = self._certificate_names.get(ca)
        x509 = (
            {"caReferences": {"primary": name}}
            if name
            else {"signingCertificates": {"primary": {"certificate": ca.pem}}}
        )
        body = {"enrollmentGroupId": enrollment_group_id, "attestation": {"type": "x509", "x509": x509}, **settings}
        group: Mapping[str, Any] = self._serve("PUT", f"/enrollmentGroups/{enrollment_group_id}", body)
        self._grouped.add(ca)
        return group

    def device(self, registration_id: str, ca: CaForTests | None = None) -> DeviceForTests:
        """Return a new device that the service accepts.

        Args:
            ca: the CA that issues it: a verified one, or one below it; None for a verified CA of its own. If neither it nor
                a CA above it has an enrollment group, it gets one.

        Raises:
            RequestFailed
        """
        issuer = ca or self._default_ca
        if self._grouped.isdisjoint(issuer.line()):
            self.enrollment_group(f"devices-{token_hex(4)}", issuer)
        return issuer.issue_device(registration_id, self._folder)

    @cached_property
    def _default_ca(self) -> CaForTests:
        return self.verified_ca()

    # --- what goes wrong ---

    def set_faults(self, rates: Mapping[str, float], seed: int = 0) -> None:
        """Replace the faults of the local DPS.

        Args:
            rates: the proportion of requests that get a fault, by its name, for example {"throttle": 0.1}; {} for none.
            seed: the same seed gives the same faults.

        Raises:
            RequestFailed: a name or a rate is wrong.
        """
        self._control("PUT", {"rates": dict(rates), "seed": seed})

    def fault_counts(self) -> Mapping[str, int]:
        """Return how often each fault has happened since they were set."""
        counts: Mapping[str, int] = self._control("GET")["counts"]
        return counts

    def log(self) -> list[str]:
        """Return one line per request since this object exists, with the reason for each refusal.

        Raises:
            ValueError: the log of this local DPS can't be read from here.
        """
        if self._process is None:
            raise ValueError("This local DPS runs elsewhere, and its log is that process's output.")
        return self._process.log(self._log_mark)

    # --- requests ---

    def _manage(self, method: str, suffix: str, body: Any = None, *, if_match: str | None = None) -> Any:
        at = self.connection
        path = f"/subscriptions/{at.subscription_id}/resourceGroups/{at.resource_group}/providers/Microsoft.Devices"
        url = f"{at.management_endpoint}{path}/provisioningServices/{self.name}{suffix}?api-version={_MANAGEMENT_API}"
        headers = {"If-Match": if_match} if if_match else {}
        return request_json(self._trust, method, url, self._management_token, body, headers)

    def _serve(self, method: str, path: str, body: Any) -> Any:
        url = f"{self._service_endpoint}{path}?api-version={_SERVICE_API}"
        return request_json(self._trust, method, url, self._service_token, body)

    def _control(self, method: str, body: Any = None) -> Any:
        return request_json(
            self._trust, method, f"{self.connection.control_endpoint}/faults", self.connection.control_token, body
        )

    @cached_property
    def _management_token(self) -> str:
        return self._token(_MANAGEMENT_SCOPE)

    @cached_property
    def _service_token(self) -> str:
        return self._token(_SERVICE_SCOPE)

    def _token(self, scope: str) -> str:
        at = self.connection
        url = f"{at.authority}/{at.tenant_id}/oauth2/v2.0/token"
        return request_token(self._trust, url, at.client_id, at.client_secret, scope)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
