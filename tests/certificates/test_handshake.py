"""Real TLS on loopback: a server that trusts only the root accepts its devices and rejects all others."""

import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509

from helpers.certificates import (
    CertificateAuthority,
    DeviceCertificate,
    KeyAlgorithm,
    certificate_pem,
    save_private_key,
)
from tests.crafting import SERVER, issue

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
NAMES = x509.SubjectAlternativeName([x509.DNSName("localhost")])


@dataclass(frozen=True)
class Admission:
    """The server's result: the common name of the client that it accepted, or the reason for its rejection."""

    common_name: str = ""
    refusal: str = ""


def connect(device: DeviceCertificate, trusted: x509.Certificate, version: ssl.TLSVersion, folder: Path) -> Admission:
    """One handshake in which the device sends its chain file."""
    chain_file, server_file = folder / "device.pem", folder / "server.pem"
    chain_file.write_bytes(certificate_pem(*device.chain))
    key_file = save_private_key(device.private_key, folder / "device.key")
    itself = issue("localhost", purposes=SERVER, instead=(NAMES,))
    server_file.write_bytes(itself.certificate_file + itself.key_file)

    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(server_file)
    server_side.verify_mode = ssl.CERT_REQUIRED
    server_side.verify_flags |= ssl.VERIFY_X509_STRICT
    server_side.load_verify_locations(cadata=certificate_pem(trusted).decode())
    device_side = ssl.create_default_context(cadata=itself.pem)
    device_side.minimum_version = device_side.maximum_version = version
    device_side.load_cert_chain(chain_file, key_file)

    def serve(listener: socket.socket) -> Admission:
        connection, _ = listener.accept()
        connection.settimeout(10)
        try:
            with server_side.wrap_socket(connection, server_side=True) as secured:
                assert secured.version() == version.name.replace("_", ".")
                subject = dict(part[0] for part in secured.getpeercert()["subject"])
                secured.sendall(b"welcome")
                return Admission(common_name=subject["commonName"])
        except ssl.SSLError as error:
            return Admission(refusal=str(error))
        finally:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        listener.settimeout(10)
        served = threads.submit(serve, listener)
        with socket.create_connection(listener.getsockname(), timeout=10) as raw:
            try:
                with device_side.wrap_socket(raw, server_hostname="localhost") as secured:
                    welcomed = secured.recv(7) == b"welcome"
            except (ssl.SSLError, ConnectionError):
                welcomed = False
        admission = served.result(timeout=10)
    assert welcomed == bool(admission.common_name), "the two sides disagree"
    return admission


def authorities(depth: int) -> Sequence[CertificateAuthority]:
    """A root and `depth` intermediates, the root first."""
    line = [CertificateAuthority.create_root("Contoso Root", path_length=depth)]
    for level in range(depth):
        line.append(line[-1].create_intermediate(f"Level {level}"))
    return line


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_device_that_sends_its_chain_is_accepted_under_its_own_name(
    version: ssl.TLSVersion, depth: int, tmp_path: Path
) -> None:
    root, *_, signer = [*authorities(depth)] * 2
    admission = connect(signer.issue_device("pump-1"), root.certificate, version, tmp_path)
    assert admission == Admission(common_name="pump-1")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P384, KeyAlgorithm.RSA2048])
def test_a_device_may_have_another_kind_of_key_than_its_authorities(
    version: ssl.TLSVersion, algorithm: KeyAlgorithm, tmp_path: Path
) -> None:
    root, signer = authorities(1)
    device = signer.issue_device("pump-1", key_algorithm=algorithm)
    assert connect(device, root.certificate, version, tmp_path).common_name == "pump-1"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_device_of_another_authority_with_the_same_name_is_rejected(version: ssl.TLSVersion, tmp_path: Path) -> None:
    trusted, _ = authorities(1)
    _, signer = authorities(1)
    admission = connect(signer.issue_device("pump-1"), trusted.certificate, version, tmp_path)
    assert "certificate verify failed" in admission.refusal


@pytest.mark.parametrize("version", VERSIONS)
def test_a_device_that_leaves_out_its_intermediate_is_rejected(version: ssl.TLSVersion, tmp_path: Path) -> None:
    root, signer = authorities(1)
    device = signer.issue_device("pump-1")
    alone = replace(device, chain=device.chain[:1])
    assert "unable to get local issuer" in connect(alone, root.certificate, version, tmp_path).refusal
