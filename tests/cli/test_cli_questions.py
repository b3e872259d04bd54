"""Questions before what cannot be undone: on a terminal only."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.command import COMMAND, Outcome, Run, make_environment
from support.tiny_models import affine

from qai_hub.client import Client, Dataset, Model
from qai_hub.errors import UserError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no such terminals")


def _answer(home: Path, text: str, *arguments: str) -> Outcome:
    """Runs the command with a terminal as its standard input, on which somebody types."""
    import pty

    ours, theirs = pty.openpty()
    try:
        os.write(ours, text.encode())
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=make_environment(home),
            stdin=theirs,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return Outcome(done.returncode, done.stdout, done.stderr)


def _upload(client: Client, noun: str) -> Model | Dataset:
    if noun == "model":
        return client.upload_model(affine(), name="asked")
    return client.upload_dataset({"x": [np.ones((1, 4), np.float32)]}, name="asked")


@pytest.mark.parametrize("noun", ["model", "dataset"])
def test_deleting_asks(run: Run, client: Client, home: Path, noun: str) -> None:
    first, second, third = (_upload(client, noun) for _ in range(3))
    ids = [
        each.model_id if isinstance(each, Model) else each.dataset_id
        for each in (first, second, third)
    ]
    get = client.get_model if noun == "model" else client.get_dataset
    kept = _answer(home, "n\n", noun, "delete", *ids[:2])
    assert (kept.status, kept.out) == (1, "")
    assert f"Delete the {noun} {ids[0]} 'asked', the {noun} {ids[1]} 'asked'? [y/N]" in kept.err
    assert "Nothing was changed." in kept.err
    assert get(ids[0])
    assert get(ids[1])
    assert _answer(home, "y\n", noun, "delete", ids[0]).lines == [ids[0]]
    told = _answer(home, "", noun, "delete", ids[1], "--yes")
    assert told == (0, f"{ids[1]}\n", "")
    assert run(noun, "delete", ids[2]) == (0, f"{ids[2]}\n", "")
    for each in ids:
        with pytest.raises(UserError):
            get(each)


def test_revoking_asks(command: Run, tmp_path: Path) -> None:
    folder = ["--data-dir", str(tmp_path / "absent")]
    kept = _answer(tmp_path, "n\n", "users", "revoke", "a@example.com", *folder)
    assert kept.status == 1
    assert "End the access of a@example.com? [y/N]" in kept.err
    assert "Nothing was changed." in kept.err
    asked = _answer(tmp_path, "", "users", "revoke", "a@example.com", *folder, "-y")
    assert "[y/N]" not in asked.err
    assert "is not a hub's data folder" in asked.err
