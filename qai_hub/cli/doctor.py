"""`qai-hub doctor`: examines the installation, the configuration and the way to the server."""

import dataclasses
from collections.abc import Iterator
from itertools import groupby

import click

from qai_hub.cli.common import print_line
from qai_hub.cli.diagnosis.configuration import examine_configuration, load_or_explain
from qai_hub.cli.diagnosis.finding import Finding, State
from qai_hub.cli.diagnosis.installation import examine_installation
from qai_hub.cli.diagnosis.machine import examine_machine
from qai_hub.cli.groups import HubCommand
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import layout_option, to_json
from qai_hub.errors import hide_secrets

_PROBLEM_FOUND = 1


@click.command(
    cls=HubCommand,
    examples=[
        ("What is wrong, and what to do", "doctor"),
        ("Of a profile", "doctor --profile local"),
        ("For a bug report: there is no secret in it", "doctor --format json > doctor.json"),
    ],
)
@layout_option
@click.pass_obj
def doctor(invocation: Invocation, /, layout: str) -> int:
    """Examine what is installed and configured, and whether the server can be reached.

    Nothing is changed, and no secret is shown. Exits with 1 if there is a problem.
    """
    findings: list[Finding] = []
    for topic, found in groupby(_examine(invocation.profile), key=lambda each: each.topic):
        if layout == "human":
            print_line(f"{topic[0].upper()}{topic[1:]}")
        for each in found:
            findings.append(each)
            if layout == "human":
                _print_finding(each)
    problems = sum(each.state is State.PROBLEM for each in findings)
    if layout == "json":
        listed = [dataclasses.asdict(each) for each in findings]
        print_line(to_json({"problems": problems, "findings": listed}, indent=2))
    else:
        print_line(
            {0: "No problem was found.", 1: "1 problem."}.get(problems, f"{problems} problems.")
        )
    return _PROBLEM_FOUND if problems else 0


def _examine(profile: str | None) -> Iterator[Finding]:
    yield from examine_installation()
    config = load_or_explain(profile)
    yield from examine_configuration(profile, config)
    if isinstance(config, Finding):
        yield Finding("server", "all", State.SKIPPED, "no configuration names one")
    else:
        from qai_hub.cli.diagnosis.network import ServerExamination

        for each in ServerExamination(config).findings():
            # Whatever a server sends back.
            text = hide_secrets(each.text, [config.api_token])
            yield dataclasses.replace(each, text=text)
    yield from examine_machine()


def _print_finding(finding: Finding) -> None:
    print_line(f"  {finding.state:<8} {finding.name}: {finding.text}")
    if finding.remedy:
        print_line(f"  {'':<8} {finding.remedy}")
