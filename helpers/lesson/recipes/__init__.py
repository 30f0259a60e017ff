"""Recipes: a step of the walkthrough as clicks in the portal, as commands, and as plain Python with Azure's SDKs."""

from helpers.lesson.recipes.names import Names
from helpers.lesson.recipes.steps import STEPS, Recipe, recipe

__all__ = ["STEPS", "Names", "Recipe", "recipe"]
