"""The page about published models tells what really becomes of their options."""

from pathlib import Path

import published_options
import pytest
from published_options import PRECISION, Fact

PYTHON = '''
"""--range_scheme of_a_docstring"""

class Model:
    def get_hub_compile_options(self, other: str) -> str:
        """Builds --output_names of_a_docstring."""
        if "--compute_unit" not in other:
            other += f" --compute_unit {self.unit} --truncate_64bit_io True"
        return other + " --quantize_io --qnn_options context_enable_graphs=mine"

    def demo(self) -> None:
        print("--prompt_file a.txt --lite_mp nothing")
'''


def test_the_page_has_what_the_hub_does_with_each_option() -> None:
    _, tables, _ = published_options.read_page()

    assert tables == published_options.format_table(published_options.read_facts())


def test_no_published_option_is_unknown() -> None:
    handled = [published_options.describe_handling(f) for f in published_options.read_facts()]

    assert "refused: it is not known" not in handled
    assert published_options.describe_handling(Fact("--frob_nicate", "", 1, 0)) == (
        "refused: it is not known"
    )


@pytest.mark.parametrize(
    ("what", "value", "expected"),
    [
        ("--target_runtime", "onnx", "done"),
        ("--target_runtime", "…", "done"),
        ("--target_runtime", "qnn_lib_aarch64_android", "refused: This hub cannot compile"),
        ("--onnx_options", "a=b", "noticed: this hub uses ONNX Runtime on the CPU"),
        ("--qnn_options", "default_graph_gpu_precision=FLOAT16", "noticed: In --qnn_options"),
        ("--quantize_io", "false", "done"),
        ("--compute_unit", "gpu", "compile: noticed: the compute unit is chosen when the model"),
        (PRECISION, "w8a16_mixed_fp16", "done"),
        (PRECISION, "w2a16", "refused: This hub cannot quantize weights to INT2"),
        (PRECISION, "q4_0", "refused: quantize jobs have no such type"),
    ],
)
def test_what_becomes_of_an_option(what: str, value: str, expected: str) -> None:
    assert published_options.describe_handling(Fact(what, value, 1, 0)).startswith(expected)


def test_options_are_found_where_they_are_built(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        (folder / "model.py").write_text(PYTHON, "utf-8")
        (folder / "manifest.yaml").write_text("supported_precisions:\n- w8a8\n", "utf-8")
    shared = tmp_path / "scorecard" / "one.yaml"
    shared.parent.mkdir()
    shared.write_text("options:\n- --truncate_64bit_tensors\n", "utf-8")

    facts = published_options.find_facts(tmp_path)

    assert facts == [
        Fact("--compute_unit", "…", 2, 0),
        Fact("--qnn_options", "context_enable_graphs=…", 2, 0),
        Fact("--quantize_io", "", 2, 0),
        Fact("--truncate_64bit_io", "", 2, 0),
        Fact("--truncate_64bit_tensors", "", 0, 1),
        Fact(PRECISION, "w8a8", 2, 0),
    ]
    published_options.write_facts(facts, tmp_path / "facts.csv")
    assert published_options.read_facts(tmp_path / "facts.csv") == facts
