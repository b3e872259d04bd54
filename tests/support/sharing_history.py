"""Three users who create, share, unshare and rename resources, at random, from a seed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.fake_worker import FakeWorker
from support.hub_http import DEVICE, Api, Json

from qai_hub.local import LocalHub

USERS = ("ada@example.com", "bob@example.com", "eve@example.com")
FOLDERS = {"m": "models", "d": "datasets", "j": "jobs"}


def path_of(key: str) -> str:
    """Return the path of a model, dataset or job."""
    return f"{FOLDERS[key[0]]}/{key}/"


@dataclass
class History:
    """What people have done on a hub.

    Attributes:
        owners: Whose each thing is.
        names: What each thing is called now: a word that is found nowhere else.
        former_names: What each was called before.
        reasons: Why jobs were made to fail: a word that is found nowhere else.
        shares: The addresses that each thing is shared with.
    """

    hub: LocalHub
    worker: FakeWorker
    random: random.Random
    people: dict[str, Api]
    owners: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    former_names: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    shares: dict[str, set[str]] = field(default_factory=dict)
    words: int = 0

    def act(self, steps: int) -> None:
        """Let people do something, again and again; then all jobs end."""
        choices = (self.submit, self.submit, self.submit, self.share, self.unshare, self.rename)
        for email in USERS:
            self.upload_model(email)
            self.upload_dataset(email)
            self.share(email)
            self.share(email)
        self._build_on_a_failure()
        for _ in range(steps):
            self.random.choice(choices)(self.random.choice(USERS))
        for key in [key for key in self.owners if key.startswith("j")]:
            api = self.people[self.owners[key]]
            if api.wait(key)["job_state"] == "JOB_STATE_DONE" and "inference_job" in api.get(
                path_of(key)
            ):
                result = api.get(f"jobs/{key}/result/")["inference_job_result"]
                if outputs := result["output_dataset_id"]:
                    self._own(outputs, self.owners[key], self.unique_word())
                    api.patch(path_of(outputs), {"name": self.names[outputs]})

    def _build_on_a_failure(self) -> None:
        """Let a job wait for a model of another person that is not made, and use their data."""
        ada, bob = USERS[:2]
        model, data = (next(k for k in self._of(ada) if k[0] == letter) for letter in "md")
        name, reason = self.unique_word(), self.unique_word()
        self.worker.failures[f"--{reason}"] = f"It failed by {reason}."
        job, target = self.people[ada].compile(model, name=name, options=f"--{reason}")
        self._own(job, ada, name)
        self._own(target, ada, name)
        self.reasons[job] = reason
        for key in (target, data):
            self.people[ada].patch(f"{path_of(key)}shared_access/", {"add_email": [bob]})
            self.shares[key].add(bob)
        name = self.unique_word()
        run = {"dataset": {"dataset_id": data}, "name": name}
        self._own(self.people[bob].submit("inference_job", target, **run), bob, name)

    def end_sharing(self) -> None:
        """Take everything back, and call it by another name."""
        for key, owner in self.owners.items():
            self.people[owner].http.delete(f"{path_of(key)}shared_access/")
            self.shares[key] = set()
            self.rename_to_new(key)

    def can_read(self, email: str, key: str) -> bool:
        """Tell whether a person may look at something itself."""
        return self.people[email].http.get(path_of(key)).status_code == 200

    def unique_word(self) -> str:
        self.words += 1
        return f"word{self.words:04d}x"

    def upload_model(self, email: str) -> None:
        name = self.unique_word()
        self._own(self.people[email].upload_model(name=name), email, name)

    def upload_dataset(self, email: str) -> None:
        name = self.unique_word()
        self._own(self.people[email].upload_dataset(name=name), email, name)

    def submit(self, email: str) -> None:
        """Submit a job on what somebody may see, which may be another's, or not be made yet."""
        api = self.people[email]
        models, datasets = (
            [key for key in self.owners if key.startswith(letter) and self.can_read(email, key)]
            for letter in "md"
        )
        kind = self.random.choice(("compile", "compile", "inference", "link", "quantize"))
        if self.random.random() < 0.7:
            models = [key for key in models if self.owners[key] != email] or models
            datasets = [key for key in datasets if self.owners[key] != email] or datasets
        if not models or (kind == "quantize" and not datasets):
            return
        body = self._job(kind, models, datasets)
        name, reason = self.unique_word(), self.unique_word()
        if self.random.random() < 0.8:
            body["name"] = name
        if self.random.random() < 0.4:
            body["options"] = f"--{name.removeprefix('word')}"
            self.worker.failures[body["options"]] = f"It failed by {reason}."
        key = str(api.post("jobs/", {f"{kind}_job": body})["id"])
        shown = api.job(key)
        self._own(key, email, shown["name"])
        if "options" in body:
            self.reasons[key] = reason
        if "target_model" in shown:
            self._own(shown["target_model"]["model_id"], email, shown["name"])

    def _job(self, kind: str, models: list[str], datasets: list[str]) -> Json:
        first, second = ({"model_id": self.random.choice(models)} for _ in "12")
        if kind == "link":
            return {"models": {"models": [first, second]}, "device": DEVICE}
        if kind == "compile":
            return {"model": first, "devices": {"devices": [DEVICE]}}
        data = {"dataset_id": self.random.choice(datasets)} if datasets else None
        if kind == "quantize":
            int8 = "QUANTIZE_DTYPE_INT8"
            dtypes = {"weights_dtype": int8, "activations_dtype": int8}
            return {"model": first, "calibration_dataset": data, **dtypes}
        run: Json = {"model": first, "device": DEVICE, "is_profiling_on": data is None}
        return run if data is None else run | {"dataset": data}

    def rename(self, email: str) -> None:
        if mine := self._of(email):
            self.rename_to_new(self.random.choice(mine))

    def rename_to_new(self, key: str) -> None:
        self.former_names.add(self.names[key])
        self.names[key] = self.unique_word()
        self.people[self.owners[key]].patch(path_of(key), {"name": self.names[key]})

    def share(self, email: str) -> None:
        if mine := self._of(email):
            key = self.random.choice(mine)
            other = self.random.choice([each for each in USERS if each != email])
            self.people[email].patch(f"{path_of(key)}shared_access/", {"add_email": [other]})
            self.shares[key].add(other)

    def unshare(self, email: str) -> None:
        if shared := [key for key in self._of(email) if self.shares[key]]:
            key = self.random.choice(shared)
            gone = self.random.choice(sorted(self.shares[key]))
            self.people[email].patch(f"{path_of(key)}shared_access/", {"remove_email": [gone]})
            self.shares[key].discard(gone)

    def _of(self, email: str) -> list[str]:
        return [key for key, owner in self.owners.items() if owner == email]

    def _own(self, key: str, email: str, name: str) -> None:
        self.owners[key], self.names[key], self.shares[key] = email, name, set()


@contextmanager
def start_history(seed: int) -> Iterator[History]:
    """Start a hub on which nothing has happened yet."""
    worker = FakeWorker()
    with LocalHub(users=USERS, run_attempt=worker) as hub:
        people = {email: Api(hub, email) for email in USERS}
        try:
            yield History(hub, worker, random.Random(seed), people)
        finally:
            for api in people.values():
                api.close()


def iter_objects(value: object) -> Iterator[Json]:
    """Return all JSON objects within an answer."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from iter_objects(each)
