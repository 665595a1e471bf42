"""The lobes of the lungs, found from their fissures; how, and how well: docs/lobes.md."""

from chest.lobes.find import find_territories
from chest.lobes.measure import measure_territories

__all__ = ["find_territories", "measure_territories"]
