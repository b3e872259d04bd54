"""What a local hub could do on this machine."""

from collections.abc import Iterator

from qai_hub.cli.diagnosis.finding import Finding, State
from qai_hub.local.engine.sandbox import LAYERS, probe_sandbox_layers
from qai_hub.local.engines.catalog import ENGINES, Engine
from qai_hub.local.engines.places import State as EngineState
from qai_hub.local.engines.places import describe_fault, examine
from qai_hub.local.frameworks import CAPABILITIES, installed_version, qairt_version

_TOPIC = "local hub"


def examine_machine() -> Iterator[Finding]:
    """Yields which formats a local hub takes here, whether by QNN, and how jobs are confined."""
    for each in CAPABILITIES:
        if each.missing:
            yield Finding(_TOPIC, each.formats, State.SKIPPED, each.missing)
        else:
            yield Finding(_TOPIC, each.formats, State.OK, each.description)
    qnn = installed_version("onnxruntime-qnn")
    if qnn is None:
        yield Finding(_TOPIC, "QNN", State.SKIPPED, "onnxruntime-qnn is not installed")
    else:
        text = f"onnxruntime-qnn {qnn}, QAIRT {qairt_version() or 'unknown'}"
        yield Finding(_TOPIC, "QNN", State.OK, text)
    yield from map(_examine_engine, ENGINES.values())
    yield _examine_sandbox()


def _examine_engine(engine: Engine) -> Finding:
    state, found = examine(engine)
    name = f"engine {engine.name}"
    if state is EngineState.INSTALLED and found is not None:
        text = f"Python {found.python}, {found.size / 1e6:.0f} MB, in {found.folder}"
        return Finding(_TOPIC, name, State.OK, text)
    remedy = f"Run `{engine.install_command}`."
    if state in {EngineState.OUTDATED, EngineState.BROKEN}:
        fault = describe_fault(engine)
        text = f"It is {state}, as {fault}." if fault else f"It is {state}."
        return Finding(_TOPIC, name, State.PROBLEM, text, remedy)
    needed = f"To {engine.description}, run `{engine.install_command}`."
    remedy = needed if state is EngineState.MISSING else ""
    return Finding(_TOPIC, name, State.SKIPPED, str(state), remedy)


def _examine_sandbox() -> Finding:
    active = probe_sandbox_layers()
    missing = [layer for layer in LAYERS if layer not in active]
    if not missing:
        return Finding(_TOPIC, "sandbox", State.OK, ", ".join(active))
    return Finding(
        _TOPIC,
        "sandbox",
        State.SKIPPED,
        f"not available on this system: {', '.join(missing)}",
        "Run only models that you trust, or use a Linux that lets users create namespaces.",
    )
