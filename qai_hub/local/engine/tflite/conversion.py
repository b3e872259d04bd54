"""A model in floats in TensorFlow Lite, and how its tensors are called there and in ONNX."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import onnx

from qai_hub.local.engine.quantize.qdq import is_quantized
from qai_hub.local.engine.tflite.contents import TfliteFile
from qai_hub.local.engine.tflite.convert import convert_floats
from qai_hub.local.engine.tflite.gelus import approximate, list_approximate
from qai_hub.local.engine.tflite.plain_names import PlainNames
from qai_hub.local.engine.tflite.ports import (
    fix_dimensions,
    flatten_outputs,
    read_shapes,
    restore_shapes,
)
from qai_hub.local.engine.tflite.recurrent import (
    check_layers,
    list_recurrent,
    name_all_steps,
)
from qai_hub.local.engine.tflite.rewrites import rewrite_for_converter
from qai_hub.local.engine.tflite.strip import QuantizedRange, strip_quantizers


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A converted model.

    Attributes:
        names: The names of its tensors, which are plain until they are restored.
        file: The converted model, which further steps change.
        ranges: The ranges that the source states, by the names of tensors in the file.
        recurrent: The names of the results of recurrent layers, with which the names of what their
            steps compute begin.
        folder: Folder for generated files.
    """

    names: PlainNames
    file: TfliteFile
    ranges: Mapping[str, QuantizedRange]
    recurrent: frozenset[str]
    folder: Path

    @classmethod
    def begin(cls, model: onnx.ModelProto, folder: Path) -> Self:
        """Convert a model.

        Args:
            model: The model, with all its weights and fixed shapes, which is changed.
            folder: Folder for generated files, which is created.

        Raises:
            JobFailure: It cannot be converted.
        """
        stated: dict[str, QuantizedRange] = {}
        if is_quantized(model):
            stated = strip_quantizers(model)
        given = read_shapes(model)
        check_layers(model)
        rewrite_for_converter(model)
        name_all_steps(model)
        names = PlainNames(model)
        shapes = {names.hide(name): shape for name, shape in given.items()}
        shaped = flatten_outputs(model)
        recurrent = frozenset(
            name for node in list_recurrent(model) for name in node.output if name
        )
        approximated = list_approximate(model)
        converted = convert_floats(model, names, folder)
        file = TfliteFile.read(converted.path)
        approximate(file, {converted.tensors.get(name, name) for name in approximated})
        fix_dimensions(file, model)
        restore_shapes(file, shapes)
        # The converter writes the weights of each step of a recurrent layer anew.
        file.share_constants()
        plain = {names.hide(name): each for name, each in stated.items()}
        plain |= {shaped[name]: each for name, each in plain.items() if name in shaped}
        ranges = {converted.tensors.get(name, name): each for name, each in plain.items()}
        floats = file.list_floats()
        ranges = {name: each for name, each in ranges.items() if name in floats}
        return cls(names=names, file=file, ranges=ranges, recurrent=recurrent, folder=folder)

    def restore_names(self, path: Path) -> None:
        """Give the tensors, inputs and outputs of a file the names that they have in ONNX.

        Args:
            path: The .tflite file.
        """
        file = TfliteFile.read(path)
        file.rename(self.names.restore)
        file.share_constants()
        file.write(path)
