"""Azure's command line, unmodified, against a local DPS: sign in, services, policies, hubs, and a CA proved."""

from pathlib import Path
from typing import Any

import pytest

from helpers.certificates import (
    CertificateAuthority,
    KeyAlgorithm,
    certificate_pem,
    export_certificate,
    save_private_key,
)
from helpers.local_dps import RequestRecord
from tests.azure_cli.az import VERSION, AzureCli
from tests.azure_cli.service import Service
from tests.local_dps.wire import LocalService, signature

CLIS_VERSION = "2021-10-15"  # the api-version of its DPS commands
OTHER_CODE = "0A" * 24  # a code that was never generated
HUB = "my-hub.azure-devices.net"
CONNECTION_STRING = f"HostName={HUB};SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0IG9mIHRoZSBodWI="
QUERY = ("POST", "/enrollmentGroups/query?api-version=2021-10-01", {"query": "SELECT *"})


def at_service(dps: LocalService, described: dict[str, Any]) -> LocalService:
    """The service plane of a service that the CLI described."""
    host = described["properties"]["serviceOperationsHostName"]
    return LocalService({**dps.connection, "management_endpoint": f"https://{host}"}, dps.state)


class TestSigningIn:
    def test_the_cloud_is_registered_from_its_one_endpoint(self, cloud: AzureCli, dps: LocalService) -> None:
        shown = cloud("cloud", "show")
        assert (shown["name"], shown["isActive"]) == ("local", True)
        assert shown["endpoints"]["resourceManager"] == dps.connection["management_endpoint"]
        assert shown["endpoints"]["activeDirectory"] == dps.connection["authority"]

    def test_the_account_is_the_one_subscription(self, cli: AzureCli, dps: LocalService) -> None:
        given = dps.connection
        shown = cli("account", "show")
        assert (shown["id"], shown["tenantId"]) == (given["subscription_id"], given["tenant_id"])
        assert shown["user"] == {"name": given["client_id"], "type": "servicePrincipal"}
        assert [(each["id"], each["cloudName"]) for each in cli("account", "list")] == [(shown["id"], "local")]

    def test_a_wrong_secret_is_refused_in_words(self, stranger: AzureCli) -> None:
        complaint = stranger.refused(*stranger.sign_in(*stranger.secret("a wrong secret")))
        assert "AADSTS7000215: Invalid client secret provided." in complaint
        assert "az login" in stranger.refused("iot", "dps", "list")

    def test_a_client_certificate_signs_in(self, stranger: AzureCli, dps: LocalService) -> None:
        stranger(*stranger.sign_in("--certificate", dps.connection["client_certificate_file"]))
        names = stranger("iot", "dps", "list", "--query", "[].name")
        assert names == [dps.connection["provisioning_service"]]

    def test_another_client_certificate_is_refused(self, stranger: AzureCli, tmp_path: Path) -> None:
        other = CertificateAuthority.create_root("Not the application", key_algorithm=KeyAlgorithm.RSA2048)
        file = save_private_key(other.private_key, tmp_path / "other.pem")
        file.write_bytes(file.read_bytes() + certificate_pem(other.certificate))
        assert "AADSTS700027" in stranger.refused(*stranger.sign_in("--certificate", file))

    def test_its_token_for_the_service_plane_is_valid_for_that_plane_only(
        self, cli: AzureCli, dps: LocalService
    ) -> None:
        resource = ("--resource", "https://azure-devices-provisioning.net")
        token = cli("account", "get-access-token", *resource)["accessToken"]
        authorization = {"Authorization": f"Bearer {token}"}
        assert dps.call(*QUERY, authorization).status == 200
        assert dps.call("GET", f"{dps.root}?api-version={CLIS_VERSION}", None, authorization).status == 401


class TestServices:
    def test_the_existing_service_is_listed_and_shown(self, cli: AzureCli, dps: LocalService) -> None:
        given = dps.connection
        name, group = given["provisioning_service"], ("--resource-group", given["resource_group"])
        shown = cli("iot", "dps", "show", "--name", name)
        assert (shown["name"], shown["properties"]["idScope"]) == (name, given["id_scope"])
        assert shown["properties"]["serviceOperationsHostName"] == dps.host
        assert [hub["name"] for hub in shown["properties"]["iotHubs"]] == given["iot_hubs"]
        assert cli("iot", "dps", "show", "--name", name, *group) == shown
        assert cli("iot", "dps", "list") == cli("iot", "dps", "list", *group) == [shown]

    def test_the_existing_service_can_be_changed(self, cli: AzureCli, dps: LocalService) -> None:
        """It has linked hubs, which a change sends along as they were read."""
        name = ("--name", dps.connection["provisioning_service"])
        hubs = cli("iot", "dps", "linked-hub", "list", "--dps-name", name[1])
        updated = cli("iot", "dps", "update", *name, "--tags", "stage=test")
        assert updated["tags"] == {"stage": "test"}
        assert updated["properties"]["iotHubs"] == hubs
        assert cli("iot", "dps", "update", *name, "--tags", "")["tags"] == {}

    def test_another_service_is_created_in_another_group_used_and_deleted(
        self, cli: AzureCli, dps: LocalService
    ) -> None:
        name, group = ("--name", "dps-made-by-the-cli"), ("--resource-group", "group-made-by-the-cli")
        made = cli("group", "create", "--name", group[1], "--location", "westeurope")
        assert (made["name"], made["location"]) == (group[1], "westeurope")

        created = cli("iot", "dps", "create", *name, *group, "--tags", "stage=test")
        assert (created["location"], created["tags"]) == ("westeurope", {"stage": "test"})  # the group's location
        assert created["properties"]["state"] == "Active"
        assert cli("iot", "dps", "list", *group) == [created]
        assert len(cli("iot", "dps", "list")) == 2
        taken = cli.refused("iot", "dps", "create", *name, "--resource-group", dps.connection["resource_group"])
        assert "Provisioning service name 'dps-made-by-the-cli' is not available." in taken

        (owner,) = cli("iot", "dps", "policy", "list", "--dps-name", name[1])
        own = at_service(dps, created)
        assert own.call(*QUERY, {"Authorization": signature(own.host, owner["primaryKey"])}).json == []

        cli("iot", "dps", "delete", *name)
        assert "(ResourceNotFound)" in cli.refused("iot", "dps", "show", *name, *group)
        cli("group", "delete", "--name", group[1], "--yes")
        assert cli("group", "exists", "--name", group[1]) is False

    def test_it_is_updated(self, cli: AzureCli, service: Service) -> None:
        place = ("--name", service.name, "--resource-group", service.group)
        assert cli("iot", "dps", "update", *place, "--tags", "stage=test")["tags"] == {"stage": "test"}
        wanted = ("--set", "tags.team=iot", "properties.allocationPolicy=GeoLatency")
        updated = cli("iot", "dps", "update", *place, *wanted)
        assert updated["tags"] == {"stage": "test", "team": "iot"}
        assert updated["properties"]["allocationPolicy"] == "GeoLatency"
        refused = cli.refused("iot", "dps", "update", *place, "--set", "properties.allocationPolicy=Random")
        assert "(400006) allocationPolicy is invalid." in refused
        assert cli("iot", "dps", "show", *place) == updated

    def test_a_location_may_be_given_by_its_display_name(self, cli: AzureCli) -> None:
        """The CLI looks it up in the subscription's locations, and sends what it finds."""
        group = ("--name", "group-somewhere")
        try:
            assert cli("group", "create", *group, "--location", "West Europe")["location"] == "westeurope"
        finally:
            cli.run("group", "delete", *group, "--yes")

    def test_it_is_a_resource_like_any_other(self, cli: AzureCli, service: Service) -> None:
        shown = cli("resource", "show", "--ids", service.path)
        described = cli("iot", "dps", "show", "--name", service.name)
        assert (shown["id"], shown["properties"]["idScope"]) == (service.path, described["properties"]["idScope"])
        listed = cli("resource", "list", "--resource-group", service.group)
        assert [(each["name"], each["type"]) for each in listed] == [(service.name, shown["type"])]
        of_type = cli(
            "resource", "list", "--resource-type", "Microsoft.Devices/ProvisioningServices", "--query", "[].id"
        )
        assert service.path in of_type
        assert cli("group", "update", "--name", service.group, "--set", "tags.stage=test")["tags"] == {"stage": "test"}


class TestPolicies:
    def test_a_policy_that_reads_does_not_write(self, cli: AzureCli, dps: LocalService, service: Service) -> None:
        named = ("--policy-name", "reader", *service.place)
        created = cli("iot", "dps", "policy", "create", *named, "--rights", "EnrollmentRead")
        assert (created["keyName"], created["rights"]) == ("reader", "EnrollmentRead")
        listed = cli("iot", "dps", "policy", "list", *service.place)
        assert [each["keyName"] for each in listed] == ["provisioningserviceowner", "reader"]
        assert listed[1] == cli("iot", "dps", "policy", "show", *named) == created
        assert "already exists" in cli.refused("iot", "dps", "policy", "create", *named, "--rights", "EnrollmentRead")

        own = at_service(dps, cli("iot", "dps", "show", "--name", service.name))
        signed = {"Authorization": signature(own.host, created["primaryKey"], policy="reader")}
        assert own.call(*QUERY, signed).status == 200
        group = "/enrollmentGroups/group?api-version=2021-10-01"
        assert own.call("PUT", group, {"enrollmentGroupId": "group"}, signed).status == 401

        left = cli("iot", "dps", "policy", "delete", *named)
        assert [each["keyName"] for each in left] == ["provisioningserviceowner"]
        assert own.call(*QUERY, signed).status == 401

    def test_an_empty_key_asks_for_a_new_one(self, cli: AzureCli, service: Service) -> None:
        owner = ("--policy-name", "provisioningserviceowner", *service.place)
        before = cli("iot", "dps", "policy", "show", *owner)
        after = cli("iot", "dps", "policy", "update", *owner, "--primary-key", "")
        assert after["primaryKey"] != before["primaryKey"]
        assert {**after, "primaryKey": None} == {**before, "primaryKey": None}


class TestLinkedHubs:
    def test_a_hub_is_linked_changed_and_unlinked(self, cli: AzureCli, service: Service) -> None:
        place, hub = service.place, ("--linked-hub", HUB)
        assert cli("iot", "dps", "linked-hub", "list", *place) == []
        new = ("--connection-string", CONNECTION_STRING, "--location", "westeurope", "--allocation-weight", "10")
        (linked,) = cli("iot", "dps", "linked-hub", "create", *place, *new)
        assert linked == {
            "name": HUB,
            "location": "westeurope",
            "allocationWeight": 10,
            "applyAllocationPolicy": True,
            "connectionString": f"HostName={HUB};SharedAccessKeyName=iothubowner;SharedAccessKey=****",
        }
        wanted = ("--allocation-weight", "20", "--apply-allocation-policy", "false")
        changed = cli("iot", "dps", "linked-hub", "update", *place, *hub, *wanted)
        assert changed == {**linked, "allocationWeight": 20, "applyAllocationPolicy": False}
        assert cli("iot", "dps", "linked-hub", "show", *place, *hub) == changed
        assert cli("iot", "dps", "linked-hub", "delete", *place, *hub) == []
        assert "doesn't exist" in cli.refused("iot", "dps", "linked-hub", "delete", *place, *hub)

    def test_a_hub_of_another_subscription_needs_its_location(self, cli: AzureCli, service: Service) -> None:
        """The CLI first looks among the subscription's own hubs, and there are none."""
        new = ("--connection-string", CONNECTION_STRING)
        assert "Please provide the IoT Hub location." in cli.refused(
            "iot", "dps", "linked-hub", "create", *service.place, *new
        )


@pytest.fixture
def authority() -> CertificateAuthority:
    return CertificateAuthority.create_root("CA of the command line")


class Certificate:
    """`az iot dps certificate` on one certificate of one service."""

    def __init__(self, cli: AzureCli, service: Service) -> None:
        self.cli = cli
        self.place = service.place
        self.path = f"{service.path}/certificates/ca"

    def command(self, what: str, *options: str | Path) -> tuple[str | Path, ...]:
        return ("iot", "dps", "certificate", what, *self.place, "--certificate-name", "ca", *options)

    def __call__(self, what: str, *options: str | Path) -> Any:
        return self.cli(*self.command(what, *options))

    def refused(self, what: str, *options: str | Path) -> str:
        return self.cli.refused(*self.command(what, *options))

    def all(self) -> list[Any]:
        return self.cli("iot", "dps", "certificate", "list", *self.place)["value"]


@pytest.fixture
def certificate(cli: AzureCli, service: Service) -> Certificate:
    return Certificate(cli, service)


class TestCertificates:
    def test_a_ca_is_uploaded_proved_and_verified(
        self, certificate: Certificate, authority: CertificateAuthority, tmp_path: Path, exchanges: list[RequestRecord]
    ) -> None:
        before = len(exchanges)
        uploaded = certificate("create", "--path", export_certificate(authority.certificate, tmp_path / "ca.pem"))
        assert uploaded["properties"]["isVerified"] is False
        assert uploaded["properties"]["subject"] == "CA of the command line"
        assert certificate.all() == [uploaded]

        coded = certificate("generate-verification-code", "--etag", uploaded["etag"])
        assert coded["properties"]["certificate"] == certificate_pem(authority.certificate).decode()
        proof = authority.sign_verification_code(coded["properties"]["verificationCode"]).certificate
        file = export_certificate(proof, tmp_path / "proof.pem")
        verified = certificate("verify", "--etag", coded["etag"], "--path", file)
        assert verified["properties"]["isVerified"] is True
        assert verified["properties"]["thumbprint"] == uploaded["properties"]["thumbprint"]
        assert certificate("show") == verified
        assert len({uploaded["etag"], coded["etag"], verified["etag"]}) == 3

        certificate("delete", "--etag", verified["etag"])
        assert certificate.all() == []
        assert "(404001) Certificate 'ca' was not found." in certificate.refused("show")

        # The CLI uses an old api-version, a flat body, and ETags without quotes.
        asked = [each for each in exchanges[before:] if each.path.startswith(certificate.path)]
        assert {each.query for each in asked} == {f"api-version={CLIS_VERSION}"}
        assert asked[0].body.startswith(b'{"certificate": "')
        sent = [each.headers["if-match"] for each in asked if "if-match" in each.headers]
        assert sent == [uploaded["etag"], coded["etag"], verified["etag"]]

    @pytest.mark.parametrize("mistake", ["another CA of the same name", "another code"])
    def test_a_wrong_proof_is_refused_and_a_right_one_then_accepted(
        self, certificate: Certificate, authority: CertificateAuthority, tmp_path: Path, mistake: str
    ) -> None:
        uploaded = certificate("create", "--path", export_certificate(authority.certificate, tmp_path / "ca.pem"))
        coded = certificate("generate-verification-code", "--etag", uploaded["etag"])
        code = coded["properties"]["verificationCode"]
        if mistake == "another code":
            wrong = authority.sign_verification_code(OTHER_CODE)
            words = "The subject of the certificate does not match the verification code."
        else:
            wrong = CertificateAuthority.create_root("CA of the command line").sign_verification_code(code)
            words = "Issuer certificate 'CN=CA of the command line' cannot be found in the certificate chain."
        files = {
            name: export_certificate(proof.certificate, tmp_path / f"{name}.pem")
            for name, proof in (("wrong", wrong), ("right", authority.sign_verification_code(code)))
        }
        refused = certificate.refused("verify", "--etag", coded["etag"], "--path", files["wrong"])
        assert f"(400053) Proof-Of-Possession failed. {words}" in refused
        assert certificate("show")["properties"]["isVerified"] is False
        verified = certificate("verify", "--etag", coded["etag"], "--path", files["right"])
        assert verified["properties"]["isVerified"] is True

    def test_a_stale_etag_is_refused(
        self, certificate: Certificate, authority: CertificateAuthority, tmp_path: Path
    ) -> None:
        file = export_certificate(authority.certificate, tmp_path / "ca.pem")
        stale = certificate("create", "--path", file)["etag"]
        coded = certificate("generate-verification-code", "--etag", stale)
        proof = authority.sign_verification_code(coded["properties"]["verificationCode"]).certificate
        signed = export_certificate(proof, tmp_path / "proof.pem")
        before = certificate("show")
        for what, *options in (
            ("generate-verification-code",),
            ("verify", "--path", signed),
            ("update", "--path", file),
            ("delete",),
        ):
            assert "(412001) Invalid ETag supplied." in certificate.refused(what, *options, "--etag", stale), what
        assert certificate("show") == before
        assert certificate("verify", "--path", signed, "--etag", coded["etag"])["properties"]["isVerified"] is True

    def test_another_certificate_under_the_name_is_not_verified(
        self, certificate: Certificate, authority: CertificateAuthority, tmp_path: Path
    ) -> None:
        file = export_certificate(authority.certificate, tmp_path / "ca.pem")
        attested = certificate("create", "--path", file, "--verified", "true")
        assert attested["properties"]["isVerified"] is True
        assert "already exists" in certificate.refused("create", "--path", file)
        other = export_certificate(CertificateAuthority.create_root("Next").certificate, tmp_path / "next.cer")  # DER
        updated = certificate("update", "--path", other, "--etag", attested["etag"])
        assert updated["properties"]["isVerified"] is False
        assert updated["properties"]["subject"] == "Next"
        assert certificate("show") == updated

    def test_a_private_key_is_refused(
        self, certificate: Certificate, authority: CertificateAuthority, tmp_path: Path
    ) -> None:
        key = save_private_key(authority.private_key, tmp_path / "key.pem")
        assert "(400004) The certificate contains a private key." in certificate.refused("create", "--path", key)
        assert certificate.all() == []


def test_it_is_the_real_cli_and_it_connects_to_no_other_host(cli: AzureCli, exchanges: list[RequestRecord]) -> None:
    before = len(exchanges)
    cli("iot", "dps", "list")
    (asked,) = exchanges[before:]
    assert asked.headers["user-agent"].startswith(f"AZURECLI/{VERSION} ")
    assert cli.outside.asked == []
