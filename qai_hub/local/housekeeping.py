"""What a hub throws away when it starts: what has expired, and what was never finished."""

from datetime import timedelta

from qai_hub.local.storage import Storage
from qai_hub.local.store import Store
from qai_hub.local.store.files import expired_files, remove_uploads, stale_uploads
from qai_hub.local.store.idempotency import ANSWER_LIFETIME, forget_answers
from qai_hub.local.times import Clock, rfc3339

_UPLOAD_LIFETIME = timedelta(days=1)


def clean_up(store: Store, storage: Storage, clock: Clock) -> None:
    """Delete the files of expired datasets, uploads of days ago, and old answers to POSTs.

    Args:
        store: The database.
        storage: The files.
        clock: Tells the time.
    """
    now = clock()
    with store.write() as db:
        stale = stale_uploads(db, rfc3339(now - _UPLOAD_LIFETIME))
        remove_uploads(db, stale)
        forget_answers(db, rfc3339(now - ANSWER_LIFETIME))
        expired = expired_files(db, rfc3339(now))
    storage.remove_uploads(stale)
    storage.remove_files(expired)
