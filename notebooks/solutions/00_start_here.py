def open_to_others(mode):
    return bool(mode & 0o077)


walkthrough.try_exercise("00_start_here", open_to_others)
