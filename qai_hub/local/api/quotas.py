"""What one user may have and do at most, and how requests beyond that are refused."""

from qai_hub.local.api.context import RETRY_AFTER, OperationHandler, RequestContext
from qai_hub.local.clock import rfc3339
from qai_hub.local.contract import Reply
from qai_hub.local.core.kinds import CREATED
from qai_hub.local.core.rates import Rate, take_from_rate
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.files import count_uploads
from qai_hub.local.store.records import Upload, UserLimits
from qai_hub.local.store.relations import count_jobs
from qai_hub.local.store.stored_sizes import get_pending, get_stored


def get_limits(context: RequestContext) -> UserLimits:
    """Return the limits of the user who sent a request: their own, or those of the hub."""
    config, own = context.services.config, context.services.accounts.get_limits(context.viewer)
    return UserLimits(
        queued_jobs=config.max_queued_jobs if own.queued_jobs is None else own.queued_jobs,
        storage=config.max_storage if own.storage is None else own.storage,
        creations=config.max_creations if own.creations is None else own.creations,
    )


def with_rate(handle: OperationHandler) -> OperationHandler:
    """Return the handler of an operation that creates something, at the user's rate at most.

    Only what was created counts: neither repeated answers nor requests that are refused do.
    """

    def handle_at_rate(context: RequestContext) -> Reply:
        most = get_limits(context).creations
        if most is not None:
            seconds = take_from_rate(context.db, context.viewer.id, Rate(most))
            if seconds:
                raise ProblemError(
                    429,
                    f"You may create {most} jobs, models and datasets in a minute: try again in "
                    f"{seconds} seconds.",
                    headers={"Retry-After": str(seconds)},
                )
        return handle(context)

    return handle_at_rate


def check_submission(context: RequestContext) -> None:
    """Refuse a job if the user has too many queued ones, or no space for its results.

    Raises:
        ProblemError: 429 or 409, with the limit and what to do.
    """
    most, number = (
        get_limits(context).queued_jobs,
        count_jobs(context.db, context.viewer.id, CREATED),
    )
    if most is not None and number >= most:
        raise ProblemError(
            429,
            f"You have {number} queued jobs, and {most} is the maximum: wait until some have "
            "started, or cancel some.",
            headers={"Retry-After": RETRY_AFTER},
        )
    if get_space(context) == 0:
        raise _storage_full(context, "there is no space for the results of a job")


def check_upload(context: RequestContext, object_id: str, size: int | None) -> None:
    """Refuse an upload if the user has too many unfinished ones, or no space for it.

    The space of unfinished uploads is reserved, so that one that has begun can be finished.

    Args:
        context: The request.
        object_id: The model or dataset that it is for.
        size: Its size in bytes; None if unknown.

    Raises:
        ProblemError: 429 or 409, with the limit and what to do.
    """
    most = context.services.config.max_unfinished_uploads
    if count_uploads(context.db, context.viewer.id, _oldest_upload(context)) >= most:
        raise ProblemError(
            429,
            f"You have {most} unfinished uploads, the maximum for one user: "
            "finish some, or delete their models and datasets.",
            headers={"Retry-After": RETRY_AFTER},
        )
    # An empty file needs no space, and one of unknown size has something in it.
    _check_space(context, 1 if size is None else size, other_than=object_id)


def get_space(context: RequestContext, other_than: str = "") -> int | None:
    """Return how many bytes a user may still upload; None for any number.

    Args:
        context: The request.
        other_than: A model or dataset whose unfinished uploads take no space.
    """
    limit = get_limits(context).storage
    return None if limit is None else max(0, limit - _used(context, other_than))


def check_arrived(context: RequestContext, upload: Upload, size: int) -> None:
    """Refuse to publish what has arrived if its size was not known, and there is no space for it.

    It stays unfinished, so that it can be published once there is.

    Raises:
        ProblemError: 409, with the limit and what to do.
    """
    if upload.size is None:
        _check_space(context, size, other_than=upload.object_id)


def _check_space(context: RequestContext, size: int, *, other_than: str) -> None:
    space = get_space(context, other_than)
    if space is not None and size > space:
        raise _storage_full(context, f"{size:,} bytes more do not fit", other_than)


def _used(context: RequestContext, other_than: str) -> int:
    """Return what a user stores and has begun to upload, in bytes."""
    db, user_id, since = context.db, context.viewer.id, _oldest_upload(context)
    return get_stored(db, user_id) + get_pending(db, user_id, since, other_than=other_than)


def _oldest_upload(context: RequestContext) -> str:
    """Return the time since which uploads may be continued."""
    return rfc3339(context.services.clock() - context.services.config.retention.uploads)


def _storage_full(context: RequestContext, subject: str, other_than: str = "") -> ProblemError:
    limit, used = get_limits(context).storage or 0, _used(context, other_than)
    # Not 429: it does not help to wait.
    return ProblemError(
        409,
        f"You store {used:,} of at most {limit:,} bytes, unfinished uploads included: "
        f"{subject}. Delete models and datasets that you no longer need.",
    )
