"""The course: the journey through the notebooks, their checkpoints and exercises, and the health check of the machine."""
