"""The version of QAIRT that a job runs with, and the one that its options name."""

from dataclasses import replace

from qai_hub.local.engine.options import Options
from qai_hub.local.engine.protocol import AttemptRequest, build_notice
from qai_hub.local.engine.qnn.provider import sdk_version
from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.engines.qairt import engine_of_version, is_version
from qai_hub.option_string import QAIRT_VERSION


def find_other_stage(request: AttemptRequest, options: Options) -> AttemptRequest | None:
    """Return the same request for a worker with the QAIRT that its options name, if it is not here.

    The hub starts the worker of a job with the right one, unless only the file of the model tells
    that it is for QNN.

    Args:
        request: The request.
        options: Its parsed options.
    """
    engine = engine_of_version(options.values.get(QAIRT_VERSION, ()))
    if engine is None or engine.name == request.engine:
        return None
    return replace(request, engine=engine.name)


def tell_qairt_version(options: Options, *, uses_qnn: bool) -> None:
    """Add a notice if a job does not use the QAIRT that its options name.

    Args:
        options: The parsed options.
        uses_qnn: Whether it uses any; then it is certain that QNN works.
    """
    asked = options.values.get(QAIRT_VERSION, ())
    if not asked:
        return
    if not uses_qnn:
        message = f"The option {QAIRT_VERSION} was ignored: the job does not use QAIRT."
        options.notices.append(build_notice("INFO", "USER", message))
        return
    used = sdk_version()
    if not is_version(asked, used):
        engines = ", ".join(each.qairt for each in ENGINES.values() if each.qairt)
        message = (
            f"QAIRT {used} was used: this hub cannot have {'.'.join(map(str, asked))}. Beside its "
            f"own, it can have {engines}."
        )
        options.notices.append(build_notice("WARNING", "USER", message))
