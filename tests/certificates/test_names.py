"""Common names: invalid ones are rejected, and OpenSSL accepts every chain with valid ones."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.certificates import CertificateAuthority, DeviceCertificate, describe
from helpers.problem import Problem
from tests import openssl

ANY_NAME = st.text(max_size=70) | st.text('AZaz09é語 -_.=+,#\\"<>;/', min_size=1, max_size=70)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        (" Contoso", "white space"),
        ("Contoso\n", "white space"),
        ("Con\ntoso", "control characters"),
        ("Con\0toso", "control characters"),
        ("Con\x7ftoso", "control characters"),
        ("Con\ud800toso", "control characters"),
        ("é" * 33, "66 bytes"),
        ("x" * 65, "65 bytes"),
    ],
)
def test_an_invalid_name_is_rejected_for_roots_intermediates_and_devices(name: str, reason: str) -> None:
    root = CertificateAuthority.create_root("Contoso Root")
    for make in (CertificateAuthority.create_root, root.create_intermediate, root.issue_device):
        with pytest.raises(Problem, match="common name") as caught:
            make(name)
        assert reason in caught.value.why
        assert "another name" in caught.value.next_step


@pytest.mark.parametrize("name", ["x", "x" * 64, 'Contoso, Ltd. = "CA" + #1', "Müller Straße", "温度計", "é" * 32])
def test_a_valid_name_is_not_changed(name: str) -> None:
    assert describe(CertificateAuthority.create_root(name).certificate).common_name == name


def is_good(name: str) -> bool:
    """Whether the name must be accepted; 64 characters in more than 64 bytes may also be rejected."""
    return name.isprintable() and name == name.strip() and 1 <= len(name.encode()) <= 64


def make_chain(*names: str) -> tuple[CertificateAuthority, DeviceCertificate] | None:
    """Root, intermediate and device; None if a name was rejected for a valid reason."""
    try:
        root = CertificateAuthority.create_root(names[0])
        return root, root.create_intermediate(names[1]).issue_device(names[2])
    except Problem:
        if all(map(is_good, names)):
            raise
        return None


@settings(max_examples=25, deadline=None)
@given(names=st.tuples(ANY_NAME, ANY_NAME, ANY_NAME))
@example(names=("Same", "Same", "Same"))
@example(names=("é" * 64, "Below", "pump-1"))
def test_a_chain_of_any_names_is_rejected_with_a_problem_or_verifies(names: tuple[str, str, str]) -> None:
    made = make_chain(*names)
    if made:
        root, device = made
        options = (*openssl.STRICT, "-purpose", "sslclient")
        verdict = openssl.verify(
            device.certificate, trusted=root.certificate, untrusted=device.chain[1:], options=options
        )
        assert verdict.accepted, verdict.why
