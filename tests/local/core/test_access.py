"""Who may see what: all that a share opens, and all that taking it back closes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection
from support.store_builders import add_dataset, add_job, add_model

from qai_hub.local.core.access import DATASET, JOB, MODEL, filter_visible, is_visible
from qai_hub.local.errors import ProblemError
from qai_hub.local.store import Store
from qai_hub.local.store.people import get_shared_emails, share, unshare
from qai_hub.local.store.records import Owned, User
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS


@dataclass
class World:
    """Ada's work: quantize -> two compile jobs -> link -> profile, and an inference job beside."""

    db: Connection
    ada: User
    bob: User
    eve: User
    ids: dict[str, str]

    def seen_by(self, viewer: User) -> set[str]:
        """Return the names of what a person may see."""
        kinds = (JOBS, MODELS, DATASETS)
        return {
            name
            for name, key in self.ids.items()
            for rows in kinds
            if (thing := rows.get(self.db, key)) is not None and is_visible(self.db, viewer, thing)
        }

    def share(self, *names: str) -> None:
        for name in names:
            share(self.db, self.ids[name], [self.bob.email])

    def unshare(self, name: str) -> None:
        unshare(self.db, self.ids[name], [self.bob.email])


@pytest.fixture
def world(store: Store, ada: User, bob: User, eve: User) -> Iterator[World]:
    with store.write() as db:
        ids: dict[str, str] = {}
        for name in ("source", "quantized", "one", "two", "linked", "single", "other"):
            ids[name] = add_model(db, ada)
        for name in ("calibration", "inputs", "outputs"):
            ids[name] = add_dataset(db, ada)

        def job(name: str, kind: str, **roles: list[str]) -> None:
            named: dict[str, Any] = {
                role: [ids[each] for each in things] for role, things in roles.items()
            }
            ids[name] = add_job(db, ada, kind, **named)

        job("quantize", "quantize", input=["source"], target=["quantized"], dataset=["calibration"])
        job("compile1", "compile", input=["quantized"], target=["one"])
        job("compile2", "compile", input=["quantized"], target=["two"])
        job("link", "link", input=["one", "two"], target=["linked"])
        job("profile", "profile", input=["linked"])
        job("compile3", "compile", input=["source"], target=["single"])
        job("inference", "inference", input=["single"], dataset=["inputs"], output=["outputs"])
        yield World(db, ada, bob, eve, ids)


BEHIND_PROFILE = {
    "profile",
    "linked",
    "link",
    "one",
    "two",
    "compile1",
    "compile2",
    "quantized",
}
BEHIND_INFERENCE = {"inference", "single", "inputs", "outputs", "compile3", "source"}


def test_owners_see_all_and_strangers_nothing(world: World) -> None:
    assert world.seen_by(world.ada) == set(world.ids)
    assert world.seen_by(world.bob) == set()


@pytest.mark.parametrize(
    ("shared", "opened"),
    [
        (["source"], {"source"}),
        (["linked"], {"linked"}),
        (["inputs"], {"inputs"}),
        (["quantize"], {"quantize", "source", "quantized", "calibration"}),
        (["compile1"], {"compile1", "quantized", "one"}),
        (["link"], {"link", "one", "two", "linked"}),
        (["profile"], BEHIND_PROFILE),
        (["inference"], BEHIND_INFERENCE),
        (["profile", "inference"], BEHIND_PROFILE | BEHIND_INFERENCE),
    ],
)
def test_what_each_share_opens(world: World, shared: list[str], opened: set[str]) -> None:
    world.share(*shared)
    assert world.seen_by(world.bob) == opened


def test_taking_back_closes_what_nothing_else_opens(world: World) -> None:
    world.share("profile", "compile1", "two")
    assert world.seen_by(world.bob) == BEHIND_PROFILE
    world.unshare("profile")
    assert world.seen_by(world.bob) == {"compile1", "quantized", "one", "two"}
    world.unshare("compile1")
    assert world.seen_by(world.bob) == {"two"}
    unshare(world.db, world.ids["two"])
    assert world.seen_by(world.bob) == set()


def test_a_share_of_a_recipient_opens_nothing_of_the_owner(world: World) -> None:
    world.share("compile3")
    own = add_job(world.db, world.bob, "profile", input=[world.ids["single"]])
    share(world.db, own, [world.eve.email])
    assert world.seen_by(world.eve) == set()
    job = JOBS.get(world.db, own)
    assert job is not None
    assert is_visible(world.db, world.eve, job)
    world.unshare("compile3")
    assert world.seen_by(world.bob) == set()


def test_a_job_made_later_on_a_model_opens_the_chain_too(world: World) -> None:
    later = add_job(world.db, world.ada, "inference", input=[world.ids["one"]])
    share(world.db, later, [world.bob.email])
    assert world.seen_by(world.bob) == {"one", "compile1", "quantized"}


def test_models_that_feed_themselves_do_not_hang(world: World) -> None:
    loop = add_job(world.db, world.ada, input=[world.ids["other"]], target=[world.ids["other"]])
    share(world.db, loop, [world.bob.email])
    assert world.seen_by(world.bob) == {"other"}


def test_an_address_without_account_can_be_named_and_names_keep_their_order(world: World) -> None:
    key = world.ids["source"]
    share(world.db, key, ["z@example.com", "a@example.com"])
    share(world.db, key, ["m@example.com", "z@example.com"])
    assert get_shared_emails(world.db, key) == ["z@example.com", "a@example.com", "m@example.com"]
    unshare(world.db, key, ["a@example.com", "nobody@example.com"])
    assert get_shared_emails(world.db, key) == ["z@example.com", "m@example.com"]


def test_strangers_cannot_tell_what_exists(world: World) -> None:
    key = world.ids["inference"]
    for kind, known, unknown in (
        (JOB, key, "j00000000"),
        (MODEL, world.ids["source"], "m00000000"),
        (DATASET, world.ids["inputs"], "d00000000"),
    ):
        for action in (kind.get_visible, kind.get_editable):
            texts = []
            for each in (known, unknown):
                with pytest.raises(ProblemError) as caught:
                    action(world.db, world.bob, each)
                assert caught.value.status == 404
                texts.append(caught.value.detail.replace(each, "X"))
            assert texts[0] == texts[1]


def test_recipients_may_look_and_not_change(world: World) -> None:
    world.share("inference")
    assert JOB.get_visible(world.db, world.bob, world.ids["inference"]).owner_id == world.ada.id
    for name, kind in (("inference", JOB), ("compile3", JOB)):
        with pytest.raises(ProblemError, match="Only its owner") as caught:
            kind.get_editable(world.db, world.bob, world.ids[name])
        assert caught.value.status == 403
    assert JOB.get_editable(world.db, world.ada, world.ids["inference"]).name == "work"


@pytest.mark.parametrize("seed", range(15))
def test_what_is_asked_at_once_is_what_is_asked_one_by_one(world: World, seed: int) -> None:
    names = random.Random(seed).sample(sorted(world.ids), seed % 5)
    world.share(*names)
    keys = world.ids.values()
    things: list[Owned] = []
    for rows in (JOBS, MODELS, DATASETS):
        things += rows.get_many(world.db, keys).values()
    for person in (world.ada, world.bob, world.eve):
        alone = {thing.id for thing in things if is_visible(world.db, person, thing)}
        assert filter_visible(world.db, person, things).keys() == alone


def test_any_number_of_things_can_be_asked_about(store: Store, ada: User, bob: User) -> None:
    with store.write() as db:
        keys = [add_model(db, ada) for _ in range(1203)]
        for key in keys[::2]:
            share(db, key, [bob.email])
        models = MODELS.get_many(db, keys).values()
        assert set(filter_visible(db, bob, models)) == set(keys[::2])
        assert set(filter_visible(db, ada, models)) == set(keys)
        assert filter_visible(db, ada, ()) == {}
