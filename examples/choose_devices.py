"""Choose devices by what they are rather than by name.

    python examples/choose_devices.py
    python examples/choose_devices.py chipset:qualcomm-snapdragon-8gen3 os:android

Prints the devices that have all of the attributes that are given, the attributes that may be
given, and the frameworks that jobs run with.
"""

import sys
from collections import defaultdict

import qai_hub as hub


def main() -> None:
    """Prints devices, attributes and frameworks."""
    wanted = sys.argv[1:] or ["hexagon:v75"]
    print(f"Devices with {' and '.join(wanted)}:")
    for device in hub.get_devices(attributes=wanted):
        print(f"  {device.name}, with version {device.os}")

    values = defaultdict(list)
    for attribute in hub.get_device_attributes():
        key, _, value = attribute.partition(":")
        values[key].append(value)
    print("Attributes:")
    for key, known in values.items():
        print(f"  {key}: {', '.join(known[:4])}{', ...' if known[4:] else ''}")

    print("Frameworks:")
    for framework in hub.get_frameworks():
        print(f"  {framework.name} {framework.full_version}")

    # A job may name attributes only: the service then takes any device that has them.
    print(f"For a job: {hub.Device(attributes=wanted)}")


if __name__ == "__main__":
    main()
