"""The version of QAIRT that a job runs with, and the one that its options name."""

from dataclasses import replace

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.options import Options
from qai_hub.local.engine.protocol import AttemptRequest, build_notice
from qai_hub.local.engine.qnn.provider import is_provider_installed, sdk_version
from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.engines.qairt import (
    OWN_VERSION,
    Version,
    choose_engine,
    engine_of_version,
    is_version,
    parse_version,
)
from qai_hub.option_string import QAIRT_VERSION


def find_other_stage(request: AttemptRequest, options: Options) -> AttemptRequest | None:
    """Return the same request for a worker with the QAIRT that its options name, if it is not here.

    The hub starts the worker of a job with the right one, unless only the file of the model tells
    that it is for QNN.

    Args:
        request: The request.
        options: Its parsed options.
    """
    asked: Version = options.values.get(QAIRT_VERSION, OWN_VERSION)
    if request.engine or not asked.numbers:
        return None
    engine = choose_engine(
        asked,
        sdk_version() if is_provider_installed() else None,
        request.engines,
        makes_model=request.kind != "run",
        strict=request.strict_versions,
    )
    return None if engine is None else replace(request, engine=engine.name)


def settle_qairt_version(options: Options, request: AttemptRequest, *, uses_qnn: bool) -> None:
    """Add a notice if a job does not use the QAIRT that its options name, or refuse it.

    Args:
        options: The parsed options.
        request: The job's request.
        uses_qnn: Whether it uses any; then it is certain that QNN works.

    Raises:
        JobFailure: It uses another version, and the hub is strict about versions.
    """
    asked: Version = options.values.get(QAIRT_VERSION, OWN_VERSION)
    if not asked.numbers:
        return
    if not uses_qnn:
        message = f"The option {QAIRT_VERSION} was ignored: the job does not use QAIRT."
        options.notices.append(build_notice("INFO", "USER", message))
        return
    used = sdk_version()
    if is_version(asked, used):
        return
    engine = engine_of_version(asked)
    if engine is None or request.engine == engine.name:
        engines = ", ".join(each.qairt for each in ENGINES.values() if each.qairt)
        lack = f"this hub cannot have {asked}. Beside its own, it can have {engines}."
    else:
        lack = f"{asked} needs `{engine.install_command}`, where the hub runs."
    if request.strict_versions:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub is strict about versions, and has QAIRT {_list_versions(request)}: {lack} "
            f"Name a version that it has, or leave {QAIRT_VERSION} out.",
        )
    message = f"QAIRT {used} was used, the nearest to {asked} that this hub has: {lack}"
    options.notices.append(build_notice("WARNING", "USER", message))


def _list_versions(request: AttemptRequest) -> str:
    """Return the versions that the hub has, in words, the newest first."""
    engines = {ENGINES[name].qairt_sdk for name in request.engines if ENGINES[name].qairt_sdk}
    found = sorted({sdk_version(), *engines}, key=parse_version, reverse=True)
    # The packages of an engine hide those of the hub.
    own = ["its own"] if request.engine else []
    *others, last = [*own, *found]
    return f"{', '.join(others)} and {last}" if others else last
