"""Finding a training function: `module:function` or `path/to/file.py:function`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
import zlib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

from ..search.errors import TrainingFunctionError
from ..search.nearest import nearest

TrainingFunction = Callable[..., Any]


class Kind(StrEnum):
    """How a training function wants to be called."""

    OURS = "config, trial"
    TUNE = "config"  # and reports through ray.tune.report
    TUNE_CLASS = "a class of Ray Tune's"
    OBJECTIVE = "trial"  # one of Optuna's


def load(reference: str, folder: Path) -> TrainingFunction:
    """The function that a sweep file names; paths are relative to `folder`.

    Errors: TrainingFunctionError, with the traceback of an import that fails.
    """
    found = find(reference, folder)
    check(found, reference)
    return found  # type: ignore[no-any-return]


def find(reference: str, folder: Path, key: str = "train") -> Any:
    """What `module:name` or `path/to/file.py:name` names. `key`: of the sweep file, that says so.

    Errors: TrainingFunctionError, with the traceback of an import that fails.
    """
    where, colon, name = reference.rpartition(":")
    inside = where.startswith(".") and not where.endswith(".py")  # of a package: of which?
    if not colon or not where or not name or inside:
        raise TrainingFunctionError(
            f"{key}: {reference!r} names no function; write module:function or file.py:function"
        )
    file = where.endswith(".py")
    module = _from_file(folder / where, key) if file else _from_module(where, folder, key)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            near = nearest(part, [n for n in vars(module) if not n.startswith("_")])
            hint = f'; did you mean "{where}:{near}"?' if near else ""
            raise TrainingFunctionError(f"{key}: {where} holds no {part!r}{hint}")
        found = getattr(found, part)
    return found


def check(function: Any, name: str) -> None:
    """Errors: TrainingFunctionError if it cannot be called in any of the ways of `Kind`."""
    if not callable(function):
        raise TrainingFunctionError(
            f"train: {name} is a {type(function).__name__}, not a function"
        )
    kind_of(function, name)


def kind_of(function: TrainingFunction, name: str = "the training function") -> Kind:
    """How to call it: by its parameters, or as a class with the methods of Ray Tune's.

    Errors: TrainingFunctionError.
    """
    if isinstance(function, type) and all(hasattr(function, method) for method in _TUNE_S):
        return Kind.TUNE_CLASS
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return Kind.OURS  # built in C: it does not say, and is called as our own would be
    if _takes(signature, 1) and next(iter(signature.parameters)) == "trial":
        return Kind.OBJECTIVE
    if _takes(signature, 2):
        return Kind.OURS
    if _takes(signature, 1):
        return Kind.TUNE
    raise TrainingFunctionError(
        f"train: {name}{signature} cannot be called; it must take (config, trial), or (config) "
        "if it reports through ray.tune.report, or (trial) if it is an objective of Optuna's"
    )


_TUNE_S = ("setup", "step", "save_checkpoint", "load_checkpoint")


def _takes(signature: inspect.Signature, arguments: int) -> bool:
    try:
        signature.bind(*range(arguments))
    except TypeError:
        return False
    return True


def reference_to(function: TrainingFunction) -> str | None:
    """A reference by which another process can load this function; None if there is none."""
    name = getattr(function, "__qualname__", "")
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if not name or "<" in name or module is None:
        return None
    if module.__name__ != "__main__":
        return f"{module.__name__}:{name}"
    file = getattr(module, "__file__", None)
    return f"{Path(file).absolute()}:{name}" if file and file.endswith(".py") else None


def _from_module(name: str, folder: Path, key: str) -> ModuleType:
    # As `python -m` would: the working folder and the sweep file's own can be imported from.
    for place in (str(Path.cwd()), str(folder.absolute())):
        if place not in sys.path:
            sys.path.append(place)
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise TrainingFunctionError(
                f"{key}: there is no module {error.name!r} here; is its folder the current one, "
                "and is its package installed?"
            ) from None
        raise _broken(name, error, key) from error


def _from_file(path: Path, key: str) -> ModuleType:
    if not os.path.isfile(path):  # Path.is_file raises where a name is too long
        raise TrainingFunctionError(f"{key}: there is no file {path}")
    # By its own name, or by a longer one where another module has that already.
    name = path.stem
    for name in (path.stem, f"{path.stem}_{zlib.crc32(str(path.absolute()).encode()):x}"):
        known = sys.modules.get(name)
        if known is None:
            break
        if getattr(known, "__file__", None) == str(path.absolute()):
            return known
    if str(path.parent.absolute()) not in sys.path:
        sys.path.append(str(path.parent.absolute()))
    spec = importlib.util.spec_from_file_location(name, path.absolute())
    if spec is None or spec.loader is None:
        raise TrainingFunctionError(f"{key}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _broken(str(path), error, key) from error
    return module


def _broken(name: str, error: BaseException, key: str) -> TrainingFunctionError:
    # From the frame of the user's own file on: what is above it is ours and importlib's.
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "importlib" not in f.filename and f.filename != __file__]
    lines = "".join(traceback.format_list(own)) + "".join(
        traceback.format_exception_only(type(error), error)
    )
    return TrainingFunctionError(f"{key}: {name} cannot be imported:\n{lines.rstrip()}")
