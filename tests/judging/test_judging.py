"""A short form of the weekly comparison with OpenSSL, so that it keeps working; and the page that lists the known differences."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import helpers.local_dps
from tests.judging import pkits, proofs
from tests.judging.differences import CHAINS, PROOFS
from tests.judging.keys import KINDS, SCHEMES
from tests.judging.making import make
from tests.judging.proofs import JudgedProof
from tests.judging.recipes import OPTIONS, Recipe
from tests.judging.verdicts import local_dps, openssl

PAGE = Path(helpers.local_dps.__file__).with_name("CONFORMANCE.md")
pytestmark = pytest.mark.filterwarnings("ignore")  # the library's, of odd names and serial numbers


def test_generated_proofs_are_judged_as_openssl_judges_them() -> None:
    judged = [proofs.judge(seed=1, number=number) for number in range(60)]
    assert [str(each) for each in judged if each.differs and each.difference is None] == []
    agreed = {each.dps.accepted for each in judged if not each.differs}
    assert agreed == {True, False}


def test_no_chain_of_the_pkits_is_accepted_that_openssl_refuses() -> None:
    judged = [pkits.judge(each) for each in pkits.chains()]
    assert [str(each) for each in judged if each.differs and each.difference is None] == []
    agreed = {each.dps.accepted for each in judged if not each.differs}
    assert agreed == {True, False}


@pytest.mark.parametrize("changed", OPTIONS)
def test_a_proof_with_one_thing_changed_is_judged_as_openssl_judges_it(changed: str) -> None:
    """Chance draws some of these; here is each of them."""
    assert_judged_alike(replace(Recipe(), **{changed: value}) for value in OPTIONS[changed])


@pytest.mark.parametrize("ca_key", KINDS)
def test_a_wrong_signature_by_each_kind_of_key_is_judged_as_openssl_judges_it(ca_key: str) -> None:
    wrong = [{"signature": "one bit"}, *({"stated": f"{how}, twice"} for how in ("another key's", "unknown"))]
    assert_judged_alike(Recipe(ca_key=ca_key, **each) for each in wrong)


@pytest.mark.parametrize("ca_key", ["RSA-2048", "RSA-PSS", "RSA-PSS, restricted", "RSA-PSS, trailer field 2"])
def test_each_signature_with_rsa_is_judged_as_openssl_judges_it(ca_key: str) -> None:
    """A key for RSA-PSS may say which digest, mask and salt it is for."""
    schemes = itertools.product(SCHEMES, ("SHA-256", "SHA-512"))
    assert_judged_alike(Recipe(ca_key=ca_key, scheme=scheme, digest=digest) for scheme, digest in schemes)


def assert_judged_alike(recipes: Iterable[Recipe]) -> None:
    every = [judged(recipe) for recipe in recipes]
    assert [str(each) for each in every if each.differs and each.difference is None] == []


def judged(recipe: Recipe) -> JudgedProof:
    submission = make(recipe, Random(1))
    return JudgedProof(0, recipe, submission, local_dps(submission), openssl(submission))


def test_the_proof_from_which_all_are_made_is_valid() -> None:
    right = judged(Recipe())
    assert (right.dps.accepted, right.openssl.accepted, right.submission.is_signed) == (True, True, True)
    assert all(getattr(Recipe(), name) in (*values, "right") for name, values in OPTIONS.items())


def test_an_unknown_difference_is_noticed() -> None:
    """A critical extension is a known difference only on a proof that the CA signed."""
    known = judged(Recipe(extensions="proxy certificate"))
    assert known.difference == "proof: proxy certificate"
    wrong = judged(replace(known.recipe, signature="one bit"))
    assert not wrong.dps.accepted
    assert replace(wrong, dps=known.dps).difference is None
    crashed = replace(known, dps=replace(known.dps, has_crashed=True))
    assert crashed.differs
    assert crashed.difference is None


def test_each_known_difference_is_on_the_page() -> None:
    listed = [
        line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text().splitlines() if line.startswith("| ")
    ]
    section = [each for each in listed if each in (*PROOFS, *CHAINS)]
    assert sorted(section) == sorted((*PROOFS, *CHAINS))
