"""The sites that jobs can be submitted to, by name. Each is imported when it is asked for."""

from __future__ import annotations

from ...search.sites import SiteName
from .site import Site


def site(name: SiteName) -> Site:
    """The site of that name."""
    match name:
        case "local":
            from .local import LocalSite

            return LocalSite()
        case "ray":
            from .rayjobs.site import RaySite

            return RaySite()
        case "slurm":
            from .slurm.site import SlurmSite

            return SlurmSite()
        case "kubernetes":
            from .kubernetes.site import KubernetesSite

            return KubernetesSite()
