"""Values as Kubernetes takes them, checked before anything is sent to it.

Each type refuses what the API server, or KubeRay's operator later, would refuse. Sources: the
Kubernetes documentation on object names, labels, quantities, taints; apimachinery's validation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # RFC 1123
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
QUANTITY = re.compile(r"\d+(\.\d+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?")
IMAGE = re.compile(r"[a-z0-9][\w./:@-]*")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _text(check: Callable[[str], str]) -> BeforeValidator:
    """A type of texts: `check` says what is wrong with one, or nothing."""

    def checked(raw: Any) -> Any:
        given = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
        if isinstance(given, str) and (wrong := check(given)):
            raise ValueError(wrong)
        return given

    return BeforeValidator(checked)


def _label(text: str) -> str:
    if LABEL.fullmatch(text):
        return ""
    return f"{text!r} is no name of a namespace; write small letters, digits and -, 63 at most"


def _name(text: str) -> str:
    if NAME.fullmatch(text):
        return ""
    return f"{text!r} is no name in Kubernetes; write small letters, digits, - and dots"


def _image(text: str) -> str:
    if IMAGE.fullmatch(text):
        return ""
    return f"{text!r} is no name of an image; write it as docker pull has it: team/digits:1"


def _quantity(text: str) -> str:
    if QUANTITY.fullmatch(text) and float(re.sub(r"[A-Za-z]+$", "", text)) > 0:
        return ""
    near = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgtp])(i?)b?", text.lower())
    hint = f"{near[1]}{near[2].upper()}i" if near else "16Gi"
    return f"{text!r} is no amount of memory as Kubernetes has it; write {hint}"


def _resource(text: str) -> str:
    prefix, sign, name = text.partition("/")
    if sign and NAME.fullmatch(prefix) and VALUE.fullmatch(name) and name:
        return ""
    return f"{text!r} is no resource of a node; write nvidia.com/gpu, or amd.com/gpu"


def _folder(text: str) -> str:
    if re.fullmatch(r"(/[^/:]+)+/?", text) and ".." not in text.split("/"):
        return ""
    return f"{text!r} is no folder in a container; write a whole path without colons: /runs"


def _volumes(raw: Any) -> Any:
    """A mapping of volume claims to the folders that they are mounted on."""
    if not isinstance(raw, dict):
        return raw
    for claim, folder in raw.items():
        if wrong := _name(str(claim)) or (isinstance(folder, str) and _folder(folder)):
            raise ValueError(f"{wrong} (write claim: /folder)")
    if len(set(map(str, raw.values()))) < len(raw):
        raise ValueError("two claims are mounted on one folder; give each its own")
    return raw


def _selector(raw: Any) -> Any:
    """Labels of nodes, whose values may look like numbers or truth values."""
    if not isinstance(raw, dict):
        return raw
    words = {str(k): str(v).lower() if isinstance(v, bool) else str(v) for k, v in raw.items()}
    for key, value in words.items():
        if wrong := _key(key):
            raise ValueError(wrong)
        if not VALUE.fullmatch(value):
            raise ValueError(f"{value!r} is no label of a node; kubectl get nodes --show-labels")
    return words


def _key(text: str) -> str:
    prefix, sign, name = text.rpartition("/")
    if name and VALUE.fullmatch(name) and (not sign or NAME.fullmatch(prefix)):
        return ""
    return f"{text!r} is no key of a label or taint; write pool, or nvidia.com/gpu"


def _taint(text: str) -> str:
    key, value, effect = taint(text)
    if wrong := _key(key):
        return wrong
    if not VALUE.fullmatch(value):
        return f"{value!r} in {text!r} is no value of a taint"
    if effect and effect not in EFFECTS:
        return f"{effect!r} in {text!r} is no effect of a taint; write one of {', '.join(EFFECTS)}"
    return ""


def taint(text: str) -> tuple[str, str, str]:
    """Key, value, effect of a taint as `kubectl taint` writes it: `dedicated=ann:NoSchedule`."""
    rest, _, effect = text.partition(":")
    key, _, value = rest.partition("=")
    return key, value, effect


Namespace = Annotated[str, _text(_label)]
Name = Annotated[str, _text(_name)]
Image = Annotated[str, _text(_image)]
Memory = Annotated[str, _text(_quantity)]
Resource = Annotated[str, _text(_resource)]
Folder = Annotated[str, _text(_folder)]
Taint = Annotated[str, _text(_taint)]
Volumes = Annotated[dict[str, str], BeforeValidator(_volumes)]
Selector = Annotated[dict[str, str], BeforeValidator(_selector)]
