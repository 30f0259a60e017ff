"""The same step in three other ways: clicks in the portal, commands, plain Python with Azure's SDKs."""

from helpers.lesson.recipes.names import Names
from helpers.lesson.recipes.steps import STEPS, Recipe, recipe

__all__ = ["STEPS", "Names", "Recipe", "recipe"]
