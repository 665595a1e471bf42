"""The lobes of the lungs, found from their fissures; how, and how well: docs/lobes.md."""

from models.lobes.find import find_territories
from models.lobes.measure import measure_territories

__all__ = ["find_territories", "measure_territories"]
