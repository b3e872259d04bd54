"""One configuration for `LocalHub`, `qai-hub serve` and the scheduler."""

import argparse
import inspect
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from qai_hub.cli import serve
from qai_hub.local import LocalHub
from qai_hub.local.config import DEFAULT_USER, HubConfig, Retention, named_users

# What a start names, and what only Python or only `LocalHub` gives.
NAMED = {"data_dir", "host", "port", "users", "max_parallel_jobs", "allowed_hosts"}
SETTINGS = {each.name for each in fields(HubConfig)}


def test_local_hub_has_an_argument_for_each_setting_with_the_same_default() -> None:
    arguments = inspect.signature(LocalHub).parameters
    assert arguments.keys() - {"clock", "run_attempt"} == SETTINGS - {"retention"}
    config = HubConfig()
    for name in SETTINGS - NAMED - {"retention"}:
        assert arguments[name].default == getattr(config, name), name


def test_serve_has_the_same_defaults() -> None:
    parser = argparse.ArgumentParser()
    serve.add_parser(parser.add_subparsers())
    flags = vars(parser.parse_args(["serve"]))
    config = HubConfig()
    shared = flags.keys() & (SETTINGS - NAMED)
    assert shared == {
        "keep_users",
        "job_timeout",
        "memory_limit",
        "cache",
        "max_queued_jobs",
        "max_unfinished_uploads",
    }
    for name in shared:
        assert flags[name] == getattr(config, name), name


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("port", -1, "port must be 0 or more"),
        ("port", 65_536, "port must be 65535 or less"),
        ("max_parallel_jobs", 0, "max_parallel_jobs must be 1 or more"),
        ("job_timeout", 0, "job_timeout must be 0.001 or more"),
        ("job_timeout", float("nan"), "job_timeout must be 0.001 or more"),
        ("memory_limit", 0, "memory_limit must be 1 or more"),
        ("max_queued_jobs", 0, "max_queued_jobs must be 1 or more"),
        ("max_unfinished_uploads", 0, "max_unfinished_uploads must be 1 or more"),
        ("part_size", 0, "part_size must be 1 or more"),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_name(
    setting: str, value: float, problem: str
) -> None:
    values: dict[str, Any] = {setting: value}
    with pytest.raises(ValueError, match=problem):
        HubConfig(**values)


@pytest.mark.parametrize("name", [each.name for each in fields(Retention)])
def test_nothing_is_kept_for_no_time(name: str) -> None:
    values: dict[str, Any] = {name: timedelta(0)}
    with pytest.raises(ValueError, match=f"retention.{name} must be more than 0 seconds"):
        Retention(**values)


def test_it_shows_no_tokens() -> None:
    config = HubConfig(users=named_users({"ada@example.com": "secret"}))
    assert config.users == (("ada@example.com", "secret"),)
    assert "secret" not in repr(config)


def test_without_users_there_is_one() -> None:
    assert named_users(None) == named_users({}) == HubConfig().users == ((DEFAULT_USER, None),)
    assert named_users(["a@b", "c@d"]) == (("a@b", None), ("c@d", None))


def test_what_is_kept_for_how_long_reaches_the_hub() -> None:
    config = HubConfig(retention=Retention(datasets=timedelta(minutes=1)))
    with LocalHub.from_config(config) as hub:
        import numpy as np

        dataset = hub.client().upload_dataset({"x": [np.zeros(1, np.float32)]})
        assert dataset.expiration_time is not None
        assert dataset.expiration_time - dataset.creation_time == timedelta(minutes=1)
