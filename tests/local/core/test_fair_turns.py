"""Whose turn it is: whatever people submit and whatever ends, nobody is shut out."""

from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.core.scheduler import Candidate, Slots, choose_next

PEOPLE = range(6)


class Machine:
    """People with queues, and the jobs of theirs that run."""

    def __init__(self, places: Slots) -> None:
        self.places = places
        self.queued: Counter[int] = Counter()
        self.running: Counter[int] = Counter()
        self.served: dict[int, int] = {}
        self.begun: list[int] = []

    def claimants(self) -> list[Candidate]:
        return [
            Candidate(who, self.running[who], self.served.get(who, 0), who)
            for who, jobs in self.queued.items()
            if jobs
        ]

    def begin(self) -> Candidate | None:
        chosen = choose_next(self.claimants(), self.places, self.running.total())
        if chosen is not None:
            self.begun.append(chosen.user_id)
            self.served[chosen.user_id] = len(self.begun)
            self.queued[chosen.user_id] -= 1
            self.running[chosen.user_id] += 1
        return chosen


steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from(PEOPLE), st.integers(1, 4)),
        st.tuples(st.just("end"), st.sampled_from(PEOPLE), st.just(1)),
    ),
    max_size=60,
)


@given(steps, st.integers(1, 3))
def test_places_are_kept_and_given_to_whom_they_are_due(
    steps: list[tuple[str, int, int]], usual: int
) -> None:
    machine = Machine(Slots.with_reserved(usual))
    for what, who, number in steps:
        if what == "submit":
            machine.queued[who] += number
        elif machine.running[who]:
            machine.running[who] -= 1
        while True:
            before, taken = machine.claimants(), machine.running.total()
            chosen = machine.begin()
            if chosen is None:
                break
            assert taken < machine.places.total
            assert chosen.running == min(each.running for each in before)
            if taken >= machine.places.shared:
                assert chosen.running == 0
        # No place stays empty that somebody may have.
        waiting = machine.claimants()
        if machine.running.total() < machine.places.shared:
            assert not waiting
        elif machine.running.total() < machine.places.total:
            assert all(each.running for each in waiting)


@given(steps, st.integers(1, 2))
def test_nobody_of_whom_nothing_runs_waits_for_two_turns_of_another(
    steps: list[tuple[str, int, int]], usual: int
) -> None:
    machine = Machine(Slots.with_reserved(usual))
    since: dict[int, int] = {}
    for what, who, number in steps:
        if what == "submit":
            machine.queued[who] += number
        elif machine.running[who]:
            machine.running[who] -= 1
        for each in machine.claimants():
            if not each.running:
                since.setdefault(each.user_id, len(machine.begun))
        while (chosen := machine.begin()) is not None:
            turns = Counter(machine.begun[since.pop(chosen.user_id, len(machine.begun) - 1) : -1])
            assert all(number == 1 for number in turns.values())


def test_a_person_alone_takes_all_usual_places_and_no_other() -> None:
    machine = Machine(Slots(3, 6))
    machine.queued[1] = 10
    while machine.begin() is not None:
        pass
    assert machine.running == {1: 3}


def test_another_gets_one_beyond_them_and_only_one() -> None:
    machine = Machine(Slots(2, 4))
    machine.queued.update({1: 10, 2: 10})
    machine.queued[2] = 0
    while machine.begin() is not None:
        pass
    machine.queued[2] = 10
    while machine.begin() is not None:
        pass
    assert machine.running == {1: 2, 2: 1}


def test_many_people_do_not_overload_the_machine() -> None:
    everybody = [Candidate(who, 0, 0, who) for who in range(1000)]
    assert Slots.with_reserved(1) == Slots(1, 9)
    assert Slots.with_reserved(16) == Slots(16, 32)
    places = Slots(2, 4)
    given_to = []
    for taken in count():
        chosen = choose_next(everybody, places, taken)
        if chosen is None:
            break
        everybody.remove(chosen)
        given_to.append(chosen.user_id)
    assert given_to == [0, 1, 2, 3]


def test_users_with_a_higher_priority_are_served_first_in_shared_and_in_reserved_places() -> None:
    often, seldom = Candidate(1, 5, 9, 10, priority=1), Candidate(2, 0, 0, 1)
    assert choose_next([seldom, often], Slots(9, 18), 3) == often
    # A place that is reserved is not for somebody who has others.
    assert choose_next([seldom, often], Slots(9, 18), 9) == seldom
    low = Candidate(3, 0, 0, 0, priority=-1)
    assert choose_next([low, seldom], Slots(9, 18), 9) == seldom
    assert choose_next([low], Slots(9, 18), 3) == low


def test_among_equals_who_was_served_longest_ago_then_the_oldest_job() -> None:
    claimants = [Candidate(1, 1, 5, 10), Candidate(2, 1, 4, 30), Candidate(3, 1, 4, 20)]
    chosen = choose_next(claimants, Slots(9, 18), 3)
    assert chosen is not None
    assert chosen.user_id == 3
