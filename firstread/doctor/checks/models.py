"""The bundles: whether they are whole, and answer on this machine as they were released."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from firstread.doctor.examined_site import ExaminedSite
from firstread.doctor.line import DoctorLine, broken, fine, reason_of, say, warning
from models.catalogue import UsableBundle, read_catalogue
from models.declared_bundle import DeclaredBundle
from models.onnx_session import CPU, TensorSession, has_cuda
from models.readers.open_reader import check_limits
from models.release.golden_answers import check_declared_golden
from models.schema_2.golden import check_golden
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected, FirstreadError, ModelUnavailable
from settings.environment import Settings

Look = Callable[[ExaminedSite], Iterable[DoctorLine]]
_INSTALL = say(
    "Install the bundle again from its release; until then 'firstread models withdraw "
    "NAME/VERSION' lets the version before it read."
)


def looks_at_bundles(site: ExaminedSite) -> Iterator[tuple[str, Look]]:
    """A check for each bundle in use."""
    for name in site.settings.bundles:
        yield name, partial(_look_at_bundle, name)


def _look_at_bundle(name: str, site: ExaminedSite) -> Iterator[DoctorLine]:
    settings = site.settings
    catalogue = read_catalogue(settings.bundles_folder, settings.bundle_signatures)
    for label, error in catalogue.refused.items():
        if label.startswith(f"{name}/"):
            said = say("%(label)s is damaged: %(reason)s", label=label, reason=reason_of(error))
            yield warning("bundle.damaged", said, _INSTALL, of=label)
    try:
        bundle = catalogue.newest(name)
    except BundleRejected:
        yield broken(
            "bundle.whole",
            say("No whole version of %(bundle)s is there: jobs wait for it", bundle=name),
            say(
                "'firstread models list' shows what there is. Install the bundle into "
                "%(folder)s, or take its name out of bundles.",
                folder=str(settings.bundles_folder),
            ),
            of=name,
        )
        return
    label = f"{bundle.name} {bundle.version}"
    try:
        check_limits(bundle, settings.bundle_limits.get(name, {}))
    except FirstreadError as error:
        yield broken(
            "bundle.limits",
            say("%(reason)s", reason=reason_of(error)),
            say("Correct bundle_limits in the settings: the bundle's card names its rules."),
            of=name,
        )
    try:
        runs_on = _runs_on(bundle, settings)
    except FirstreadError as error:
        yield _cannot_run(bundle, label, error)
        return
    yield _golden(bundle, label, runs_on, site)
    wanted = settings.execution_provider
    if runs_on == CPU and wanted is not ExecutionProvider.CPU and has_cuda():
        yield warning(
            "bundle.provider",
            say("ONNX Runtime has CUDA, and %(label)s runs on the processor", label=label),
            say(
                "Does this machine or container have the GPU ('nvidia-smi')? Update the driver, "
                'or set execution_provider = "cpu" if that is meant.'
            ),
            of=name,
        )


def _runs_on(bundle: UsableBundle, settings: Settings) -> str:
    """The provider that really runs, as ONNX Runtime calls it."""
    if isinstance(bundle, DeclaredBundle):
        files = next(iter(bundle.networks.values()))
    else:
        files = bundle.networks.segmentation
    session = TensorSession(files.float32, provider=settings.execution_provider, threads=1)
    return session.provider


def _cannot_run(bundle: UsableBundle, label: str, error: FirstreadError) -> DoctorLine:
    return broken(
        "bundle.provider",
        say("%(label)s cannot run: %(reason)s", label=label, reason=reason_of(error)),
        say(
            "Install Firstread with the extra 'gpu' on a machine with NVIDIA's driver, or set "
            'execution_provider = "cpu".'
        ),
        of=bundle.name,
    )


def _golden(bundle: UsableBundle, label: str, runs_on: str, site: ExaminedSite) -> DoctorLine:
    settings = site.settings
    how = {"provider": settings.execution_provider, "threads": settings.inference_threads}
    try:
        if isinstance(bundle, DeclaredBundle):
            found = check_declared_golden(bundle, **how)  # type: ignore[arg-type]
        else:
            found = check_golden(bundle, **how)  # type: ignore[arg-type]
    except (BundleRejected, ModelUnavailable) as error:
        return broken(
            "bundle.golden",
            say(
                "%(label)s does not answer as it was released: %(reason)s",
                label=label,
                reason=reason_of(error),
            ),
            say(
                "Do not let it read. Install the bundle again; where it still differs, set "
                'execution_provider = "cpu" and report processor and version of ONNX Runtime.'
            ),
            of=bundle.name,
        )
    except (OSError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        return broken(
            "bundle.golden",
            say(
                "The golden answers of %(label)s cannot be read (%(kind)s)",
                label=label,
                kind=type(error).__name__,
            ),
            _INSTALL,
            of=bundle.name,
        )
    return fine(
        "bundle.golden",
        say(
            "%(label)s answers as it was released, on %(provider)s: it differs by at most "
            "%(difference)s",
            label=label,
            provider=runs_on,
            difference=", ".join(f"{one} {value:.1e}" for one, value in found.items()),
        ),
        of=bundle.name,
    )
