def signed_by(certificate, issuer):
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:
        return False
    return True


walkthrough.try_exercise("01_create_ca", signed_by)
