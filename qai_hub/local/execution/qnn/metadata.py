"""The metadata of target models for QNN, as the service words them."""

from qai_hub.local.execution.qnn.provenance import Provenance

_HTP = "HTP"


def metadata_of(provenance: Provenance, optimization: int | None = None) -> dict[str, str]:
    """Return what the metadata of a target model say.

    Args:
        provenance: How it was made.
        optimization: How long the compiler was to look for a faster graph; None if not told.

    Returns:
        Texts by the names of the contract's `ModelMetadataKey`, without their common beginning.
    """
    found = {
        "QNN_SDK_VERSION": provenance.sdk,
        "QAIRT_SDK_VERSION": provenance.sdk,
        "QNN_MODEL_GRAPH_NAMES": ",".join(graph.name for graph in provenance.graphs),
    }
    if provenance.runtime == "qnn_dlc":
        return found
    found |= {
        "QNN_CONTEXT_BIN_HEXAGON_VERSION": str(provenance.soc.hexagon),
        "QNN_CONTEXT_BIN_SOC_MODEL": str(provenance.soc.soc_model),
        "QNN_CONTEXT_BIN_BACKEND": _HTP,
    }
    if optimization is not None:
        found["QNN_CONTEXT_BIN_OPTIMIZATION_LEVEL"] = str(optimization)
    return found
