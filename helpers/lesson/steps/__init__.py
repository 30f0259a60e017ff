"""The steps of the walkthrough: each finds what is there already and goes on, or says which notebook to run first.

A notebook's cell calls one of these and shows what it returns; CI calls the same.
"""

from helpers.lesson.steps.access import (
    delete_next_ca,
    let_in,
    put_back,
    readmit_device,
    refer_to,
    register_next_ca,
    renew_device,
    revoke_device,
    switch_group,
    try_to_register,
    two_devices,
)
from helpers.lesson.steps.authorities import create_authorities
from helpers.lesson.steps.clean_up import clean_up
from helpers.lesson.steps.enrollment import bind_enrollment_group
from helpers.lesson.steps.proof import ask_for_code, examine_kept_proof, sign_kept_code, verify_with_kept_proof
from helpers.lesson.steps.provisioning import issue_device, provision_device, provision_fleet, provision_stranger
from helpers.lesson.steps.registration import register_authority, registered_certificate
from helpers.lesson.steps.start import check_this_machine, choose_target, connect

__all__ = [
    "ask_for_code",
    "bind_enrollment_group",
    "check_this_machine",
    "choose_target",
    "clean_up",
    "connect",
    "create_authorities",
    "delete_next_ca",
    "examine_kept_proof",
    "issue_device",
    "let_in",
    "provision_device",
    "provision_fleet",
    "provision_stranger",
    "put_back",
    "readmit_device",
    "refer_to",
    "register_authority",
    "register_next_ca",
    "registered_certificate",
    "renew_device",
    "revoke_device",
    "sign_kept_code",
    "switch_group",
    "try_to_register",
    "two_devices",
    "verify_with_kept_proof",
]
