"""The course: the journey through the notebooks, their checkpoints and exercises, and the check of the machine."""
