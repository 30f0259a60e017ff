from cryptography import x509


def verify_proof(ca, code, sent, now):
    is_pem = b"-----BEGIN CERTIFICATE-----" in sent
    proof = (x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate)(
        sent
    )
    proof.verify_directly_issued_by(ca)
    names = [
        each.value
        for each in proof.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    ]
    return (
        names == [code] and proof.not_valid_before_utc <= now <= proof.not_valid_after_utc
    )


walkthrough.try_exercise("08_you_are_dps", verify_proof)
