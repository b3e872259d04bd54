"""The commands `qai-hub device` and `qai-hub framework`."""

import json

from support.command import Run

from qai_hub.client import Client

PHONE = "Samsung Galaxy S24"


def test_list(run: Run, client: Client) -> None:
    names = run("device", "list", "-q").lines
    assert names == [device.name for device in client.get_devices()]
    chosen = ["--attr", "chipset:qualcomm-snapdragon-8gen3", "--attr", "os:android", "--os", "14"]
    few = run("device", "list", *chosen, "--format", "json", "--fields", "name,hexagon,chipset")
    devices = {device["name"]: device for device in json.loads(few.out)}
    assert 1 < len(devices) < len(names)
    assert devices[PHONE]["hexagon"] == "v75"
    assert devices[PHONE]["chipset"] == ["qualcomm-snapdragon-8gen3", "sm8650"]


def test_nothing_matches(run: Run) -> None:
    for form in ("human", "tsv", "jsonl", "quiet"):
        found = run("device", "list", "--name", "No Such Phone", "--format", form)
        assert (found.status, found.out) == (0, "")
        assert found.err == ("No device matches.\n" if form == "human" else "")
    shown = run("device", "show", "No Such Phone")
    assert (shown.status, shown.out) == (1, "")
    assert "'No Such Phone'" in shown.err
    assert run("device", "list", "--attr", "no attribute").status == 1


def test_show(run: Run) -> None:
    text = run("device", "show", PHONE)
    assert (text.status, text.err) == (0, "")
    assert f"name        {PHONE}\n" in text.out
    assert "            framework:qnn\n" in text.out
    told = json.loads(run("device", "show", PHONE, "--format", "jsonl").out)
    assert "framework:qnn" in told["attributes"]


def test_frameworks(run: Run, client: Client) -> None:
    listed = run("framework", "list", "--format", "jsonl")
    assert (listed.status, listed.err) == (0, "")
    assert [json.loads(line)["name"] for line in listed.lines] == [
        framework.name for framework in client.get_frameworks()
    ]
