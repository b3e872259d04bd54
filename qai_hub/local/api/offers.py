"""What the processes offer that run jobs, where there are several."""

from qai_hub.local.api.context import RequestContext
from qai_hub.local.store.nodes import MICROSECONDS, get_offered_labels


def read_offered_labels(context: RequestContext) -> frozenset[str] | None:
    """Return the labels of all of them; None where this process runs all jobs.

    Args:
        context: The request.
    """
    config = context.services.config
    if config.database is None:
        return None
    return get_offered_labels(context.db, int(config.lease * MICROSECONDS))
