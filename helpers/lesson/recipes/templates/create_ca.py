from datetime import timedelta

from helpers.certificates import CertificateAuthority, KeyAlgorithm

options = {"key_algorithm": KeyAlgorithm("$KEY_ALGORITHM"), "lifetime": timedelta(days="$LIFETIME_DAYS")}
root = CertificateAuthority.create_root('$ROOT_NAME', **options)
intermediate = root.create_intermediate('$INTERMEDIATE_NAME', **options)
print(root, intermediate)
