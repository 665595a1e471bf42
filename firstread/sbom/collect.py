"""Gathers the components of this installation, or of a release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cyclonedx.model.component import Component

from firstread.sbom.bundle_components import bundle_components
from firstread.sbom.front_end import ohif, shipped
from firstread.sbom.platform_components import debian_packages, platform_components
from firstread.sbom.python_packages import installed_packages, locked_packages, needed_by_each
from firstread.sbom.release_components import container_images, released_ohif
from settings.bundle_signatures import BundleSignatures
from settings.environment import Settings
from worklist.ohif.installed import ohif_folder

Collected = tuple[tuple[Component, ...], Mapping[str, tuple[str, ...]]]
"""Components, and which Python package asks for which others, by normalised name."""


def of_this_installation(settings: Settings, *, system: bool) -> Collected:
    """What is installed and in use here.

    Parameters
    ----------
    system : whether the operating system's packages are named one by one

    Raises
    ------
    SettingsRefused
        Something that is installed does not say what it is.
    """
    viewer = ohif_folder(settings)
    components = (
        *installed_packages(),
        *shipped(),
        *(() if viewer is None else (ohif(viewer),)),
        *bundle_components(settings.bundles_folder, settings.bundle_signatures, settings.bundles),
        *platform_components(),
        *(debian_packages() if system else ()),
    )
    return components, needed_by_each()


def of_the_release(repository: Path) -> Collected:
    """What a release would install, by its lock file, its container files and its bundles.

    Raises
    ------
    SettingsRefused
        The folder is not the repository.
    """
    components = (
        *locked_packages(repository / "requirements.lock"),
        *shipped(),
        released_ohif(repository),
        *bundle_components(repository / "models" / "bundles", BundleSignatures(), _DEFAULT),
        *container_images(repository),
    )
    return components, needed_by_each()


_DEFAULT = tuple(Settings.model_fields["bundles"].default)
