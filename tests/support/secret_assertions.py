"""Assertions that no exception exposes a secret."""

import pickle
import traceback


def assert_not_exposed(secret: str, error: BaseException) -> None:
    """Checks an exception, those behind it, and the variables of this package's functions."""
    report = "".join(traceback.format_exception(error))
    assert secret not in report
    current: BaseException | None = error
    while current is not None:
        assert secret not in f"{current} {current!r} {current.args} {vars(current)}"
        summary = traceback.TracebackException.from_exception(
            current, capture_locals=True, compact=True
        )
        for frame in summary.stack:
            if "/qai_hub/" in frame.filename:
                assert secret not in f"{frame.name}: {frame.locals}"
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert secret.encode() not in pickle.dumps(error, protocol)
