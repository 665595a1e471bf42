"""Chest models of bundles of schema 2, with networks of our own or with none that is ever run."""

from __future__ import annotations

from typing import cast

from chest.model.chest_model import ChestModel
from chest.model.of_schema_2 import Session, model_of_schema_2
from models.schema_2.bundle import Bundle


def silent_model(bundle: Bundle) -> ChestModel:
    """What a bundle declares; its networks are not loaded and cannot be run."""
    return model_of_schema_2(bundle, cast("Session", None))
