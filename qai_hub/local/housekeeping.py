"""What a hub throws away when it starts: what has expired, what was never finished or recorded."""

from qai_hub.local.storage import Storage
from qai_hub.local.store import Store
from qai_hub.local.store.files import (
    UPLOAD_LIFETIME,
    all_uploads,
    remove_stale_uploads,
    unexpired_files,
)
from qai_hub.local.store.idempotency import ANSWER_LIFETIME, forget_answers
from qai_hub.local.times import Clock, rfc3339


def clean_up(store: Store, storage: Storage, clock: Clock) -> None:
    """Delete the files of expired datasets, uploads of days ago, and old answers to POSTs.

    A hub that was killed can also have left files that its database knows nothing of: they go too.

    Args:
        store: The database.
        storage: The files.
        clock: Tells the time.
    """
    now = clock()
    with store.write() as db:
        remove_stale_uploads(db, rfc3339(now - UPLOAD_LIFETIME))
        forget_answers(db, rfc3339(now - ANSWER_LIFETIME))
        files, uploads = unexpired_files(db, rfc3339(now)), all_uploads(db)
    storage.keep_only(files=files, uploads=uploads)
