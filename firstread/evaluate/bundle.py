"""The parts that every evaluation needs: the bundle, a reader of slices, the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chest.model.load import load_model
from chest.slices.read_slice import ChestSliceReader
from evaluation.report.page import Page, render_page
from firstread.choose_bundle import choose_bundle, with_threads
from firstread.say import console
from models.catalogue import UsableBundle
from radiology.errors import SettingsRefused
from settings.environment import Settings


@dataclass(frozen=True)
class Choice:
    """What the options of a command chose.

    Attributes
    ----------
    bundle : name, name/version or name@version; None for the one in the settings
    bundles : the folder to look in; None for the one in the settings
    report : where the HTML report goes; None for no report
    threads : of the CPU; 0 for what the settings say
    """

    bundle: str | None = None
    bundles: Path | None = None
    report: Path | None = None
    threads: int = 0

    def find(self, settings: Settings) -> UsableBundle:
        """The bundle that is to be evaluated."""
        return choose_bundle(self.bundle, self.bundles, settings)

    def check_report(self) -> None:
        """Refuse a report that could not be written, before hours are spent on it.

        Raises
        ------
        SettingsRefused
            It is a folder, or its folder cannot be made.
        """
        if self.report is None:
            return
        try:
            self.report.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.report, error) from error
        if self.report.is_dir():
            raise SettingsRefused(f"The report {self.report} is a folder; name a file in it")


def open_slice_reader(bundle: UsableBundle, choice: Choice, settings: Settings) -> ChestSliceReader:
    """A reader of single slices, as `firstread predict` uses it.

    Raises
    ------
    BundleRejected
        The bundle is not for chests.
    """
    threads = with_threads(settings, choice.threads).inference_threads
    return ChestSliceReader(
        load_model(bundle, threads=threads, provider=settings.execution_provider)
    )


def bundle_facts(bundle: UsableBundle) -> list[tuple[str, str]]:
    """What identifies a bundle in a report."""
    return [("Bundle", bundle.algorithm.label), ("Digest", bundle.digest)]


def write_report(path: Path | None, page: Page) -> None:
    """Write the report where the options ask for it.

    Raises
    ------
    SettingsRefused
        It cannot be written there.
    """
    if path is None:
        return
    try:
        path.write_text(render_page(page), encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from error
    console.print(f"Report: {path}", markup=False)


def _unwritable(path: Path, error: OSError) -> SettingsRefused:
    return SettingsRefused(f"The report {path} cannot be written: {error.strerror}")
