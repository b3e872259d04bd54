"""The version of QAIRT that a job runs with, and the one that its options name."""

from dataclasses import replace

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.options import Options
from qai_hub.local.engine.protocol import AttemptRequest, build_notice
from qai_hub.local.engine.qnn.provider import is_provider_installed, sdk_version
from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.engines.qairt import choose_engine, engine_of_version, is_version
from qai_hub.option_string import QAIRT_VERSION


def find_other_stage(request: AttemptRequest, options: Options) -> AttemptRequest | None:
    """Return the same request for a worker with the QAIRT that its options name, if it is not here.

    The hub starts the worker of a job with the right one, unless only the file of the model tells
    that it is for QNN.

    Args:
        request: The request.
        options: Its parsed options.
    """
    asked = options.values.get(QAIRT_VERSION, ())
    if request.engine or not asked:
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
    asked = options.values.get(QAIRT_VERSION, ())
    if not asked:
        return
    if not uses_qnn:
        message = f"The option {QAIRT_VERSION} was ignored: the job does not use QAIRT."
        options.notices.append(build_notice("INFO", "USER", message))
        return
    used = sdk_version()
    if is_version(asked, used):
        return
    named, engine = ".".join(map(str, asked)), engine_of_version(asked)
    if engine is None or request.engine == engine.name:
        engines = ", ".join(each.qairt for each in ENGINES.values() if each.qairt)
        lack = f"this hub cannot have {named}. Beside its own, it can have {engines}."
    else:
        lack = f"{named} needs `{engine.install_command}`, where the hub runs."
    if request.strict_versions:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub is strict about versions, and has QAIRT {used}: {lack} Name a version that "
            f"it has, or leave {QAIRT_VERSION} out.",
        )
    message = f"QAIRT {used} was used, the nearest to {named} that this hub has: {lack}"
    options.notices.append(build_notice("WARNING", "USER", message))
