"""`qai-hub admin`: upgrades, copies, backs up and cleans the data of a local hub.

Like `qai-hub users`, it works on the database and the data folder: whoever can write to both is the
hub's administrator.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from qai_hub.cli.common import print_info
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.hub_process import (
    DATABASE_VARIABLE,
    database_option,
    refusals,
    require_local_hub,
)
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import Field, output_options, print_record, print_rows, size_field
from qai_hub.cli.parameters import data_dir_option

_FOLDER = click.Path(file_okay=False, path_type=Path)

NODE_FIELDS = (
    Field("name", lambda each: each.node.name, keep_whole=True),
    Field("role", lambda each: each.node.role, keep_whole=True),
    Field("state", lambda each: each.state, keep_whole=True),
    Field("version", lambda each: each.node.version, spare=1),
    Field("slots", lambda each: each.node.slots),
    Field("running", lambda each: each.running),
    Field(
        "heard",
        lambda each: datetime.fromtimestamp(each.node.seen / 1e6, UTC),
        keep_whole=True,
        spare=2,
    ),
    Field(
        "started",
        lambda each: datetime.fromisoformat(each.node.started),
        keep_whole=True,
        spare=3,
    ),
)
MIGRATION_FIELDS = (
    Field("before", lambda versions: versions[0]),
    Field("after", lambda versions: versions[1]),
)
COPY_FIELDS = (
    Field("rows", lambda each: each.rows),
    Field("files", lambda each: each.files.count),
    size_field("size", lambda each: each.files.size),
    Field("missing", lambda each: each.files.missing),
)
BACKUP_FIELDS = (Field("folder", lambda each: str(each.folder)), *COPY_FIELDS)
GARBAGE_FIELDS = (
    Field("files", lambda each: each.files),
    Field("uploads", lambda each: each.uploads),
    Field("folders", lambda each: each.folders),
    size_field("size", lambda each: each.size),
    Field("restored", lambda each: each.restored),
)
PRUNED_FIELDS = (
    Field("jobs", lambda each: each.jobs),
    Field("models", lambda each: each.models),
    Field("datasets", lambda each: each.datasets),
    Field("files", lambda each: each.files),
)

_backup_folder = click.argument("folder", metavar="BACKUP", type=_FOLDER)


@click.group(cls=HubGroup)
def admin() -> None:
    """Upgrade, back up, restore and clean the data of a local hub."""


@admin.command(
    examples=[
        ("The processes of a hub", "admin nodes --database postgresql:///hub"),
        ("Their names, for a script", "admin nodes --database postgresql:///hub -q"),
    ]
)
@database_option
@output_options(NODE_FIELDS)
@click.pass_obj
def nodes(invocation: Invocation, /, database: str | None) -> None:
    """List the processes of a hub of several processes.

    Each has a role, web or worker; a number of jobs that it runs at once, and of those that it runs
    now; and when the database last heard of it. One that is silent for more than a minute has most
    likely ended.
    """
    require_local_hub()
    url = _require_database(database)
    from qai_hub.local.admin.processes import get_processes
    from qai_hub.local.store.opening import open_hub

    with refusals(), open_hub(url, Path(), write=False) as db:
        found = get_processes(db)
    print_rows(invocation, found, NODE_FIELDS, empty="No processes.")


@admin.command(
    examples=[
        ("Upgrade a database, once all processes have stopped", "admin migrate --database URL"),
        ("Upgrade the database of a hub of one process", "admin migrate --data-dir /srv/hub"),
        (
            "Copy a hub of one process, for several",
            "admin migrate --from-data-dir ~/.qai_hub/local --database URL --data-dir /srv/team",
        ),
    ]
)
@click.option(
    "--from-data-dir",
    metavar="DIR",
    type=_FOLDER,
    help="Copy the hub of this folder, which stays as it is and does not run, to an empty database "
    "and a new data folder.",
)
@data_dir_option
@database_option
@output_options((*MIGRATION_FIELDS, *COPY_FIELDS))
@click.pass_obj
def migrate(
    invocation: Invocation, /, from_data_dir: Path | None, data_dir: Path, database: str | None
) -> None:
    """Upgrade the database of an older release, or copy a hub of one process to PostgreSQL.

    No process of the hub may run meanwhile. A hub of one process upgrades its database when it
    starts, too.
    """
    require_local_hub()
    from qai_hub.local.admin.migrate import copy_hub, upgrade_database, upgrade_folder

    folder = data_dir.expanduser()
    with refusals():
        if from_data_dir is not None:
            copied = copy_hub(from_data_dir.expanduser(), _require_database(database), folder)
            print_record(invocation, copied, COPY_FIELDS)
            _tell_missing(copied.files.missing)
            return
        versions = upgrade_folder(folder) if database is None else upgrade_database(database)
    print_record(invocation, versions, MIGRATION_FIELDS)


@admin.command(
    examples=[
        ("Of the hub of ~/.qai_hub/local", "admin backup hub-backup"),
        (
            "Of a hub of several processes",
            "admin backup hub-backup --database postgresql:///hub --data-dir /srv/hub",
        ),
    ]
)
@_backup_folder
@data_dir_option
@database_option
@output_options(BACKUP_FIELDS)
@click.pass_obj
def backup(invocation: Invocation, /, folder: Path, data_dir: Path, database: str | None) -> None:
    """Write a consistent backup of a hub, which may be running, into a new folder.

    It has all rows of the database as lines of JSON, and all files: as hard links where the folders
    are on one file system. It is as secret as the hub.
    """
    require_local_hub()
    from qai_hub.local.admin.backup import back_up

    with refusals():
        done = back_up(database, data_dir.expanduser(), folder)
    print_record(invocation, done, BACKUP_FIELDS)
    _tell_missing(done.files.missing)


@admin.command(
    examples=[
        ("As a hub of one process", "admin restore hub-backup --data-dir restored"),
        (
            "As a hub of several processes",
            "admin restore hub-backup --database postgresql:///new --data-dir /srv/new",
        ),
    ]
)
@_backup_folder
@data_dir_option
@database_option
@output_options(BACKUP_FIELDS)
@click.pass_obj
def restore(invocation: Invocation, /, folder: Path, data_dir: Path, database: str | None) -> None:
    """Restore a backup into a new data folder, and an empty database if one is named.

    The backup may be of a hub with the other kind of database. Jobs that were running run again.
    """
    require_local_hub()
    from qai_hub.local.admin.backup import restore as restore_backup

    with refusals():
        done = restore_backup(folder, database, data_dir.expanduser())
    print_record(invocation, done, BACKUP_FIELDS)
    _tell_missing(done.files.missing)


@admin.command(
    examples=[
        (
            "Only tell what would be moved",
            "admin gc --database postgresql:///hub --data-dir /srv/hub --dry-run",
        ),
    ]
)
@click.option("--dry-run", is_flag=True, help="Change nothing, and tell what would be done.")
@click.option(
    "--older-than",
    metavar="HOURS",
    type=click.FloatRange(min=1),
    default=24.0,
    show_default=True,
    help="Only what has not changed for so many hours.",
)
@data_dir_option
@database_option
@output_options(GARBAGE_FIELDS)
@click.pass_obj
def gc(
    invocation: Invocation,
    /,
    dry_run: bool,
    older_than: float,
    data_dir: Path,
    database: str | None,
) -> None:
    """Move files that the database does not know to the quarantine, while the hub runs.

    Deletes folders of processes that have gone, and what has been in the quarantine for a week. A
    hub of one process does all this when it starts.
    """
    require_local_hub()
    from qai_hub.local.admin.garbage import collect_garbage

    url, age = _require_database(database), timedelta(hours=older_than)
    with refusals():
        done = collect_garbage(url, data_dir.expanduser(), age, dry_run=dry_run)
    print_record(invocation, done, GARBAGE_FIELDS)


@admin.command(
    examples=[
        ("Tell what is older than 90 days", "admin prune --older-than 90 --dry-run"),
        (
            "Delete the old jobs of one user",
            "admin prune --older-than 30 --user ci@example.com --data-dir /srv/hub",
        ),
    ]
)
@click.option(
    "--older-than",
    metavar="DAYS",
    type=click.FloatRange(min=0, max=36_500),
    required=True,
    help="How long ago jobs have ended, and models been uploaded.",
)
@click.option("--user", metavar="EMAIL", help="Only what belongs to this user.")
@click.option("--dry-run", is_flag=True, help="Change nothing, and tell what would be deleted.")
@data_dir_option
@database_option
@output_options(PRUNED_FIELDS)
@click.pass_obj
def prune(
    invocation: Invocation,
    /,
    older_than: float,
    user: str | None,
    dry_run: bool,
    data_dir: Path,
    database: str | None,
) -> None:
    """Delete jobs that ended long ago, and models that no job has, while the hub runs.

    With jobs go their results and artifacts, and the models and datasets that they have made; jobs
    stay whose models or datasets another job has that stays.
    """
    require_local_hub()
    from qai_hub.local.admin.prune import prune as prune_hub

    age = timedelta(days=older_than)
    with refusals():
        done = prune_hub(database, data_dir.expanduser(), age, email=user, dry_run=dry_run)
    print_record(invocation, done, PRUNED_FIELDS)


def _require_database(database: str | None) -> str:
    if database is None:
        raise click.UsageError(f"Name the hub's database by --database or {DATABASE_VARIABLE}.")
    return database


def _tell_missing(count: int) -> None:
    if count:
        print_info(
            f"{count} files that the database knows were not there: users may have deleted them "
            "meanwhile."
        )
