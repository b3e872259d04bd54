"""What `make generate` writes into `qai_hub`: names, overloads, and members of enums."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from names import (
    async_signatures,
    hub_block,
    job_classes,
    members_of,
    package_block,
    public_names,
    with_block,
    with_job_overloads,
    with_members,
    with_tuple,
)

ROOT = Path(__file__).parents[2]
TABLE = runpy.run_path(str(ROOT / "qai_hub" / "_names.py"))
MODULE = "before\nif TYPE_CHECKING:\n    old = 1\nelse:\n    after = 1\n"


def test_a_new_name_is_written_into_the_block_and_nowhere_else() -> None:
    written = with_block(MODULE, iter(["new = 2"]))
    assert written == "before\nif TYPE_CHECKING:\n    new = 2\nelse:\n    after = 1\n"


@pytest.mark.parametrize("text", ["", "if TYPE_CHECKING:\n", "\nif TYPE_CHECKING:\n    old = 1\n"])
def test_a_module_without_a_block_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no block"):
        with_block(text, iter(()))


def test_a_name_of_the_table_is_written_for_the_package_and_for_its_module() -> None:
    table = {**TABLE, "METHODS": ("added",), "MODULE_OF": {"added": "hub"}}
    assert "from qai_hub.hub import added as added" in list(package_block(table))
    assert list(hub_block(table)) == ["_typed = Client()", "added = _typed.added"]


def test_the_table_has_the_names_of_the_client() -> None:
    for name, values in public_names(TABLE["CLIENT_ONLY_TYPES"]).items():
        assert TABLE[name] == tuple(values), "run make generate"


def test_a_tuple_is_replaced_and_nothing_else() -> None:
    text = 'A = (\n    "old",\n)\n"""Doc."""\nB = (\n    "kept",\n)\n'
    written = with_tuple(text, "A", ["new", "newer"])
    assert written == text.replace('"old",', '"new",\n    "newer",')
    with pytest.raises(ValueError, match="no one tuple C"):
        with_tuple(text, "C", ["new"])


def test_signatures_are_those_that_the_job_types_determine(tmp_path: Path) -> None:
    def formatted(text: str) -> str:
        path = tmp_path / "signatures.py"
        path.write_text(text, encoding="utf-8")
        ruff = [sys.executable, "-m", "ruff"]
        config = ["--config", str(ROOT / "pyproject.toml")]
        subprocess.run([*ruff, "check", "-q", "--select", "I", "--fix", *config, path], check=True)
        subprocess.run([*ruff, "format", "-q", *config, path], check=True)
        return path.read_text("utf-8")

    blocking = (ROOT / "qai_hub/client/signatures.py").read_text("utf-8")
    assert formatted(with_job_overloads(blocking, job_classes())) == blocking, "run make generate"
    written = (ROOT / "qai_hub/aio/signatures.py").read_text("utf-8")
    assert formatted(async_signatures(blocking)) == written, "run make generate"
    assert "submit_profile_job" in blocking
    assert "submit_profile_job" not in written


def test_a_new_job_type_gets_an_overload() -> None:
    blocking = (ROOT / "qai_hub/client/signatures.py").read_text("utf-8")
    written = with_job_overloads(blocking, {**job_classes(), "NewJob": ["NEW"]})
    assert "Literal[JobType.NEW]) -> kinds.NewJob: ..." in written


ENUM = """class Other(Enum):
    A = 1


class Kind(Enum):
    \"\"\"Doc.

    Examples:
        >>> Kind.A
    \"\"\"

    A = 1
    B = 1  # an alias

    def method(self) -> None: ...
"""


def test_members_that_an_enum_lacks_are_added_after_its_last() -> None:
    written = with_members(ENUM, "Kind", {"A": 1, "C": 3})
    assert written == ENUM.replace("# an alias\n", "# an alias\n    C = 3\n")
    assert with_members(written, "Kind", {"A": 1, "C": 3}) == written
    with pytest.raises(ValueError, match="no enum Missing"):
        with_members(ENUM, "Missing", {})


def test_members_have_the_names_of_the_client() -> None:
    values = {"JOB_STATE_DONE": 10, "JOB_STATE_CREATED": 1}
    schemas = {"JobState": {"x-protobuf-enum-values": values}}
    assert members_of(schemas, "JobState", "JOB_STATE_") == {"SUCCESS": 10, "CREATED": 1}
