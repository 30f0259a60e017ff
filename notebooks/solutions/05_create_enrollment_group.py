def deciding_group(chain, groups):
    for authority in chain:
        for group, bound_to in groups.items():
            if bound_to == authority:
                return group
    return None


walkthrough.try_exercise("05_create_enrollment_group", deciding_group)
