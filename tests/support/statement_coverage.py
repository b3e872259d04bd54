"""Runs every function of the store that has a statement, on whatever database there is."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType, ModuleType
from typing import Any

from sqlalchemy import Connection
from support.store_builders import NOON, add_dataset, add_job, add_model

from qai_hub.local.core import kinds as states
from qai_hub.local.core.access import filter_visible
from qai_hub.local.store import (
    data_folder,
    figures,
    files,
    job_lists,
    nodes,
    people,
    pruning,
    relations,
    rows,
    sign_ins,
    stored_sizes,
)
from qai_hub.local.store.records import Account, Artifact, File, Upload, User
from qai_hub.local.store.rows import DATASETS, JOB_SUMMARIES, JOBS, MODELS, PageRequest
from qai_hub.local.store.schema import jobs

MODULES = (
    data_folder,
    figures,
    files,
    job_lists,
    nodes,
    people,
    pruning,
    relations,
    rows,
    sign_ins,
    stored_sizes,
)
LARGE = 1 << 40


def functions_with_statements(module: ModuleType) -> Iterator[tuple[str, CodeType]]:
    """Find the functions and methods of a module that take a transaction."""
    for holder in (module, *vars(module).values()):
        if holder is not module and not inspect.isclass(holder):
            continue
        for found in vars(holder).values():
            function = inspect.unwrap(found) if callable(found) else None
            if not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            if "db" in inspect.signature(function).parameters:
                yield f"{module.__name__}.{function.__qualname__}", function.__code__


@contextmanager
def record_calls() -> Iterator[set[CodeType]]:
    """Note which functions are called meanwhile, in this thread."""
    called: set[CodeType] = set()

    def note(frame: FrameType, what: str, _: object) -> None:
        if what == "call":
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(before)


def run_every_statement(db: Connection) -> None:
    """Run them all, and look at what they return.

    Args:
        db: A writing transaction of a database with the hub's tables, and nothing in them.
    """
    ada, bob = _people(db)
    _uploads(db, ada.id)
    model, target = _models(db, ada)
    first, second = _jobs(db, ada, model, target)
    _sharing(db, ada, bob, [first, second], [model, target])
    _nodes(db, first)
    assert JOBS.update_if(db, first, jobs.c.attempt == 0, execution_time=LARGE, attempt=2)
    ended = job_lists.end_jobs(db, [first, second], jobs.c.attempt == 0, state=states.DONE)
    assert ended == [second]
    _lists(db, ada, bob, [first, second])
    dataset = add_dataset(db, ada, expires=NOON)
    DATASETS.update(db, dataset, file_id="f1")
    assert files.get_unexpired_sizes(db, NOON) == {}
    DATASETS.delete(db, dataset)
    assert files.delete_unreferenced(db, ["f1"]) == []
    _pruning(db, first, second)
    assert stored_sizes.get_pending(db, ada.id, NOON) == 0
    stored = {each.account.email: each.stored for each in figures.get_user_figures(db, "")}
    assert stored == {"ada@example.com": LARGE, "bob@example.com": 0}
    _sign_ins(db, ada.id)
    people.set_rate_due(db, ada.id, LARGE)
    assert people.get_rate_due(db, ada.id) == LARGE


def _lists(db: Connection, ada: User, bob: User, job_ids: list[str]) -> None:
    first, second = job_ids
    people.share(db, second, ["bob@example.com"])
    every = [(kind, state) for kind in states.KINDS for state in (states.CREATED, states.DONE)]
    for viewer, owner_id, wanted, found in (
        (ada, None, None, [second, first]),
        (ada, ada.id, every, [second, first]),
        (ada, None, [("profile", states.DONE)], [second]),
        (ada, bob.id, every, []),
        (ada, None, [], []),
        (bob, ada.id, every, [second]),
        (bob, bob.id, every, []),
    ):
        request, chosen = PageRequest(limit=5), job_lists.JobFilter(owner_id, wanted)
        page = job_lists.page_of_jobs(db, JOB_SUMMARIES, viewer, request, chosen)
        assert ([each.id for each in page.items], page.total) == (found, len(found))
        assert type(page.total) is int
    searched = job_lists.JobFilter(text="WORK", after=NOON)
    page = job_lists.page_of_jobs(db, JOB_SUMMARIES, ada, PageRequest(limit=5), searched)
    assert ([each.id for each in page.items], page.total) == ([second, first], 2)
    people.unshare(db, second)


def _sign_ins(db: Connection, user_id: int) -> None:
    made = [
        sign_ins.SignIn(f"digest {day}", "link", user_id, None, f"2026-01-0{day}") for day in "1234"
    ]
    for each in made:
        sign_ins.add_sign_in(db, each)
    sign_ins.delete_older(db, user_id, "link", 4)
    assert sign_ins.get_sign_in(db, "digest 1", "link", "2026-01-00") == made[0]
    sign_ins.delete_older(db, user_id, "link", 3)
    assert sign_ins.get_sign_in(db, "digest 1", "link", "2026-01-00") is None
    sign_ins.delete_expired(db, "2026-01-02")
    assert sign_ins.take_sign_in(db, "digest 2", "link", "2026-01-00") is None
    assert sign_ins.take_sign_in(db, "digest 3", "link", "2026-01-00") == made[2]
    assert sign_ins.take_sign_in(db, "digest 3", "link", "2026-01-00") is None


def _people(db: Connection) -> tuple[User, User]:
    ada, bob = people.ensure_user(db, "ada@example.com"), people.ensure_user(db, "bob@example.com")
    assert people.ensure_user(db, "ada@example.com") == ada == people.get_user(db, ada.id)
    assert people.get_users(db) == [ada, bob]
    accounts = people.read_accounts(db)
    assert accounts["ada@example.com"].active
    for count, tokens in enumerate((frozenset({"t1"}), frozenset({"t2", "t3"})), 1):
        after = {"ada@example.com": Account("ada@example.com", "added", tokens=tokens)}
        people.write_accounts(db, accounts | after)
        assert people.get_users_version(db) == count
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(2):
        data_folder.save_start_times(db, moment, moment)
    assert data_folder.get_start_times(db) == [moment, moment]
    with TemporaryDirectory() as folder:
        for _ in range(2):
            data_folder.claim_shared_folder(db, Path(folder), b"secret")
        data_folder.require_files_of(db, Path(folder), b"secret")
    return ada, bob


def _models(db: Connection, ada: User) -> tuple[str, str]:
    model, target = add_model(db, ada), add_model(db, ada)
    files.add_file(db, File("f1", LARGE, None), ada.id)
    assert stored_sizes.get_stored(db, ada.id) == LARGE
    files.set_digest(db, "f1", "aa")
    assert files.get_file(db, "f1") == File("f1", LARGE, "aa")
    assert files.get_unexpired_sizes(db, NOON) == {"f1": LARGE}
    MODELS.update(db, model, file_id="f1", provenance={"a": 1})
    for digest, size, found in (("aa", None, ["f1"]), ("aa", 1, ["f1"]), ("bb", LARGE, [])):
        assert [file.id for file in files.get_uploaded_files(db, ada.id, digest, size)] == found
    origin = relations.find_model_by_digest(db, "aa")
    assert origin is not None
    assert origin.id == model
    return model, target


def _jobs(db: Connection, ada: User, model: str, target: str) -> tuple[str, str]:
    first = add_job(db, ada, input=[model], target=[target])
    second = add_job(db, ada, "profile", input=[target])
    assert relations.get_uses(db, [first])[first].models == [model, target]
    assert [each.job_id for each in relations.first_ready_jobs(db, states.CREATED, [""])] == [first]
    assert relations.count_jobs(db, ada.id, states.CREATED) == 2
    assert relations.count_by_owner(db, [states.CREATED]) == {ada.id: 2}
    (figure,) = (
        each
        for each in figures.get_user_figures(db, states.CREATED)
        if each.account.email == ada.email
    )
    assert figure.queued_jobs == 2
    assert relations.count_leased_by_owner(db, [states.CREATED]) == {}
    JOBS.update(db, first, lease=1)
    assert relations.count_leased_by_owner(db, [states.CREATED]) == {ada.id: 1}
    relations.take_turn(db, ada.id)
    assert [each.turn for each in relations.first_ready_jobs(db, states.CREATED, [""])] == [1]
    assert [each.number for each in relations.get_queue_lengths(db, states.CREATED)] == [2]
    facts = relations.get_input_facts(db, [model, target])
    assert sorted(each.size or 0 for each in facts) == [0, LARGE]
    assert relations.find_job_using(db, target, states.UNFINISHED_STATES) == first
    assert relations.get_dependents(db, [first], states.CREATED) == [second]
    assert relations.find_uses(db, [target], 5) == [(second, "input"), (first, "target")]
    assert relations.find_uses(db, [target], 5, "input", owner_id=ada.id) == [(second, "input")]
    assert relations.find_uses(db, [target], 5, not_owner_id=ada.id) == []
    MODELS.update(db, target, file_id="f1")
    relations.mark_ready(db, [target], states.CREATED)
    ready = JOBS.get(db, second)
    assert ready is not None
    assert ready.ready
    ended = figures.EndedJob(ready.kind, ready.failure_type, 0, NOON, None, None)
    assert figures.get_ended_jobs(db, [second]) == [ended]
    assert figures.get_stored_figures(db) == (LARGE, 1, 0)
    found = JOBS.get_many(db, [first, second])
    one, other = found[first], found[second]
    files.save_cache_entry(db, "key", one)
    files.save_cache_entry(db, "key", other)
    assert files.get_cached_job_ids(db, "key") == [second]
    files.delete_cache_entry(db, second)
    relations.add_result(db, first, {"a": [1]})
    assert relations.get_job_result(db, first) == {"a": [1]}
    artifact = Artifact(first, states.HUB_LOG, "hub.log", "f1")
    relations.add_artifacts(db, artifact)
    assert relations.get_artifacts(db, [first])[first] == [artifact]
    relations.replace_artifact(db, first, artifact.type, artifact.file_id)
    assert artifact.file_id in files.get_sizes(db, [artifact.file_id])
    return first, second


def _pruning(db: Connection, first: str, second: str) -> None:
    JOBS.update(db, second, completed=NOON)
    position = pruning.find_position(db, jobs, NOON)
    final = [states.DONE]
    (ended,) = pruning.get_ended_rows(db, final, NOON, before=position, limit=5)
    assert ended.id == second
    assert pruning.get_ended_rows(db, final, NOON, before=position, limit=5, owner_id=9) == []
    assert pruning.get_users_of(db, [first, second]) == {first: {second}}
    nothing = pruning.Deleted(jobs=1)
    assert pruning.get_belongings(db, [second]) == pruning.Deleted(1, 0, 0, [])
    assert pruning.delete_jobs(db, [ended]).jobs == nothing.jobs
    found = pruning.get_unused_models(db, before=LARGE, limit=5, owner_id=9)
    assert found == []
    assert pruning.get_files_of(db, []) == pruning.delete_models(db, [])
    assert pruning.release_expired(db, NOON, final, 5) is None


def _nodes(db: Connection, job_id: str) -> None:
    now = nodes.read_clock(db)
    node = nodes.Node("n1", "here:1", "worker", "1.0", 2, NOON, "qnn,torch", seen=now)
    nodes.add_node(db, node, now)
    assert nodes.get_nodes(db) == nodes.get_living_nodes(db, LARGE) == [node]
    assert nodes.get_living_nodes(db, -LARGE) == []
    assert nodes.get_offered_labels(db, LARGE) == {"qnn", "torch"}
    assert nodes.mark_seen(db, "n1", now + 1, draining=True)
    assert not nodes.mark_seen(db, "n2", now, draining=False)
    JOBS.update(db, job_id, node_id="n1", lease=now)
    assert nodes.renew_leases(db, "n1", [states.CREATED], now + LARGE) == {job_id: 0}
    assert nodes.get_lost_jobs(db, [states.CREATED], now + LARGE) == []
    assert nodes.get_lost_jobs(db, [states.CREATED], now + LARGE + 1) == [job_id]
    assert nodes.get_silent_nodes(db, now + 2) == []
    JOBS.update(db, job_id, node_id=None, lease=None)
    assert nodes.get_silent_nodes(db, now + 1) == []
    assert nodes.get_silent_nodes(db, now + 2) == ["n1"]
    nodes.remove_nodes(db, ["n1"])
    assert nodes.get_nodes(db) == []


def _sharing(
    db: Connection, ada: User, bob: User, job_ids: list[str], model_ids: list[str]
) -> None:
    (_, second), things = job_ids, list[Any]()
    things += [*JOBS.get_many(db, job_ids).values(), *MODELS.get_many(db, model_ids).values()]
    for _ in range(2):
        people.share(db, second, ["bob@example.com"])
    assert people.get_shared_emails(db, second) == ["bob@example.com"]
    # The profile job opens its model, and the compile job behind that.
    assert filter_visible(db, bob, things).keys() == {*job_ids, *model_ids}
    wanted = PageRequest(limit=1)
    page = JOBS.page(db, ada, wanted, [jobs.c.kind == "profile"])
    assert ([each.id for each in page.items], page.total) == ([second], 1)
    page = JOBS.page(db, bob, PageRequest(limit=1, offset=0, cursor=LARGE))
    assert [each.id for each in page.items] == [second]
    people.unshare(db, second, ["bob@example.com"])
    people.unshare(db, second)
    assert filter_visible(db, bob, things) == {}


def _uploads(db: Connection, owner: int) -> None:
    answer = files.StoredResponse(owner, "/path", "key", NOON, "digest")
    assert files.claim_key(db, answer) is None
    files.save_response(db, answer)
    assert files.claim_key(db, answer) == answer
    files.delete_responses(db, NOON)
    assert files.claim_key(db, answer) is None
    upload = Upload("u1", "m1", NOON, LARGE, LARGE, owner)
    files.add_upload(db, upload)
    assert figures.get_stored_figures(db).uploads == 1
    assert files.get_upload(db, "u1") == upload
    assert files.get_uploads(db, "m1") == [upload]
    assert files.get_upload_times(db) == {"u1": NOON}
    assert files.count_uploads(db, owner, "") == 1
    for size in (1, LARGE):
        files.save_part(db, files.Part("u1", 1, size, "aa"))
    assert files.get_parts(db, "u1") == [files.Part("u1", 1, LARGE, "aa")]
    files.delete_part(db, "u1", 1)
    files.save_part(db, files.Part("u1", 2, 1, "aa"))
    files.delete_uploads(db, ["u1"])
    assert files.get_parts(db, "u1") == []


def uncalled_functions(run: Callable[[], None]) -> set[str]:
    """Return the functions with statements that something does not call."""
    with record_calls() as called:
        run()
    return {
        name
        for module in MODULES
        for name, code in functions_with_statements(module)
        if code not in called
    }
