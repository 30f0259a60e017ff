"""Cards of certificates, CAs at DPS, groups, and devices at their hubs."""

import random
import secrets
from collections.abc import Sequence
from datetime import timedelta

from helpers.certificates import COURSE_COMPLETION, CertificateAuthority, describe
from helpers.dps import AllocationPolicy, CaReference, EnrollmentGroup, HubDevice, Registration
from helpers.lesson.course.final_test.chain_objects import name_at_dps
from helpers.lesson.course.final_test.objects import Rows, Shown, Together, maker, new_cast
from helpers.lesson.figures import (
    GroupPicture,
    HubCard,
    Listing,
    Picture,
    RegistrationCard,
    show_certificate,
    show_tree,
)
from helpers.lesson.figures.picture import grouped

__all__: list[str] = []


@maker
def intermediate_card() -> Shown:
    cast = new_cast()
    names = {
        "ca": describe(cast.factory.certificate).common_name,
        "root": describe(cast.root.certificate).common_name,
        "device": cast.device_id,
    }
    return Shown(show_certificate(cast.factory.certificate), names)


@maker
def path_length_zero() -> Shown:
    """An intermediate below which no CA is allowed."""
    cast = new_cast()
    return Shown(show_certificate(cast.factory.certificate), {"ca": describe(cast.factory.certificate).common_name})


@maker
def root_card() -> Shown:
    cast = new_cast()
    return Shown(show_certificate(cast.root.certificate), {"root": describe(cast.root.certificate).common_name})


@maker
def no_device_of_ours() -> Shown:
    """A certificate for a device's name, which is no TLS client's."""
    cast = new_cast()
    key = cast.device.certificate.public_key()
    certificate = cast.factory.issue_for_purpose(cast.device_id, key, COURSE_COMPLETION, lifetime=timedelta(days=365))  # type: ignore[arg-type]
    return Shown(show_certificate(certificate), {"device": cast.device_id})


@maker
def ca_near_its_end() -> Shown:
    """A CA that expires in a month, and would like to issue a certificate for a year."""
    cast = new_cast()
    days = secrets.choice(range(20, 41))
    ca = cast.root.create_intermediate(describe(cast.factory.certificate).common_name, lifetime=timedelta(days=days))
    device = ca.issue_device(cast.device_id).certificate
    wished = describe(cast.device.certificate).not_after
    names = {
        "ca": describe(ca.certificate).common_name,
        "device": cast.device_id,
        "ca_end": f"{device.not_valid_after_utc:%Y-%m-%d}",
        "wished": f"{wished:%Y-%m-%d}",
        "root_end": f"{describe(cast.root.certificate).not_after:%Y-%m-%d}",
    }
    return Shown(show_certificate(ca.certificate), names)


@maker
def one_factory() -> Shown:
    cast = new_cast()
    tree = show_tree(f"The CAs of {cast.company}", [cast.root.certificate, cast.factory.certificate])
    said = Listing(
        "How it works", ["One factory, which will stay the only one", "The root's key is in a safe, offline"]
    )
    return _decision(cast.company, [tree, said], cast.root, cast.factory, cast.sibling)


@maker
def factories_come_and_go() -> Shown:
    cast = new_cast()
    authorities = [cast.root.certificate, cast.factory.certificate, cast.sibling.certificate]
    tree = show_tree(f"The CAs of {cast.company}", authorities)
    says = [
        "A new factory with a CA of its own opens every few months",
        "All devices belong to one enrollment group, which nobody wants to change for a new factory",
        "Once a year the root's key leaves its safe, so it can sign a proof",
    ]
    return _decision(cast.company, [tree, Listing("How it works", says)], cast.root, cast.factory, cast.sibling)


@maker
def factories_with_separate_groups() -> Shown:
    cast = new_cast()
    authorities = [cast.root.certificate, cast.factory.certificate, cast.sibling.certificate]
    tree = show_tree(f"The CAs of {cast.company}", authorities)
    says = [
        "The two factories' devices go to different hubs",
        "Either factory's devices must be stopped without the other's",
    ]
    return _decision(cast.company, [tree, Listing("How it works", says)], cast.root, cast.factory, cast.sibling)


def _decision(company: str, pictures: Sequence[Picture], *authorities: CertificateAuthority) -> Shown:
    root, one, other = (describe(each.certificate).common_name for each in authorities)
    return Shown(Together(pictures), {"company": company, "root": root, "one": one, "other": other})


@maker
def registered_cas() -> Shown:
    """The CAs at a service, one of which is not the company's own although its name is."""
    cast = new_cast()
    namesake = CertificateAuthority.create_root(describe(cast.factory.certificate).common_name)
    own = [cast.root, cast.factory]
    name = name_at_dps(cast.factory)
    factory, foreign = random.sample((name, f"{name}-2"), 2)  # so that the name doesn't give it away
    listed = {name_at_dps(cast.root): cast.root, factory: cast.factory, foreign: namesake}
    lines = [(f"Verified: “{each}”", grouped(describe(listed[each].certificate).sha1)) for each in sorted(listed)]
    lines += [("One of your own CAs", grouped(each)) for each in sorted(describe(ca.certificate).sha1 for ca in own)]
    names = {"foreign": foreign, "root": name_at_dps(cast.root), "ca": factory}
    return Shown(Rows(f"An audit at {cast.company}: SHA-1 thumbprints", lines), names)


@maker
def device_at_its_hub() -> Shown:
    cast = new_cast()
    facts = describe(cast.device.certificate)
    card = HubCard("my-hub.azure-devices.net", HubDevice(cast.device_id, "selfSigned", facts.sha256), facts)
    return Shown(card, {"device": cast.device_id, "ca": describe(cast.factory.certificate).common_name})


@maker
def two_ids() -> Shown:
    """A device whose individual enrollment gives it another id at its hub."""
    cast = new_cast()
    at_hub = f"line-{secrets.choice(range(1, 10))}-{cast.device_id}"
    answer = Registration(cast.device_id, at_hub, "my-hub.azure-devices.net", "assigned", "initialAssignment")
    return Shown(RegistrationCard(answer), {"device": cast.device_id, "at_hub": at_hub})


_HUBS = tuple(f"hub-{place}.azure-devices.net" for place in ("east", "west", "north"))


@maker
def static_group() -> Shown:
    cast, hub = new_cast(), secrets.choice(_HUBS)
    group = EnrollmentGroup(
        "devices", CaReference(name_at_dps(cast.factory)), allocation_policy=AllocationPolicy.STATIC, iot_hubs=(hub,)
    )
    others = [each for each in _HUBS if each != hub]
    return Shown(GroupPicture(group, group.iot_hubs), {"hub": hub, "device": cast.device_id, "another": others[0]})


@maker
def hashed_group() -> Shown:
    cast, hub = new_cast(), secrets.choice(_HUBS)
    group = EnrollmentGroup(
        "devices", CaReference(name_at_dps(cast.factory)), allocation_policy=AllocationPolicy.HASHED
    )
    answer = Registration(cast.device_id, cast.device_id, hub, "assigned", "initialAssignment")
    return Shown(GroupPicture(group, _HUBS, [answer]), {"hub": hub, "device": cast.device_id})


@maker
def group_with_two_cas() -> Shown:
    """A group in the middle of a roll-over."""
    cast = new_cast()
    group = EnrollmentGroup("devices", CaReference(name_at_dps(cast.factory), name_at_dps(cast.sibling)))
    names = {"now": name_at_dps(cast.factory), "next": name_at_dps(cast.sibling), "device": cast.device_id}
    return Shown(GroupPicture(group, _HUBS), names)
