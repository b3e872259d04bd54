"""Prints what qai_hub_models claims to work, as JSON. Runs in its environment, not in the hub's.

    python claims.py MODEL...

For each model it prints a list of pairs of runtime and precision, each with the reason for which
the model's own manifest says that it fails, or null.
"""

import json
import sys
from collections.abc import Sequence


def read_claims(models: Sequence[str]) -> dict[str, list[tuple[str, str, str | None]]]:
    """Reads the manifests of models.

    Args:
        models: Their names.

    Returns:
        For each, the pairs that `qai-hub-models export` offers: the target runtime, the precision,
        and why it fails, as its manifest says.
    """
    from qai_hub_models.configs.manifest_yaml import QAIHMModelManifest

    claims = {}
    for name in models:
        manifest = QAIHMModelManifest.from_model(name)
        claims[name] = [
            (runtime.value, str(precision), manifest.failure_reason(precision, runtime))
            for precision, runtimes in manifest.get_supported_paths_for_export().items()
            for runtime in runtimes
        ]
    return claims


if __name__ == "__main__":
    print(json.dumps(read_claims(sys.argv[1:])))
