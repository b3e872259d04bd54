"""What a person may not see appears in no answer to them but by its id, whatever has happened."""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from support.sharing_history import USERS, History, iter_objects, path_of, start_history

JSON, PROTOBUF = "application/json", "application/x-protobuf"
MORE = {
    "m": ("shared_access/", "download/"),
    "d": ("shared_access/", "download_data/"),
    "j": (
        "shared_access/",
        "result/",
        "download_compiled_model/",
        *(f"device_runs/latest/artifact_list/{number}/" for number in (1, 4, 5)),
    ),
}


def paths(past: History) -> Iterator[str]:
    """Return all that can be looked at."""
    yield "users/auth/user/"
    for name in ("models", "datasets", "jobs", "job_summaries"):
        yield f"{name}/?limit=1000"
    for name in ("jobs", "job_summaries"):
        for email in (*USERS, "who@example.com"):
            yield f"{name}/?limit=1000&creator={email}"
    for key in past.owners:
        yield path_of(key)
        yield from (path_of(key) + more for more in MORE[key[0]])
        if key.startswith("j"):
            yield f"models/?limit=1000&producer={key}"


def answers(past: History, email: str) -> Iterator[tuple[str, httpx.Response]]:
    """Return all answers to a person, on both wires, and the files that they lead to."""
    api = past.people[email]
    for path in paths(past):
        response = api.http.get(path)
        assert response.status_code in (200, 404, 409), (path, response.text)
        yield path, response
        if response.is_success:
            yield f"protobuf of {path}", api.http.get(path, headers={"Accept": PROTOBUF})
            for each in iter_objects(response.json()):
                if isinstance(url := each.get("url"), str):
                    yield f"file of {path}", api.http.get(url)
    for key in past.owners:
        if key.startswith("m"):
            body = {"models": {"models": [{"model_id": key}] * 2}, "device": {"name": "no such"}}
            yield f"link {key}", api.http.post("jobs/", json={"link_job": body})


def secrets_for(past: History, email: str) -> set[str]:
    """Return what must not come before a person's eyes."""
    seen = {key for key in past.owners if past.can_read(email, key)}
    known = {past.names[key] for key in seen}
    known |= {reason for key, reason in past.reasons.items() if key in seen}
    people = {email} | {past.owners[key] for key in seen}
    people |= {other for key in seen for other in past.shares[key]}
    words = {*past.names.values(), *past.former_names, *past.reasons.values()}
    words = {word for word in words if word.startswith("word")}
    return (words - known) | (set(USERS) - people)


def look_around(past: History) -> Counter[str]:
    """Look at everything as everybody, and count what is there by its id alone."""
    met: Counter[str] = Counter()
    for email in USERS:
        secrets = secrets_for(past, email)
        unseen = {key for key in past.owners if not past.can_read(email, key)}
        for what, response in answers(past, email):
            text = (response.content + repr(response.headers).encode()).decode("latin-1")
            shown = {secret for secret in secrets if secret in text}
            assert not shown, (email, what, shown)
            if response.headers.get("Content-Type") != JSON:
                continue
            for each in iter_objects(response.json()):
                for name in ("model_id", "dataset_id"):
                    if each.get(name) in unseen:
                        assert each == {name: each[name]}, (email, what)
                        met[name] += 1
                reason = str(each.get("failure_reason", ""))
                met["reason"] += reason.startswith("A model") and reason.endswith("failed.")
    return met


@pytest.mark.parametrize("seed", range(2))
def test_nobody_learns_of_what_they_may_not_see_whatever_has_happened(seed: int) -> None:
    with start_history(seed) as past:
        past.act(25)
        look_around(past)
        past.end_sharing()
        met = look_around(past)
    # Else the history was none of the kind that this is about.
    assert min(met[name] for name in ("model_id", "dataset_id", "reason")) > 0, met
