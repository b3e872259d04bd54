"""The command `qai-hub shim`. What installers make of a shim is tested in `tests/interop/`."""

import resource
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
from support.command import Run

from qai_hub._version import OFFICIAL_RELEASE

SHIM = f"{OFFICIAL_RELEASE}+openapi"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, with this one's distribution."""
    folder = tmp_path / "site"
    add_distribution(folder, "qai-hub-openapi", f"{OFFICIAL_RELEASE}.1")
    monkeypatch.syspath_prepend(str(folder))
    return folder


def add_distribution(site: Path, name: str, version: str) -> Path:
    about = site / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return about


@contextmanager
def full_disk() -> Iterator[None]:
    """Lets every write fail, that of root as well."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_shim_comes_and_goes(run: Run, site: Path) -> None:
    assert run("shim", "status") == (
        1,
        "There is no qai-hub: run `qai-hub shim install`.\n",
        "",
    )
    assert run("shim", "install") == (0, f"qai-hub {SHIM} is in {site}.\n", "")
    assert metadata.version("qai_hub") == SHIM
    assert metadata.requires("qai-hub") == ["qai-hub-openapi"]
    assert run("shim", "install") == (0, f"qai-hub {SHIM} is already in {site}.\n", "")
    assert run("shim", "status") == (0, f"qai-hub {SHIM} is in {site}.\n", "")
    assert run("shim", "remove") == (0, f"Removed qai-hub {SHIM} from {site}.\n", "")
    assert run("shim", "remove") == (0, "There is no qai-hub.\n", "")
    assert [each.name for each in site.iterdir()] == [
        f"qai_hub_openapi-{OFFICIAL_RELEASE}.1.dist-info"
    ]


def test_a_shim_names_no_file_but_its_own(run: Run, site: Path) -> None:
    """So its removal by an installer removes nothing else."""
    run("shim", "install")
    distribution = metadata.distribution("qai-hub")
    assert distribution.files is not None
    listed = {Path(str(each.locate())) for each in distribution.files}
    assert listed == set((site / f"qai_hub-{SHIM}.dist-info").iterdir())
    for file in distribution.files:
        if file.name != "RECORD":
            assert file.hash is not None
            assert file.size == Path(str(file.locate())).stat().st_size


def test_the_shim_of_another_release_is_replaced(run: Run, site: Path) -> None:
    old = add_distribution(site, "qai-hub", "0.55.0+openapi")
    status, out, _ = run("shim", "status")
    assert (status, f"{SHIM} is due: run `qai-hub shim install`" in out) == (1, True)
    assert run("shim", "install").status == 0
    assert (metadata.version("qai-hub"), old.exists()) == (SHIM, False)


@pytest.mark.parametrize("verb", ["install", "remove", "status"])
def test_the_official_client_is_no_shim(run: Run, site: Path, verb: str) -> None:
    about = add_distribution(site, "qai-hub", "0.56.0")
    status, out, err = run("shim", verb)
    assert (status, out) == (1, "")
    assert f"The official client, qai-hub 0.56.0, is in {site}" in err
    assert "Run `pip uninstall qai-hub qai-hub-openapi`, then `pip install qai-hub-open" in err
    assert about.exists()


def test_a_wheel_is_the_same_each_time(run: Run, site: Path, tmp_path: Path) -> None:
    wheels = []
    for folder in ("first", "second"):
        status, out, _ = run("shim", "wheel", "--output", str(tmp_path / folder))
        assert (status, out) == (0, f"{tmp_path / folder}/qai_hub-{SHIM}-py3-none-any.whl\n")
        wheels.append(Path(out.strip()))
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    names = zipfile.ZipFile(wheels[0]).namelist()
    assert {name.partition("/")[0] for name in names} == {f"qai_hub-{SHIM}.dist-info"}


def test_packages_of_the_system_are_left_to_it(
    run: Run, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "EXTERNALLY-MANAGED"
    marker.touch()
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": str(tmp_path)}.__getitem__)
    assert run("shim", "install").status == 0, "an environment is nobody else's"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    for verb in ("install", "remove"):
        status, _, err = run("shim", verb)
        assert (status, f"are managed by the system ({marker})" in err) == (1, True)
    assert metadata.version("qai-hub") == SHIM


def test_a_folder_that_cannot_be_written_to_stays_as_it_was(run: Run, site: Path) -> None:
    before = sorted(site.iterdir())
    with full_disk():
        status, out, err = run("shim", "install")
    assert (status, out) == (1, "")
    assert f"{site} cannot be changed: File too large. Run this as whoever may" in err
    assert sorted(site.iterdir()) == before
