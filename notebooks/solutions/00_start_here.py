def open_to_others(mode):
    return bool(mode & 0o077)


lesson.try_exercise(kept, "00_start_here", open_to_others)
