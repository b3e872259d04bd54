"""Looks for secrets in exceptions."""

import pickle
import traceback


def assert_shown_nowhere(secret: str, error: BaseException) -> None:
    """Looks at an exception, those behind it, and the variables of this package's functions."""
    told = "".join(traceback.format_exception(error))
    assert secret not in told
    seen: BaseException | None = error
    while seen is not None:
        assert secret not in f"{seen} {seen!r} {seen.args} {vars(seen)}"
        told_of = traceback.TracebackException.from_exception(
            seen, capture_locals=True, compact=True
        )
        for frame in told_of.stack:
            if "/qai_hub/" in frame.filename:
                assert secret not in f"{frame.name}: {frame.locals}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert secret.encode() not in pickle.dumps(error, protocol)
