"""A data folder with a history: jobs of several users, as if they had run there.

    python -m performance.history FOLDER JOBS

The rows are made by the database from their numbers, so the same number of jobs gives the same
history: half of the jobs are the viewer's, nine others have the rest, and 8 in 100 have failed.
There is one file, which is empty: all jobs share it as their log, and all models as their content.
"""

import json
import sys
from pathlib import Path

from sqlalchemy import Connection, text

from qai_hub.local.devices import DeviceCatalogue, DeviceQuery
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.store.files import add_file
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.records import File
from qai_hub.local.store.sqlite import SqliteStore

VIEWER = "user@localhost"
_PEOPLE = [VIEWER, *(f"colleague{number}@example.com" for number in range(9))]
_DEVICES = ("Samsung Galaxy S24", "Samsung Galaxy S23", "Snapdragon X Elite CRD", "QCS8550 (Proxy)")
_SPEC = [{"name": "x", "tensor_type": {"shape": [1, 3, 224, 224], "dtype": "TENSOR_DTYPE_FLOAT32"}}]
_FILE = "f0"
# Others' jobs that are shared with the viewer, at most.
_SHARED = 100
# Jobs that are made at once.
_BATCH = 50_000

_HISTORY = """
    CREATE TEMP TABLE history AS
    WITH RECURSIVE numbers (n) AS (
        SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last
    ), mixed AS (
        SELECT n, n * 2654435761 % 4294967296 AS bits FROM numbers
    )
    SELECT n, printf('%08x', bits) AS key,
        CASE WHEN bits / 7 % 2 = 0 THEN 0 ELSE 1 + bits / 14 % 9 END AS person,
        CASE WHEN bits / 3 % 100 < 45 THEN 'compile' WHEN bits / 3 % 100 < 75 THEN 'profile'
            WHEN bits / 3 % 100 < 92 THEN 'inference' WHEN bits / 3 % 100 < 99 THEN 'quantize'
            ELSE 'link' END AS kind,
        bits / 11 % 100 >= 92 AS failed,
        bits / 13 % :devices AS device,
        strftime('%Y-%m-%dT%H:%M:%f000Z', 1735732800 + n * 30, 'unixepoch') AS moment
    FROM mixed
"""
_JOBS = """
    INSERT INTO jobs (seq, id, owner_id, project_id, name, created, kind, options, device, devices,
        input_specs, state, started, completed, updated, attempt, losses, failure_type,
        failure_reason, notices, execution_time, peak_memory, ready)
    SELECT n, 'j' || key, owner_id, project_id, 'network ' || n % 50, moment, kind, '',
        devices.json,
        CASE kind WHEN 'compile' THEN '[' || devices.json || ']' ELSE 'null' END,
        CASE kind WHEN 'compile' THEN :spec ELSE 'null' END,
        CASE WHEN failed THEN 'JOB_STATE_FAILED' ELSE 'JOB_STATE_DONE' END, moment, moment, moment,
        1, 0, CASE WHEN failed THEN 'JOB_FAILURE_TYPE_MODEL_INVALID'
            ELSE 'JOB_FAILURE_TYPE_SUCCESS' END,
        CASE WHEN failed THEN 'The model is not valid.' END, '[]',
        CASE kind WHEN 'profile' THEN 1234 END, 'null', 1
    FROM history JOIN people ON people.number = person JOIN devices ON devices.number = device
    ORDER BY n
"""
_TARGETS = """
    INSERT INTO models (id, owner_id, project_id, name, created, model_type, is_directory, file_id,
        producer_id, producer_attempt, input_spec, output_spec)
    SELECT 'm' || key, owner_id, project_id, 'network ' || n % 50, moment, 'MODEL_TYPE_ONNX', 0,
        CASE WHEN NOT failed THEN :file END, 'j' || key, 1, :spec, :spec
    FROM history JOIN people ON people.number = person
    WHERE kind IN ('compile', 'quantize', 'link') ORDER BY n
"""
_SOURCES = """
    INSERT INTO models (id, owner_id, project_id, name, created, model_type, is_directory, file_id)
    SELECT 'msource' || number, owner_id, project_id, 'network', '2025-01-01T12:00:00.000000Z',
        'MODEL_TYPE_ONNX', 0, :file
    FROM people
"""
_INPUTS = """
    INSERT INTO uses (job_id, role, position, object_id, seq, owner_id)
    SELECT 'j' || key, 'input', 0, 'msource' || person, n, owner_id
    FROM history JOIN people ON people.number = person
"""
_OUTPUTS = """
    INSERT INTO uses (job_id, role, position, object_id, seq, owner_id)
    SELECT 'j' || key, 'target', 0, 'm' || key, n, owner_id
    FROM history JOIN people ON people.number = person
    WHERE kind IN ('compile', 'quantize', 'link')
"""
_LOGS = """
    INSERT INTO artifacts (job_id, type, name, file_id)
    SELECT 'j' || key, 'JOB_ARTIFACT_TYPE_HUB_LOG', 'hub.log', :file FROM history
"""
_SHARES = """
    INSERT INTO shares (object_id, email)
    SELECT id, :viewer FROM jobs WHERE owner_id != (SELECT owner_id FROM people WHERE number = 0)
    ORDER BY seq DESC LIMIT :shared
"""


_ENDED = """
    INSERT INTO ended_jobs (owner_id, kind, state, number)
    SELECT owner_id, kind, state, count(*) FROM jobs GROUP BY owner_id, kind, state
"""
# In KiB, negative as SQLite wants it: the rows of an index come in no order.
_CACHE = text("PRAGMA cache_size = -1000000")


def write_history(folder: Path, count: int) -> None:
    """Makes a hub's data folder, with jobs that have ended.

    Args:
        folder: The folder, which does not exist.
        count: Number of jobs.
    """
    store = SqliteStore(folder, durable=False)
    FolderStore(folder).file_path(_FILE).touch()
    try:
        with store.write() as db:
            db.execute(_CACHE)
            _add_people(db)
            _add_devices(db)
            add_file(db, File(_FILE, 0, None))
            db.execute(text(_SOURCES), {"file": _FILE})
        for first in range(1, count + 1, _BATCH):
            with store.write() as db:
                _add_jobs(db, first, min(first + _BATCH - 1, count))
        with store.write() as db:
            db.execute(text(_ENDED))
            db.execute(text(_SHARES), {"viewer": VIEWER, "shared": _SHARED})
    finally:
        store.close()


def _add_people(db: Connection) -> None:
    db.execute(text("CREATE TEMP TABLE people (number INTEGER PRIMARY KEY, owner_id, project_id)"))
    for number, email in enumerate(_PEOPLE):
        user = ensure_user(db, email)
        values = {"number": number, "owner": user.id, "project": user.project_id}
        db.execute(text("INSERT INTO people VALUES (:number, :owner, :project)"), values)
    # They keep their access when a hub starts that does not name them.
    db.execute(text("UPDATE users SET origin = 'added'"))


def _add_devices(db: Connection) -> None:
    catalogue = DeviceCatalogue.load()
    db.execute(text("CREATE TEMP TABLE devices (number INTEGER PRIMARY KEY, json)"))
    for number, name in enumerate(_DEVICES):
        values = {
            "number": number,
            "json": json.dumps(catalogue.resolve(DeviceQuery(name)).to_json()),
        }
        db.execute(text("INSERT INTO devices VALUES (:number, :json)"), values)


def _add_jobs(db: Connection, first: int, last: int) -> None:
    db.execute(text(_HISTORY), {"first": first, "last": last, "devices": len(_DEVICES)})
    values = {"spec": json.dumps(_SPEC), "file": _FILE}
    for statement in (_JOBS, _TARGETS, _INPUTS, _OUTPUTS, _LOGS):
        db.execute(text(statement), values)
    db.execute(text("DROP TABLE history"))


if __name__ == "__main__":
    write_history(Path(sys.argv[1]), int(sys.argv[2]))
