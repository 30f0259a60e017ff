"""The paths from a device's certificate upwards, and their flaws, asked of the verifier itself."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from helpers.local_dps.x509.chain import find_flaw, find_paths
from tests.crafting import Crafted, ca, craft, key, leaf, name
from tests.forging import repeating_an_extension
from tests.local_dps.devices import DEVICE, INTERMEDIATE, ROOT

PATH = [each.certificate for each in (DEVICE, INTERMEDIATE, ROOT)]
SECOND = timedelta(seconds=1)


def paths(device: Crafted, *above: Crafted) -> list[list[x509.Certificate]]:
    return list(find_paths(device.certificate, [], [each.certificate for each in above]))


def test_a_certificate_is_valid_from_its_first_second_to_its_last() -> None:
    """RFC 5280 section 4.1.2.5: both ends are included."""
    begins = max(each.not_valid_before_utc for each in PATH)
    ends = min(each.not_valid_after_utc for each in PATH)
    assert find_flaw(PATH, begins) is None
    assert find_flaw(PATH, ends) is None
    assert "is not valid yet" in str(find_flaw(PATH, begins - SECOND))
    assert "has expired" in str(find_flaw(PATH, ends + SECOND))


def test_a_path_ends_after_ten_certificates() -> None:
    cas = [ca("CA 0", 20)]
    for number in range(1, 11):
        cas.append(ca(f"CA {number}", 20 + number, cas[-1]))
    (path,) = paths(leaf(cas[-1]), *cas)
    assert path[1:] == [each.certificate for each in reversed(cas[2:])]


def test_cas_with_one_key_and_two_names_are_two() -> None:
    upper = ca("Upper", 2)
    lower = ca("Lower", 2, upper)
    device = leaf(lower)
    assert paths(device, upper, lower) == [[each.certificate for each in (device, lower, upper)]]


def test_a_device_with_the_name_and_key_of_its_ca_is_below_it() -> None:
    above = ca("device-1", 2)
    device = craft(name("device-1"), key(which=2), issuer=above)
    assert paths(device, above) == [[device.certificate, above.certificate]]


def test_a_device_that_signed_its_own_certificate_is_not_above_itself() -> None:
    device = craft(name("device-1"), key(which=8))
    assert paths(device, device) == [[device.certificate]]


@pytest.mark.parametrize(("exponent", "is_found"), [(65537, True), ((1 << 32) - 1, True), ((1 << 32) + 1, False)])
def test_a_presented_ca_with_a_large_exponent_is_left_out(exponent: int, is_found: bool) -> None:
    """An attacker chooses it, and it decides how long verification takes."""
    slow = Crafted((made := craft(name("Slow"), with_exponent(exponent))).certificate, made.private_key)
    device = craft(name("device-1"), key(which=8), issuer=slow)
    (path,) = find_paths(device.certificate, [slow.certificate], [])
    assert (slow.certificate in path) is is_found


def with_exponent(exponent: int) -> rsa.RSAPrivateKey:
    """A key of 2,048 bits with this public exponent."""
    while True:
        numbers = rsa.generate_private_key(65537, 2048).private_numbers()
        p, q = numbers.p, numbers.q
        try:
            d = pow(exponent, -1, (p - 1) * (q - 1))
        except ValueError:  # not coprime
            continue
        parts = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
        public = rsa.RSAPublicNumbers(exponent, p * q)
        return rsa.RSAPrivateNumbers(p, q, d, *parts, public).private_key()


def test_a_repeated_extension_is_a_flaw() -> None:
    twice = repeating_an_extension(name("device-1"), key(which=8), ROOT)
    assert "occurs twice" in str(find_flaw([twice.certificate], twice.certificate.not_valid_before_utc))


def test_the_flaw_of_a_name_that_is_not_allowed_says_which() -> None:
    organization = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso")])
    for subtree, forbidden in (
        (x509.DirectoryName(organization), "CN=evil.org"),
        (x509.DNSName("example.com"), "evil.org"),
    ):
        above = ca("Root", 1, instead=(x509.NameConstraints([subtree], None),))
        path = [leaf(above, "evil.org").certificate, above.certificate]
        flaw = find_flaw(path, above.certificate.not_valid_before_utc)
        assert flaw == f"The name constraints of CN=Root do not allow {forbidden}, which is a name of CN=evil.org."
