def signed_by(certificate, issuer):
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:
        return False
    return True


lesson.try_exercise(kept, "01_create_ca", signed_by)
