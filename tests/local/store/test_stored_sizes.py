"""What users store, as it is counted: the same as its sum, whatever is added and deleted."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, union_all
from support.store_builders import add_dataset, add_job, add_model

from qai_hub.local.store import Store
from qai_hub.local.store.files import add_file, delete_unreferenced
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.records import Artifact, File, User
from qai_hub.local.store.relations import add_artifacts
from qai_hub.local.store.rows import DATASETS, MODELS
from qai_hub.local.store.schema import artifacts, datasets, files, jobs, models
from qai_hub.local.store.stored_sizes import get_stored

PEOPLE = ("ada@example.com", "bob@example.com", "eve@example.com")
WHO, SIZES = st.integers(0, 2), st.integers(0, 1 << 42)
STEPS = st.lists(
    st.tuples(st.just("model"), WHO, SIZES)
    | st.tuples(st.just("dataset"), WHO, SIZES)
    | st.tuples(st.just("log of two"), WHO, WHO)
    | st.tuples(st.just("reuse"), WHO, st.integers(0, 9))
    | st.tuples(st.just("delete"), WHO, st.integers(0, 9)),
    max_size=25,
)


class World:
    """People who store files, are given those of others by the cache, and delete them."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        self.people = [ensure_user(db, email) for email in PEOPLE]
        self.objects: list[tuple[str, str, str]] = []
        self.made = 0

    def take(self, step: str, who: int, number: int) -> None:
        owner = self.people[who]
        if step == "model":
            self.add_model(owner, self.add_file(owner, number))
        elif step == "dataset":
            key, file = add_dataset(self.db, owner), self.add_file(owner, number)
            DATASETS.update(self.db, key, file_id=file)
            self.objects.append(("dataset", key, file))
        elif step == "log of two":
            file = self.add_file(owner, 7)
            keys = [add_job(self.db, each) for each in (owner, self.people[number])]
            add_artifacts(self.db, *(Artifact(key, "log", "hub.log", file) for key in keys))
            self.objects += [("job", key, file) for key in keys]
        elif self.objects:
            chosen = self.objects[number % len(self.objects)]
            if step == "delete":
                self.delete(*chosen)
                self.objects.remove(chosen)
            elif chosen[0] == "model":
                self.add_model(owner, chosen[2])

    def add_file(self, owner: User, size: int) -> str:
        self.made += 1
        add_file(self.db, File(f"f{self.made}", size, None), owner.id)
        return f"f{self.made}"

    def add_model(self, owner: User, file: str) -> None:
        key = add_model(self.db, owner)
        MODELS.update(self.db, key, file_id=file)
        self.objects.append(("model", key, file))

    def delete(self, kind: str, key: str, file: str) -> None:
        if kind == "job":
            self.db.execute(artifacts.delete().where(artifacts.c.job_id == key))
        else:
            {"model": MODELS, "dataset": DATASETS}[kind].delete(self.db, key)
        delete_unreferenced(self.db, [file])

    def check(self) -> None:
        rows = self.db.execute(select(files)).all()
        sums = Counter[int]()
        for row in rows:
            sums[row.owner_id] += row.size
        assert [get_stored(self.db, each.id) for each in self.people] == [
            sums[each.id] for each in self.people
        ]
        needed = union_all(
            *(select(table.c.file_id, table.c.owner_id) for table in (models, datasets)),
            select(artifacts.c.file_id, jobs.c.owner_id).join(
                jobs, jobs.c.id == artifacts.c.job_id
            ),
        )
        # Each file counts for somebody who has it, and none stays that nobody has.
        has = {tuple(row) for row in self.db.execute(needed)}
        assert {(row.id, row.owner_id) for row in rows} <= has
        assert {file for _, _, file in self.objects} == {row.id for row in rows}


@given(STEPS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_counted_is_the_sum_of_what_is_there(
    store: Store, steps: list[tuple[str, int, int]]
) -> None:
    with store.write() as db:
        before = db.begin_nested()
        world = World(db)
        for step in steps:
            world.take(*step)
            world.check()
        before.rollback()
