"""Before the first trial on a cluster: ask its nodes, and send them the code that they lack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ray

from ...search.errors import ClusterError
from ..nodes import Members
from .autoscaler import grows
from .project import Project
from .survey import survey
from .travel import Luggage, luggage, runtime_env

Again = Callable[[dict[str, Any]], None]
LATER = "{} is not there as it is here; nightsweep resume would send it"


class Settler:
    """Sees to it that the nodes of a cluster can run a project.

    `again`: joins the cluster anew with a runtime_env; None where somebody else has joined it.
    `note`: tells people what is done.
    """

    def __init__(self, project: Project, note: Callable[[str], object], again: Again | None):
        self._project = project
        self._note = note
        self._again = again
        self._sent = False

    def settle(self, members: Members) -> Path:
        """The sweep file's folder, as a worker finds it: relative where the code has travelled.

        Nothing is asked where there is but the driver's own node, unless others may be started.
        Errors: ClusterError, naming nodes.
        """
        project = self._project
        mine = ray.get_runtime_context().get_node_id()
        others = {node: member for node, member in members.items() if node != mine}
        blind = not others and grows()
        if not others and not blind:
            return project.folder
        carried = bool(ray.get_runtime_context().runtime_env.get("working_dir"))
        load = luggage(project.root, project.run) if project.root and not carried else None
        found = survey(project, load, others)
        if found.problems:
            raise ClusterError("; ".join(found.problems))
        for text in found.notes:
            self._note(text)
        code = load is not None and (found.project or blind)
        package = found.package or (blind and not carried)
        if code or package:
            self._send(load if code else None, package=package)
        return project.inside if code or carried else project.folder

    def admit(self, newcomers: Members) -> Mapping[str, str]:
        """Nodes that have come and cannot run the project, each with the reason."""
        load = None
        if not self._sent and self._project.root is not None:
            load = luggage(self._project.root, self._project.run)
        refused = {}
        for node, member in newcomers.items():
            found = survey(self._project, load, {node: member})
            why: Sequence[str] = found.problems
            if not why and not self._sent and (found.project or found.package):
                why = [LATER.format("the project's code" if found.project else "nightsweep")]
            if why:
                refused[node] = f"{member.host} came and is left out: {'; '.join(why)}"
        return refused

    def _send(self, load: Luggage | None, *, package: bool) -> None:
        """Join again, with this as what the cluster's workers are to have."""
        if load:
            load.check()
        what = [f"{load.root} ({load.words})"] if load else []
        what += ["nightsweep"] if package else []
        if self._again is None:
            raise ClusterError(
                f"not every node has {' and '.join(what)}; leave ray.init to nightsweep, which "
                'sends it: nightsweep.run(..., address="HOST:PORT")'
            )
        self._note(f"sends {' and '.join(what)} to the nodes")
        self._again(runtime_env(load, package=package))
        self._sent = True
