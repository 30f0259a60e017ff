"""The version of the local DPS and of the whole project. Both pyproject.toml files read it from here."""

__all__ = ["__version__"]

__version__ = "0.1.0"
