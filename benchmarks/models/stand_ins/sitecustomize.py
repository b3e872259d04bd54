"""What qai_hub_models would download, made here instead: weights, sample files and data sets.

Python imports a module of this name when it starts, and `make models` puts its folder on
PYTHONPATH. It changes nothing of `qai_hub` and nothing of how qai_hub_models exports a model; it
replaces what comes from the network, and only that:

- **Weights** are random, from a seed. Networks without normalization get He's initialization, so
  that signals neither fade nor explode; the statistics of batch normalizations are measured on the
  model's own sample input, as if it had been trained on such data. A checkpoint that would be read
  is an empty one, and reading an empty one into a network leaves that as it is.
- **Architectures** that come with a checkpoint, as from `transformers`, are those of its
  configuration class, with the sizes that the checkpoint has.
- **Sample files** are smooth pictures and tones from a seed, or empty checkpoints.
- **Calibration data** are 8 samples of such pictures, or of noise, by the model's input spec, in
  the range of the model's sample input if the spec has none.

So results tell how close the target model is to its source, not how good the model is.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_SEED = 2026
_SAMPLES = 8
_MARK = b"A checkpoint that make models stands in for: it holds no weights.\n"

# The ranges of the inputs of models that have been exported, by name.
_SAMPLE_RANGES: dict[str, tuple[float, float]] = {}

_PATCHES: dict[str, Callable[[Any], None]] = {}


def _after_import(name: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Registers a function that is called with a module as soon as that was imported."""

    def register(patch: Callable[[Any], None]) -> Callable[[Any], None]:
        _PATCHES[name] = patch
        return patch

    return register


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules as the others do, and has those with a patch call it once they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        patch = _PATCHES.pop(name, None)
        if patch is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def execute_and_patch(module: ModuleType) -> None:
            execute(module)
            patch(module)

        loader.exec_module = execute_and_patch
        return spec


class _Empty(dict[str, Any]):
    """An empty checkpoint: whatever part of it is asked for is empty too."""

    def __missing__(self, key: str) -> "_Empty":
        return _Empty()

    def get(self, key: str, default: Any = None) -> Any:
        return _Empty()

    def pop(self, key: str, default: Any = None) -> Any:
        return _Empty()

    def float(self) -> "_Empty":
        return self

    def state_dict(self) -> "_Empty":
        return self


@_after_import("torch")
def _patch_torch(torch: Any) -> None:
    torch.manual_seed(_SEED)
    load, load_state_dict = torch.load, torch.nn.Module.load_state_dict

    def load_or_empty(file: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, str | Path) and _is_stand_in(Path(file)):
            return _Empty()
        return load(file, *args, **kwargs)

    def load_unless_empty(self: Any, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        if not state_dict:
            return torch.nn.modules.module._IncompatibleKeys([], [])
        return load_state_dict(self, state_dict, *args, **kwargs)

    torch.load = load_or_empty
    torch.nn.Module.load_state_dict = load_unless_empty
    torch.hub.load_state_dict_from_url = lambda *args, **kwargs: _Empty()


def _is_stand_in(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK


@_after_import("torchvision.models._api")
def _patch_torchvision(api: Any) -> None:
    api.load_state_dict_from_url = lambda *args, **kwargs: _Empty()


def _size_whisper(width: int, layers: int, heads: int) -> dict[str, Any]:
    """Returns the configuration of a Whisper model."""
    of_parts = {
        f"{part}_{name}": value
        for part in ("encoder", "decoder")
        for name, value in (
            ("layers", layers),
            ("attention_heads", heads),
            ("ffn_dim", 4 * width),
        )
    }
    return {"d_model": width, **of_parts}


@_after_import("timm.models._factory")
def _patch_timm(factory: Any) -> None:
    create = factory.create_model

    def create_untrained(name: str, pretrained: bool = False, **kwargs: Any) -> Any:
        return create(name, pretrained=False, **kwargs)

    factory.create_model = create_untrained


@_after_import("ultralytics.engine.model")
def _patch_ultralytics(module: Any) -> None:
    construct = module.Model.__init__

    def construct_from_description(
        self: Any, model: Any = "yolo11n.pt", task: Any = None, verbose: bool = False
    ) -> None:
        name = Path(str(model)).name
        construct(self, name.replace(".pt", ".yaml"), task, verbose)

    module.Model.__init__ = construct_from_description


# Sizes of checkpoints, where they are not those of the configuration's defaults, and the class of
# the model where the caller leaves that to the checkpoint.
_CHECKPOINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "albert-base-v2": (
        "AlbertForMaskedLM",
        {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072},
    ),
    "apple/mobilevit-small": ("MobileViTForImageClassification", {"num_labels": 1000}),
    "distilbert/distilbert-base-uncased": ("DistilBertForMaskedLM", {}),
    "facebook/detr-resnet-50": ("DetrForObjectDetection", {"use_pretrained_backbone": False}),
    "facebook/levit-128S": (
        "LevitForImageClassification",
        {"num_attention_heads": [4, 6, 8], "depths": [2, 3, 4], "num_labels": 1000},
    ),
    "google/mobilebert-uncased": ("MobileBertForMaskedLM", {}),
    "nvidia/segformer-b0-finetuned-ade-512-512": (
        "SegformerForSemanticSegmentation",
        {"num_labels": 150},
    ),
    "openai/whisper-base": ("WhisperForConditionalGeneration", _size_whisper(512, 6, 8)),
    "openai/whisper-tiny": ("WhisperForConditionalGeneration", _size_whisper(384, 4, 6)),
    "sentence-transformers/all-MiniLM-L6-v2": (
        "BertModel",
        {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
    ),
}


@_after_import("transformers.modeling_utils")
def _patch_transformers(modeling: Any) -> None:
    def construct(cls: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return _construct_checkpoint(name)

    modeling.PreTrainedModel.from_pretrained = classmethod(construct)


@_after_import("transformers.models.auto.auto_factory")
def _patch_auto_models(factory: Any) -> None:
    def construct(cls: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return _construct_checkpoint(name)

    factory._BaseAutoModelClass.from_pretrained = classmethod(construct)


def _construct_checkpoint(name: str) -> Any:
    """Returns the network of a checkpoint, untrained."""
    import transformers

    if name not in _CHECKPOINTS:
        raise FileNotFoundError(f"make models does not know the sizes of {name}")
    class_name, sizes = _CHECKPOINTS[name]
    network = getattr(transformers, class_name)
    return network(network.config_class(**sizes)).eval()


@_after_import("transformers.tokenization_utils_base")
def _patch_tokenizers(module: Any) -> None:
    def construct(cls: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return _make_tokenizer()

    module.PreTrainedTokenizerBase.from_pretrained = classmethod(construct)


@_after_import("transformers.models.auto.tokenization_auto")
def _patch_auto_tokenizers(module: Any) -> None:
    def construct(cls: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return _make_tokenizer()

    module.AutoTokenizer.from_pretrained = classmethod(construct)


def _make_tokenizer() -> Any:
    """Returns a tokenizer that knows letters and a few words."""
    import tempfile

    from transformers import BertTokenizer

    words = ["the", "a", "of", "and", "to", "in", "is", "on", "for", "with", "this", "that", "it"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.txt"
        entries = [*marks, *words, *letters, *(f"##{each}" for each in letters)]
        path.write_text("\n".join(entries) + "\n", "utf-8")
        return BertTokenizer(str(path))


class _AnySum(str):
    """A checksum that equals any other one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


@_after_import("easyocr.easyocr")
def _patch_easyocr(module: Any) -> None:
    def make(url: str, name: str, folder: str, verbose: bool = True) -> None:
        (Path(folder) / name).write_bytes(_MARK)

    module.download_and_unzip = make
    module.calculate_md5 = lambda path: _AnySum()


@_after_import("easyocr.detection")
def _patch_easyocr_detection(module: Any) -> None:
    module.copyStateDict = lambda state: state


@_after_import("qai_hub_models.utils.asset_loaders")
def _patch_assets(loaders: Any) -> None:
    def make(url: str, path: Any, *args: Any, **kwargs: Any) -> str:
        _make_file(url, Path(path))
        return str(path)

    loaders.download_file = make
    fetch = loaders.CachedWebAsset.fetch

    def fetch_or_make(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.local_cache_path.exists():
            self._downloader = make
        return fetch(self, *args, **kwargs)

    loaders.CachedWebAsset.fetch = fetch_or_make


def _make_file(url: str, path: Path) -> None:
    """Writes what stands in for a file, by its name's ending."""
    ending = path.suffix.lower()
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending in {".jpg", ".jpeg", ".png", ".webp", ".bmp"}:
        from PIL import Image

        Image.fromarray(_make_picture(480, 640, _SEED)).save(path)
    elif ending in {".pt", ".pth", ".bin", ".ckpt", ".tar", ".pkl"}:
        path.write_bytes(_MARK)
    elif ending == ".wav":
        _make_tones(path)
    elif path.name == "mobilenetv2_w8a8.json":
        sizes = {"num_classes": 1000, "input_size": 224, "width_mult": 1.0}
        path.write_text(json.dumps({"model_args": sizes}), "utf-8")
    else:
        raise FileNotFoundError(f"make models has no stand-in for {url}")


def _make_picture(height: int, width: int, seed: int) -> Any:
    """Returns a smooth picture with some edges, uint8[height, width, 3]."""
    import numpy as np

    random = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    picture = np.zeros((height, width, 3))
    for _ in range(6):
        turn, size = random.uniform(0, np.pi), random.uniform(2, 24)
        wave = np.sin(size * (x * np.cos(turn) + y * np.sin(turn)) + random.uniform(0, 6))
        picture += wave[..., None] * random.uniform(-1, 1, 3)
    for _ in range(5):
        (top, left), (tall, wide) = random.uniform(0, 0.7, 2), random.uniform(0.1, 0.5, 2)
        inside = (y > top) & (y < top + tall) & (x > left) & (x < left + wide)
        picture[inside] += random.uniform(-2, 2, 3)
    picture += random.normal(0, 0.05, picture.shape)
    low, high = picture.min(), picture.max()
    return ((picture - low) / (high - low) * 255).astype(np.uint8)


def _make_tones(path: Path) -> None:
    """Writes three seconds of rising tones, 16 kHz, 16 bits."""
    import wave

    import numpy as np

    time = np.arange(3 * 16000) / 16000
    tones = sum(np.sin(2 * np.pi * (hertz + 40 * time) * time) for hertz in (140, 440, 1250))
    envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * time)
    samples = (tones * envelope * 8000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.tobytes())


@_after_import("qai_hub_models.utils.quantization")
def _patch_calibration(quantization: Any) -> None:
    def instantiate(dataset: type, *args: Any, input_spec: Any = None, **kwargs: Any) -> "_Samples":
        return _Samples(input_spec)

    quantization.instantiate_dataset = instantiate


class _Samples:
    """A data set of seeded samples for an input spec."""

    def __init__(self, input_spec: Any) -> None:
        self._spec = input_spec

    def __len__(self) -> int:
        return _SAMPLES

    def default_num_calibration_samples(self) -> int:
        return _SAMPLES

    def __getitem__(self, index: int) -> tuple[Any, int]:
        made = tuple(
            _make_tensor(name, spec, 1000 * index + place)
            for place, (name, spec) in enumerate(self._spec.items())
        )
        return (made if len(made) > 1 else made[0]), 0


def _make_tensor(name: str, spec: Any, seed: int) -> Any:
    """Returns one sample of an input, without the batch's dimension where there is one."""
    import torch

    shape, dtype = tuple(spec[0])[1:], spec[1]
    low, high = getattr(spec, "value_range", None) or (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = _SAMPLE_RANGES.get(name, (-1.0, 1.0))
    random = torch.Generator().manual_seed(seed)
    if "attention_mask" in name:
        return torch.ones(shape, dtype=getattr(torch, dtype))
    if dtype.startswith("int"):
        return torch.randint(10, shape, generator=random).to(getattr(torch, dtype))
    if len(shape) == 3 and shape[0] in {1, 3}:
        picture = torch.from_numpy(_make_picture(shape[1], shape[2], seed))
        made = picture[..., : shape[0]].permute(2, 0, 1).float() / 255
    else:
        made = torch.rand(shape, generator=random)
    return (made * (high - low) + low).contiguous()


@_after_import("qai_hub_models.utils.base_model")
def _patch_models(base: Any) -> None:
    serialize = base.PytorchWorkbenchModel.serialize

    def settle_and_serialize(self: Any, output_dir: Any, input_spec: Any = None) -> Any:
        spec = input_spec or self.get_input_spec()
        _settle(self, spec)
        for name, value in _sample(self, spec).items():
            _SAMPLE_RANGES[name] = float(value.min()), float(value.max())
        return serialize(self, output_dir, input_spec)

    base.PytorchWorkbenchModel.serialize = settle_and_serialize


def _sample(model: Any, input_spec: Any) -> dict[str, Any]:
    """Returns a model's own sample of each input."""
    samples = model.sample_inputs(input_spec, use_channel_last_format=False)
    return {name: each[0] for name, each in samples.items()}


def _settle(model: Any, input_spec: Any) -> None:
    """Gives a network of random weights numbers such as a trained one has."""
    import torch

    random = torch.Generator().manual_seed(_SEED)
    modules = list(model.modules())
    with torch.no_grad():
        _settle_weights(modules, random)
        norms = [
            each for each in modules if isinstance(each, torch.nn.modules.batchnorm._BatchNorm)
        ]
        for each in norms:
            if each.affine:
                # Mostly above zero: where half of each ReLU's inputs are cut off, errors grow by a
                # fifth from layer to layer of a random network, and a deep one is chaotic.
                each.weight.uniform_(0.4, 0.8, generator=random)
                each.bias.normal_(0.8, 0.2, generator=random)
    if norms:
        _measure_statistics(model, norms, input_spec)


def _settle_weights(modules: Sequence[Any], random: Any) -> None:
    """Initializes networks without normalization as He did, and has detectors score above 0."""
    import torch

    has_norms = any("Norm" in type(each).__name__ for each in modules)
    for each in modules:
        if not isinstance(each, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Linear):
            continue
        if not has_norms:
            fan_in = each.weight[0].numel()
            each.weight.normal_(0, (2 / fan_in) ** 0.5, generator=random)
        # So detectors begin, which have not seen anything yet.
        if each.bias is not None and each.bias.mean() < -2:
            each.bias.zero_()


def _measure_statistics(model: Any, norms: Sequence[Any], input_spec: Any) -> None:
    """Sets the statistics of batch normalizations to those of the model's sample input."""
    import torch

    def measure(norm: Any, inputs: tuple[Any, ...]) -> None:
        values = inputs[0].transpose(0, 1).flatten(1)
        if values.shape[1] > 1:
            mean, variance = values.mean(1), values.var(1)
            # Channels that hardly differ on this one sample would blow up on any other one.
            # Tokens of one picture differ less than those of several, and their networks are deep.
            share = 0.4 if isinstance(norm, torch.nn.BatchNorm1d) else 0.05
            floor = share * (variance.mean() + mean.square().mean()) + 1e-6
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance.clamp(min=float(floor)))

    hooks = [each.register_forward_pre_hook(measure) for each in norms]
    model(*(torch.from_numpy(each) for each in _sample(model, input_spec).values()))
    for hook in hooks:
        hook.remove()


sys.meta_path.insert(0, _Finder())
