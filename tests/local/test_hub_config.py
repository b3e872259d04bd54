"""One configuration for `LocalHub`, `qai-hub serve` and the scheduler."""

import inspect
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qai_hub.cli import serve
from qai_hub.cli.main import main
from qai_hub.local import LocalHub
from qai_hub.local.config import DEFAULT_USER, HubConfig, Retention, normalize_users

# What a start names, and what only Python or only `LocalHub` gives.
NAMED = {"data_dir", "host", "port", "users", "max_parallel_jobs", "allowed_hosts"}
SETTINGS = {each.name for each in fields(HubConfig)}
# What is set in the configuration alone.
FROM_CONFIG_ONLY = {
    "big_input",
    "database",
    "executor",
    "file_cache_size",
    "files",
    "labels",
    "lease",
    "max_creations",
    "max_storage",
    "metrics",
    "retention",
    "sign_in",
    "traces",
}


def test_local_hub_has_an_argument_for_each_setting_with_the_same_default() -> None:
    arguments = inspect.signature(LocalHub).parameters
    assert arguments.keys() - {"clock", "run_attempt"} == SETTINGS - FROM_CONFIG_ONLY
    config = HubConfig()
    for name in SETTINGS - NAMED - FROM_CONFIG_ONLY:
        assert arguments[name].default == getattr(config, name), name


def test_serve_has_the_same_defaults() -> None:
    flags = serve.serve.make_context("serve", []).params
    config = HubConfig()
    shared = flags.keys() & (SETTINGS - NAMED)
    assert shared == {
        "database",
        "executor",
        "files",
        "keep_users",
        "labels",
        "lease",
        "job_timeout",
        "memory_limit",
        "cache",
        "check_targets",
        "analyze_layers",
        "strict_versions",
        "warm_workers",
        "max_queued_jobs",
        "max_unfinished_uploads",
        "max_storage",
        "max_creations",
        "metrics",
        "traces",
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
        ("max_storage", 0, "max_storage must be 1 or more"),
        ("max_creations", 1_000_001, "max_creations must be 1000000 or less"),
        ("part_size", 0, "part_size must be 1 or more"),
        ("max_queued_jobs", 10**400, "max_queued_jobs must be 1000000000 or less"),
        ("job_timeout", float("inf"), "job_timeout must be 1000000000 or less"),
        ("memory_limit", 2**51, "memory_limit must be 1125899906842624 or less"),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_name(
    setting: str, value: float, problem: str
) -> None:
    values: dict[str, Any] = {setting: value}
    with pytest.raises(ValueError, match=problem):
        HubConfig(**values)


@pytest.mark.parametrize(
    "setting",
    [
        *("port", "max_parallel_jobs", "memory_limit"),
        *("max_queued_jobs", "max_unfinished_uploads", "part_size"),
    ],
)
@pytest.mark.parametrize("value", ["7", 1.5, True])
def test_what_is_no_whole_number_is_refused_by_name(setting: str, value: object) -> None:
    values: dict[str, Any] = {setting: value}
    with pytest.raises(TypeError, match=f"{setting} must be a whole number, not {value!r}"):
        LocalHub(**values)


@pytest.mark.parametrize("value", ["60", None, True])
def test_a_time_limit_may_have_a_fraction_but_must_be_a_number(value: object) -> None:
    assert HubConfig(job_timeout=1.5).job_timeout == 1.5
    values: dict[str, Any] = {"job_timeout": value}
    with pytest.raises(TypeError, match="job_timeout must be a number"):
        LocalHub(**values)


def test_only_the_memory_limit_may_be_left_open() -> None:
    assert HubConfig(memory_limit=None).memory_limit is None
    for name in ("port", "max_parallel_jobs", "max_queued_jobs", "part_size"):
        values: dict[str, Any] = {name: None}
        with pytest.raises(TypeError, match=f"{name} must be a whole number, not None"):
            HubConfig(**values)


def test_one_name_is_no_list_of_letters() -> None:
    with pytest.raises(TypeError, match="users must be a list"):
        LocalHub(users="ada@example.com")
    with pytest.raises(TypeError, match="allowed_hosts must be a list"):
        LocalHub(allowed_hosts="hub.example.com")


@pytest.mark.parametrize("host", ["https://hub.example.com", "hub.example.com:443", "a/b", ""])
def test_an_allowed_host_is_a_name_alone(host: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts must be names without scheme"):
        LocalHub(allowed_hosts=["127.0.0.2", "[::1]", "Hub.example.com", host])


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--memory-limit", "0"], "memory_limit must be 1 or more"),
        (["--memory-limit", "9999999999"], "memory_limit must be 1073741824 or less"),
        (["--job-timeout", "1e300"], "job_timeout must be 1000000000 or less"),
        (["--max-parallel-jobs", "1.5"], "'1.5' is not a whole number"),
    ],
)
def test_flags_are_refused_in_their_own_units(
    flags: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *flags]) == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize("name", [each.name for each in fields(Retention)])
def test_nothing_is_kept_for_no_time(name: str) -> None:
    values: dict[str, Any] = {name: timedelta(0)}
    with pytest.raises(ValueError, match=f"retention.{name} must be more than 0 seconds"):
        Retention(**values)


def test_it_shows_no_tokens() -> None:
    config = HubConfig(users=normalize_users({"ada@example.com": "secret"}))
    assert config.users == (("ada@example.com", "secret"),)
    assert "secret" not in repr(config)


def test_without_users_there_is_one() -> None:
    assert (
        normalize_users(None) == normalize_users({}) == HubConfig().users == ((DEFAULT_USER, None),)
    )
    assert normalize_users(["a@b", "c@d"]) == (("a@b", None), ("c@d", None))


def test_what_is_kept_for_how_long_reaches_the_hub() -> None:
    config = HubConfig(retention=Retention(datasets=timedelta(minutes=1)))
    with LocalHub.from_config(config) as hub:
        import numpy as np

        dataset = hub.client().upload_dataset({"x": [np.zeros(1, np.float32)]})
        assert dataset.expiration_time is not None
        assert dataset.expiration_time - dataset.creation_time == timedelta(minutes=1)


def test_files_on_object_storage_need_a_database_and_large_parts(tmp_path: Path) -> None:
    bucket = "s3://hub/team"
    with pytest.raises(ValueError, match="need a database"):
        HubConfig(files=bucket, data_dir=tmp_path)
    team: dict[str, Any] = {"database": "postgresql:///hub", "files": bucket, "data_dir": tmp_path}
    with pytest.raises(ValueError, match="part_size must be 5242880 or more"):
        HubConfig(**team, part_size=(5 << 20) - 1)
    assert HubConfig(**team, part_size=5 << 20).files == bucket
