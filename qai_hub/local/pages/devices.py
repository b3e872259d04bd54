"""The devices that jobs can name, and what this hub does for each."""

import json
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from starlette.responses import Response

from qai_hub.local.engines.catalog import TFLITE
from qai_hub.local.errors import ProblemError
from qai_hub.local.frameworks import CAPABILITIES
from qai_hub.local.pages.site import Page
from qai_hub.local.pages.text import read_search, split_search

Json = Mapping[str, Any]

# The framework that a device must have for what a capability makes or runs, by the label of the
# capability, and why some do not have it.
_FRAMEWORKS: Final = {
    "local": ("onnx", ""),
    "qnn": ("qnn", "its chip has no HTP that the compiler supports"),
    "tflite": ("tflite", "not for its operating system"),
    TFLITE.label: ("tflite", "not for its operating system"),
}
_SYSTEMS: Final = {
    "android": "Android",
    "qc_linux": "Qualcomm Linux",
    "ubuntu": "Ubuntu",
    "windows": "Windows",
}
_FORMATS: Final = {"auto": "Car", "iot": "IoT", "xr": "XR"}


@dataclass(frozen=True, slots=True)
class Target:
    """Target runtimes of a device.

    Attributes:
        runtimes: Their names.
        work: What this hub does with them; empty if nothing.
        reason: Why it does nothing with them; empty if it does.
    """

    runtimes: str
    work: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """A device, as a person sees it.

    Attributes:
        name: Its name.
        versions: The versions of its operating system, oldest first.
        system: Its operating system.
        form: What kind of device it is.
        chip: The name of its chip, for people.
        chipsets: The names of its chip, as attributes have them; the first is the usual one.
        hexagon: The version of its HTP, such as `v75`.
        soc_model: The number of its chip for the compiler.
        fp16: Whether its HTP computes with 16-bit floats.
        weight_sharing: Whether graphs of one context binary can share weights.
        frameworks: The frameworks that run on it.
        attributes: All its attributes, as `key:value`.
    """

    name: str
    versions: Sequence[str]
    system: str
    form: str
    chip: str
    chipsets: Sequence[str]
    hexagon: str
    soc_model: str
    fp16: bool
    weight_sharing: bool
    frameworks: frozenset[str]
    attributes: Sequence[str]

    @classmethod
    def of(cls, listed: Sequence[Json]) -> Self:
        """Read the contract's `Device`: one, in each version of its operating system."""
        latest = listed[-1]
        values = defaultdict[str, list[str]](list)
        for attribute in latest["attributes"]:
            key, _, value = attribute.partition(":")
            values[key].append(value)
        system, form = "".join(values["os"]), "".join(values["format"])
        return cls(
            name=latest["name"],
            versions=[each["os"] for each in listed],
            system=_SYSTEMS.get(system, system),
            form=_FORMATS.get(form, form.capitalize()),
            chip=latest["soc_description"],
            chipsets=values["chipset"],
            hexagon="".join(values["hexagon"]),
            soc_model="".join(values["soc-model"]),
            fp16="true" in values["htp-supports-fp16"],
            weight_sharing="true" in values["htp-supports-weight-sharing"],
            frameworks=frozenset(values["framework"]),
            attributes=latest["attributes"],
        )

    @property
    def searched(self) -> str:
        """What words are looked for in, in small letters."""
        return " ".join((self.name, self.chip, *self.chipsets)).lower()

    @property
    def htp_order(self) -> str:
        """The version of its HTP as a number, for sorting."""
        return self.hexagon.removeprefix("v")

    @property
    def is_family(self) -> bool:
        """Whether it stands for several devices."""
        return self.name.endswith("(Family)")

    def targets(self) -> list[Target]:
        """Return what this hub compiles or runs for it, and why not the rest."""
        found = list[Target]()
        for ability in CAPABILITIES:
            if ability.label not in _FRAMEWORKS:
                continue
            framework, reason = _FRAMEWORKS[ability.label]
            missing = ability.missing if framework in self.frameworks else reason
            found.append(Target(ability.formats, "" if missing else ability.description, missing))
        return found

    @property
    def in_python(self) -> str:
        """How to name it in Python."""
        lines = ["import qai_hub as hub", "", f"device = hub.Device({json.dumps(self.name)})"]
        if self.chipsets:
            chip = json.dumps(f"chipset:{self.chipsets[0]}")
            lines += ["# Or any device with its chip:", f"device = hub.Device(attributes={chip})"]
        return "\n".join(lines)

    @property
    def in_shell(self) -> str:
        """How to name it in the shell."""
        runtime = "qnn_context_binary" if "qnn" in self.frameworks else "onnx"
        options = shlex.quote(f"--target_runtime {runtime}")
        name = shlex.quote(self.name)
        return f"qai-hub submit compile model.onnx --device {name} --options {options}"


def show_devices(page: Page) -> Response:
    """Show the devices that fit what the form asks for."""
    query = page.request.query_params
    known = _read_devices(page)
    words = split_search(read_search(query.get("name", "")))
    chosen = {
        "chipset": query.get("chipset", ""),
        "htp": query.get("htp", ""),
        "os": query.get("os", ""),
    }
    found = [
        each
        for each in known
        if all(word in each.searched for word in words)
        and chosen["chipset"] in ("", *each.chipsets)
        and chosen["htp"] in ("", each.hexagon)
        and chosen["os"] in ("", each.system)
        and (each.fp16 or "fp16" not in query)
        and (each.weight_sharing or "sharing" not in query)
    ]
    return page.render(
        "devices.html",
        devices=found,
        total=len(known),
        query=dict(query),
        chosen=chosen,
        choices={
            "chipset": ("Chip", sorted({each.chipsets[0] for each in known if each.chipsets})),
            "htp": ("HTP", sorted({each.hexagon for each in known}, key=lambda one: int(one[1:]))),
            "os": ("System", sorted({each.system for each in known})),
        },
    )


def show_device(page: Page) -> Response:
    """Show a device."""
    name = page.request.path_params["name"]
    listed = page.get("listDevices", name=name)["devices"]
    if not listed:
        raise ProblemError(404, "There is no such device.")
    device = DeviceFacts.of(listed)
    (selected,) = page.get("listDevices", name=name, select=True)["devices"]
    return page.render("device.html", device=device, selected=selected)


def _read_devices(page: Page) -> list[DeviceFacts]:
    by_name = defaultdict[str, list[Json]](list)
    for each in page.get("listDevices")["devices"]:
        by_name[each["name"]].append(each)
    return [DeviceFacts.of(listed) for listed in by_name.values()]
