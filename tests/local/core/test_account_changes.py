"""Who may enter after each step, by a few rules that hold for any history of steps."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.core import account_changes
from qai_hub.local.store.records import Account

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
Accounts = dict[str, Account]


def tokens(accounts: Mapping[str, Account]) -> dict[str, set[str]]:
    """Return the tokens of those who may enter."""
    return {each.email: set(each.tokens) for each in accounts.values() if each.active}


def started(*starts: Mapping[str, str | None], keep: bool = False) -> Accounts:
    accounts: Accounts = {}
    for named in starts:
        accounts = account_changes.apply_named_users(accounts, named, keep=keep)
    return accounts


def test_a_token_that_is_given_replaces_all_others() -> None:
    accounts = account_changes.add_token(started({ADA: "old"}), ADA, "older")
    assert tokens(accounts) == {ADA: {"old", "older"}}
    assert tokens(account_changes.apply_named_users(accounts, {ADA: "new"}, keep=False)) == {
        ADA: {"new"}
    }
    assert tokens(account_changes.replace_tokens(accounts, ADA, "new")) == {ADA: {"new"}}


def test_who_is_named_without_a_token_keeps_theirs() -> None:
    assert tokens(started({ADA: "t"}, {ADA: None})) == {ADA: {"t"}}


def test_who_is_not_named_any_more_may_come_back() -> None:
    accounts = started({ADA: "a", BOB: "b"}, {ADA: "a"})
    assert tokens(accounts) == {ADA: {"a"}}
    assert tokens(account_changes.apply_named_users(accounts, {BOB: None}, keep=False)) == {
        BOB: {"b"}
    }


def test_users_are_kept_where_that_is_asked_for_and_not_brought_back() -> None:
    assert tokens(started({ADA: "a"}, {BOB: "b"}, keep=True)) == {ADA: {"a"}, BOB: {"b"}}
    gone = started({ADA: "a"}, {BOB: "b"})
    assert tokens(account_changes.apply_named_users(gone, {BOB: None}, keep=True)) == {BOB: {"b"}}


def test_who_was_added_stays_until_they_are_revoked() -> None:
    accounts = account_changes.add_account(started({ADA: "a"}), BOB, "b")
    accounts = account_changes.apply_named_users(accounts, {EVE: "e"}, keep=False)
    assert tokens(accounts) == {BOB: {"b"}, EVE: {"e"}}
    accounts = account_changes.apply_named_users(
        account_changes.revoke_account(accounts, BOB), {EVE: None}, keep=True
    )
    assert tokens(accounts) == {EVE: {"e"}}
    # Named after all, they come in again, but not by what was taken away.
    assert tokens(account_changes.apply_named_users(accounts, {BOB: None}, keep=True)) == {
        BOB: set(),
        EVE: {"e"},
    }


def test_who_has_let_somebody_in_last_counts() -> None:
    added = account_changes.add_account({}, ADA, "a")
    assert tokens(account_changes.apply_named_users(added, {BOB: None}, keep=False))[ADA] == {"a"}
    named = account_changes.apply_named_users(added, {ADA: None}, keep=False)
    assert ADA not in tokens(account_changes.apply_named_users(named, {BOB: None}, keep=False))
    again = account_changes.add_account(
        account_changes.apply_named_users(named, {BOB: None}, keep=False), ADA, "new"
    )
    assert tokens(account_changes.apply_named_users(again, {BOB: None}, keep=False))[ADA] == {"new"}


def test_a_token_passes_from_who_has_another_or_may_not_enter() -> None:
    before = started({ADA: "x", BOB: "y"})
    swapped = account_changes.apply_named_users(before, {ADA: "y", BOB: "x"}, keep=False)
    assert tokens(swapped) == {ADA: {"y"}, BOB: {"x"}}
    moved = account_changes.apply_named_users(before, {ADA: "y"}, keep=False)
    assert tokens(moved) == {ADA: {"y"}}
    assert (
        tokens(account_changes.apply_named_users(moved, {ADA: None, BOB: None}, keep=False))[BOB]
        == set()
    )


def test_a_token_is_not_taken_from_who_may_enter_by_it() -> None:
    before = account_changes.add_account(started({ADA: "x"}), BOB, "y")
    refused: list[Callable[[], object]] = [
        lambda: account_changes.apply_named_users(before, {ADA: "y"}, keep=False),
        lambda: account_changes.apply_named_users({}, {ADA: "y", BOB: "y"}, keep=False),
        lambda: account_changes.apply_named_users(
            started({ADA: "x"}), {BOB: "x", ADA: None}, keep=False
        ),
        lambda: account_changes.apply_named_users(started({ADA: "x"}), {BOB: "x"}, keep=True),
        lambda: account_changes.add_account(before, EVE, "x"),
        lambda: account_changes.replace_tokens(before, ADA, "y"),
    ]
    for step in refused:
        with pytest.raises(ValueError, match="belongs to another user") as caught:
            step()
        assert "'x'" not in str(caught.value)


def test_who_is_unknown_or_known_already_is_told() -> None:
    accounts = account_changes.revoke_account(started({ADA: "a", BOB: "b"}), BOB)
    for step in (account_changes.replace_tokens, account_changes.add_token):
        for email in (BOB, EVE):
            with pytest.raises(ValueError, match=rf"not a user of this hub \(its users: {ADA}"):
                step(accounts, email, "t")
    with pytest.raises(ValueError, match="not a user of this hub"):
        account_changes.revoke_account(accounts, EVE)
    with pytest.raises(ValueError, match="already a user"):
        account_changes.add_account(accounts, ADA, "t")
    assert account_changes.revoke_account(accounts, BOB) == accounts


def test_each_person_is_named_once() -> None:
    assert account_changes.merge_users([(" Ada@Example.com", None), (ADA, "t"), (ADA, None)]) == {
        ADA: "t"
    }
    assert account_changes.merge_users([(ADA, "t"), (ADA, "t"), (BOB, None)]) == {
        ADA: "t",
        BOB: None,
    }
    with pytest.raises(ValueError, match="named twice, with different tokens") as caught:
        account_changes.merge_users([(ADA, "secret-1"), (ADA.upper(), "secret-2")])
    assert "secret" not in str(caught.value)
    for bad in ("", "x y", "tök", "x\n"):
        with pytest.raises(ValueError, match="printable ASCII"):
            account_changes.merge_users([(ADA, bad)])


EMAILS = st.sampled_from([ADA, BOB, EVE])
TOKENS = st.sampled_from("1234")
STEPS = st.one_of(
    st.tuples(
        st.just("start"),
        st.dictionaries(EMAILS, st.none() | TOKENS, min_size=1),
        st.booleans(),
    ),
    st.tuples(st.sampled_from(["add", "renew"]), EMAILS, TOKENS),
    st.tuples(st.just("revoke"), EMAILS, st.none()),
)


def take(accounts: Accounts, step: tuple[str, object, object]) -> Accounts:
    name, first, second = step
    if name == "start":
        return account_changes.apply_named_users(accounts, first, keep=second)  # type: ignore[arg-type]
    if name == "revoke":
        return account_changes.revoke_account(accounts, str(first))
    return {"add": account_changes.add_account, "renew": account_changes.replace_tokens}[name](
        accounts, str(first), str(second)
    )


@given(st.lists(STEPS, max_size=12))
def test_any_history_keeps_the_rules(steps: list[tuple[str, object, object]]) -> None:
    accounts: Accounts = {}
    dead: dict[str, set[str]] = {ADA: set(), BOB: set(), EVE: set()}
    for step in steps:
        before = accounts
        try:
            accounts = take(accounts, step)
        except ValueError:
            continue
        name, first, second = step
        held = [token for each in accounts.values() for token in each.tokens]
        assert len(held) == len(set(held)), "a token stands for one person"
        for email, account in accounts.items():
            had = before[email].tokens if email in before else frozenset()
            given = second if name in ("add", "renew") and email == first else None
            if name == "start" and isinstance(first, dict):
                given = first.get(email)
                may = email in first or (
                    email in before
                    and before[email].active
                    and (second or before[email].origin == "added")
                )
                assert account.active is bool(may)
            if given is not None:
                assert account.tokens == {given}
                dead[email] |= had - {given}
                dead[email].discard(str(given))
            # What was replaced or taken away never comes back by itself.
            assert not account.tokens & dead[email]
        if name == "revoke":
            dead[str(first)] |= before[str(first)].tokens
            assert not accounts[str(first)].active
