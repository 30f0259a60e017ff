"""The command that tells a script how to reach a local DPS."""

import argparse
from dataclasses import asdict

from .connecting import add_wait_option, connect

__all__ = ["add_env_options", "env"]


def add_env_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `env`, except for the connection file."""
    add_wait_option(parser)


def env(options: argparse.Namespace, _parser: argparse.ArgumentParser) -> int:
    """Print the connection file as lines NAME=value, which a CI job can add to the environment of later steps.

    The names are those of the connection file in upper case, after LOCAL_DPS_. Lists are joined by commas.
    """
    connection = connect(options)
    for name, value in asdict(connection).items():
        print(f"LOCAL_DPS_{name.upper()}={','.join(value) if isinstance(value, list) else value}")
    return 0
