"""Recipes: a step of the walkthrough as clicks in the portal, as commands, and as plain Python with Azure's SDKs."""

from helpers.lesson.recipes.names import Names
from helpers.lesson.recipes.steps import CHANGE_GROUP, STEPS, Recipe, portal_clicks, recipe

__all__ = ["CHANGE_GROUP", "STEPS", "Names", "Recipe", "portal_clicks", "recipe"]
