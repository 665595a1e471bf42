"""A page that holds a small study."""

from __future__ import annotations

import pytest

from settings.environment import Settings
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.dicomweb.small_study import SmallStudy, hold_small_study
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app


@pytest.fixture
def site(worklist_settings: Settings) -> Settings:
    """Give settings under which the test's disk has room enough."""
    return worklist_settings.model_copy(update={"min_free_bytes": 0})


@pytest.fixture
def study(hospital: SeededHospital, site: Settings) -> SmallStudy:
    """Give a study of three CT images and a key picture."""
    return hold_small_study(site, hospital.engine)


@pytest.fixture
def web(hospital: SeededHospital, site: Settings) -> Visitor:
    """Give a client of the services on the same machine, where nobody has an account."""
    return Visitor(create_app(site, hospital.engine, clock=lambda: hospital.now))
