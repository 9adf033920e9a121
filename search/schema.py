"""The sweep file as a JSON Schema, with which editors complete and check it."""

from __future__ import annotations

from typing import Any

from .sweep import Sweep

DURATION = {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?\s*[dhmsDHMS]\s*)+$"}

SIZE = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[kmgtKMGT][iI]?[bB]\s*$"}


def schema() -> dict[str, Any]:
    """The schema of what `sweepfile.load` reads, short forms included."""
    found = Sweep.model_json_schema(mode="validation")
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["title"] = "nightsweep sweep file"
    properties = found["properties"]
    for key in ("time", "timeout"):
        properties[key]["anyOf"].append(DURATION)
    amount = {"type": properties["reserve"].pop("type"), "minimum": 0}
    properties["reserve"] = {"anyOf": [amount, DURATION], **properties["reserve"]}
    found["$defs"]["Checkpoints"]["properties"]["max"]["anyOf"].append(SIZE)
    one = {"anyOf": [properties["metric"].pop("items"), {"type": "string"}]}
    several = properties["metric"] | {"items": one, "minItems": 1}
    properties["metric"] = {"anyOf": [*one["anyOf"], several]}
    properties["constraints"] = {"anyOf": [properties["constraints"], {"type": "string"}]}
    for key in ("from", "window", "data"):
        properties[key] = {"anyOf": [properties[key], {"type": "string"}]}
    for key in ("sampler", "scheduler"):
        properties[key] = {"anyOf": [_without_mapping(properties[key]), _names(properties[key])]}
    ready = next(one for one in properties["trainable"]["anyOf"] if "discriminator" in one)
    properties["trainable"]["anyOf"].append(_names(ready))
    properties["command"] = {"type": "string", "description": "what trains: python train.py"}
    required = found.pop("required")
    found["anyOf"] = [{"required": required}, {"required": ["trainable"]}]
    parameter = properties["parameters"]["additionalProperties"]
    kinds = [kind for kind in parameter.pop("oneOf", parameter.get("anyOf", [])) if kind]
    constant = {"type": ["string", "number", "boolean", "null", "array"]}
    parameter["anyOf"] = [*kinds, constant]
    return found


def _names(union: dict[str, Any]) -> dict[str, Any]:
    return {"enum": list(union["discriminator"]["mapping"])}


def _without_mapping(union: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in union.items() if key != "default"}
