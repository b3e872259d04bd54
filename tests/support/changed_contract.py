"""The contract as someone changes it."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def changed_contract() -> dict[str, Any]:
    """The contract with two fields, an enum value, a job type and an endpoint more.

    One of the fields is a job, so that jobs hold jobs.
    """
    contract: dict[str, Any] = yaml.load(
        (ROOT / "openapi.yaml").read_text("utf-8"),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),
    )
    schemas = contract["components"]["schemas"]
    schemas["CompileJob"]["properties"]["priority"] = {
        "type": "integer",
        "minimum": 0,
        "maximum": 9,
        "description": "How much it matters.",
    }
    schemas["CompileJob"]["properties"]["parent"] = {"$ref": "#/components/schemas/Job"}
    schemas["JobState"]["enum"].append("JOB_STATE_PAUSED")
    schemas["Job"]["properties"]["train_job"] = {"$ref": "#/components/schemas/CompileJob"}
    path = contract["paths"]["/api/v1/jobs/{job_id}/"]
    explain = {**path["get"], "operationId": "explainJob", "summary": "Explain a job"}
    contract["paths"]["/api/v1/jobs/{job_id}/explanation/"] = {
        "parameters": path["parameters"],
        "post": explain,
    }
    return contract
