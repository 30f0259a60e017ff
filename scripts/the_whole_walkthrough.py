"""The whole walkthrough as a script: from a CA to devices with a hub, and back. Run it in the project's folder.

It uses a local DPS. For your own service, call `connect_azure(subscription_id=…, resource_group=…,
provisioning_service=…)` instead of `connect_local(…)`. You can interrupt the script and run it again.
"""

from pathlib import Path

from helpers.certificates import CertificateAuthority, issue_fleet, load_authority, save_authority
from helpers.dps import CaReference, EnrollmentGroup, connect_local, require_registered, start_local_dps, stop_local_dps

folder = Path("data/workspace/script")
dps = connect_local(start_local_dps(folder / "local-dps"))

certificate, key = folder / "ca.pem", folder / "ca.key.pem"
if certificate.exists():
    ca = load_authority(certificate, key)
else:
    ca = CertificateAuthority.create_root("Script Root CA").create_intermediate("Script Intermediate CA")
    save_authority(ca, certificate, key)

registered = dps.certificates.upload("script-ca", ca.certificate)
if not registered.verified:
    registered = dps.certificates.generate_verification_code(registered)
    proof = ca.sign_verification_code(registered.verification_code)
    registered = dps.certificates.verify(registered, proof)
print(f"{registered.name} is verified")

group = dps.enrollment_groups.create(EnrollmentGroup("script-devices", CaReference(registered.name)))
devices = issue_fleet(ca, ["pump-1", "pump-2"], folder / "devices")
for registration in require_registered(dps.devices.register_all(devices)):
    print(f"{registration.registration_id} is assigned to {registration.assigned_hub}")

dps.enrollment_groups.delete(group)
dps.certificates.delete(registered)
dps.close()
stop_local_dps(folder / "local-dps")
