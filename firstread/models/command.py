"""`firstread models`: lists, checks, makes, tries and trains bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstread.say import errors_to_exit_code, print_json
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging

models = typer.Typer(
    no_args_is_help=True,
    help="""Bundles: which there are, whether they are whole, and training one on your own cases.

A bundle that was trained here is a *candidate*: nothing uses it until `firstread models use`.""",
)


BundlesOption = Annotated[
    Path | None, typer.Option("--bundles", help="Folder of bundles; default: that of the settings.")
]
Which = Annotated[str, typer.Argument(metavar="NAME/VERSION", help="Which bundle.")]


def _settings(bundles: Path | None) -> Settings:
    given = {} if bundles is None else {"bundles_folder": bundles}
    settings = read_settings(**given)
    configure_command_logging(settings)
    return settings


@models.command("list")
def list_models(bundles: BundlesOption = None) -> None:
    """List every bundle and candidate, its digest, and which one is in use.

    Example: `firstread models list`.
    """
    from firstread.models.listing import print_models

    with errors_to_exit_code():
        print_models(_settings(bundles))


@models.command("shadow")
def list_shadow(
    bundle: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Of which bundle; default: of all.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write all of them to this file, for a spreadsheet.")
    ] = None,
) -> None:
    """List what bundles answered that run in shadow, beside what was shown of the same study.

    A bundle runs in shadow with `to = "nowhere"` under `[deliver]`: it reads every study that it
    accepts, and nobody is shown its answer, so that it can be judged before it counts.

    Examples: `firstread models shadow`; `firstread models shadow head-ct --csv shadow.csv`.
    """
    from firstread.models.shadow import print_shadow

    with errors_to_exit_code():
        print_shadow(_settings(None), bundle, csv)


@models.command("check")
def check_models(
    which: Annotated[
        str | None,
        typer.Argument(metavar="[NAME/VERSION]", help="Which bundle; default: all of them."),
    ] = None,
    bundles: BundlesOption = None,
) -> None:
    """Check digests, inputs and outputs, and run the golden test; exit code 1 if one fails.

    Examples: `firstread models check`; `firstread models check chest-ct-pneumonia/2.0.0`.
    """
    from firstread.models.listing import check_and_print

    with errors_to_exit_code():
        raise typer.Exit(check_and_print(_settings(bundles), which))


@models.command("init")
def init_model(
    name: Annotated[str, typer.Argument(help="Of the bundle, such as head-ct-bleeding.")],
    network: Annotated[Path, typer.Option("--onnx", help="The ONNX file.")],
    version: Annotated[str, typer.Option(help="Three whole numbers.")] = "0.1.0",
    into: Annotated[
        Path | None, typer.Option(help="Folder to write into; default: among the candidates.")
    ] = None,
    bundles: BundlesOption = None,
) -> None:
    """Write a commented skeleton of a bundle; inputs and outputs are read from the ONNX file.

    Example: `firstread models init head-ct-bleeding --onnx bleeding.onnx`.
    """
    from firstread.models.make_bundle import init_and_print

    with errors_to_exit_code():
        init_and_print(_settings(bundles), name, network, version, into)


@models.command("seal")
def seal_model(
    which: Annotated[str, typer.Argument(metavar="BUNDLE", help="A folder, or NAME/VERSION.")],
    bundles: BundlesOption = None,
) -> None:
    """Write golden answers and digests of a bundle that is being made; checks it on the way.

    Example: `firstread models seal head-ct-bleeding/0.1.0`.
    """
    from firstread.models.make_bundle import seal_and_print

    with errors_to_exit_code():
        seal_and_print(_settings(bundles), which)


@models.command("keygen")
def make_signing_key(
    key: Annotated[Path, typer.Option(help="The file to write the private key to.")],
) -> None:
    """Make the key that your own bundles are signed with, and print its public half.

    Example: `firstread models keygen --key ~/bundles.key`.
    """
    from firstread.models.sign_model import keygen_and_print

    with errors_to_exit_code():
        keygen_and_print(key)


@models.command("sign")
def sign_model(
    which: Annotated[
        list[str], typer.Argument(metavar="BUNDLE…", help="Folders, or NAME/VERSION.")
    ],
    key: Annotated[Path, typer.Option(help="The file with the private key.")],
    bundles: BundlesOption = None,
) -> None:
    """Sign sealed bundles: who trusts your key knows that nobody has changed them since.

    Example: `firstread models sign head-ct-bleeding/1.0.0 --key ~/bundles.key`.
    """
    from firstread.models.sign_model import sign_and_print

    with errors_to_exit_code():
        sign_and_print(_settings(bundles), which, key)


@models.command("try")
def try_model(
    which: Annotated[str, typer.Argument(metavar="BUNDLE", help="A folder, or NAME/VERSION.")],
    study: Annotated[Path, typer.Argument(help="A folder with the DICOM files of one study.")],
    picture: Annotated[Path, typer.Option(help="Where to write the picture, a PNG.")] = Path(
        "try.png"
    ),
    bundles: BundlesOption = None,
) -> None:
    """Run a bundle on a study, print its reading and draw it. Nothing is stored or sent.

    Example: `firstread models try head-ct-bleeding/0.1.0 ./study --picture bleeding.png`.
    """
    from firstread.models.make_bundle import find_folder
    from firstread.models.try_bundle import try_and_print

    with errors_to_exit_code():
        settings = _settings(bundles)
        try_and_print(settings, find_folder(settings, which), study, picture)


@models.command("compare")
def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A folder, or NAME/VERSION.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Likewise; may be a candidate.")],
    studies: Annotated[
        list[Path], typer.Argument(help="Folders with the DICOM files of one study each.")
    ],
    report: Annotated[Path, typer.Option(help="Where to write the page, an HTML file.")] = Path(
        "compare.html"
    ),
    bundles: BundlesOption = None,
) -> None:
    """Read studies with two bundles, and put answers and pictures beside each other.

    Prints one JSON object with both answers to each study. Nothing is stored or sent.

    Example: `firstread models compare chest-ct-pneumonia/2.0.0 chest-ct-pneumonia/3.0.0 ct/*`.
    """
    from firstread.models.compare_models import compare_models

    with errors_to_exit_code():
        print_json(compare_models(_settings(bundles), old, new, studies, report))


@models.command("use")
def use_model(which: Which, bundles: BundlesOption = None) -> None:
    """Take a candidate into use: the next study is read by it if it is the newest of its name.

    Example: `firstread models use chest-ct-pneumonia/2.1.0`.
    """
    from firstread.models.listing import use_and_print

    with errors_to_exit_code():
        use_and_print(_settings(bundles), which)


@models.command("withdraw")
def withdraw_model(which: Which, bundles: BundlesOption = None) -> None:
    """Take a bundle out of use: it becomes a candidate, and the next newest is run.

    Example: `firstread models withdraw chest-ct-pneumonia/2.1.0`.
    """
    from firstread.models.listing import withdraw_and_print

    with errors_to_exit_code():
        withdraw_and_print(_settings(bundles), which)


@models.command("train")
def train_model(
    new_cases: Annotated[
        Path, typer.Option(help="Your labelled cases: images/, masks/, lungs/, labels.csv.")
    ],
    base: Annotated[
        str | None,
        typer.Option(help="NAME or NAME/VERSION to go on from; default: the one in use."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Of the candidate; default: the next minor version.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Our own training data, to go along so that nothing is forgotten."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of training.")] = 300,
    report: Annotated[
        Path | None, typer.Option(help="Write an HTML report, old against new, to this file.")
    ] = None,
    build: Annotated[
        Path | None,
        typer.Option(help="Where checkpoints are kept; default: in the data folder."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of the CPU.")] = 2,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a candidate of the same version.")
    ] = False,
    bundles: BundlesOption = None,
) -> None:
    """Train a bundle further on your own cases; the old one stays, and stays in use.

    Prints one JSON object, old against new on the same held-out cases. Needs PyTorch
    (`make setup-training`). Interrupted, the same command goes on where it stopped.

    Example: `firstread models train --new-cases ./cases --report old-against-new.html`.
    """
    from firstread.models.train_model import Training, train

    with errors_to_exit_code():
        asked = Training(new_cases, base, version, data, steps, report, build, threads, replace)
        raise typer.Exit(train(asked, _settings(bundles)))
