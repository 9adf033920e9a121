"""Limits of containers and services, from files as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

from nightsweep.cluster.cgroup import Limits, limits

GB = 2**30


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


def test_a_container_has_what_its_own_group_says(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.max": "150000 100000",
        "sys/fs/cgroup/memory.max": str(8 * GB),
        "sys/fs/cgroup/memory.current": str(5 * GB),
        "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {GB}",
        "sys/fs/cgroup/pids.max": "1024",
    }
    assert limits(tree(tmp_path, files)) == Limits(
        cpus=1.5, memory=8 * GB, free=4 * GB, tasks=1024
    )


def test_the_tightest_group_on_the_way_up_counts(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/user.slice/session.scope",
        "sys/fs/cgroup/user.slice/session.scope/cpu.max": "max 100000",
        "sys/fs/cgroup/user.slice/session.scope/memory.max": "max",
        "sys/fs/cgroup/user.slice/cpu.max": "400000 100000",
        "sys/fs/cgroup/user.slice/memory.max": str(8 * GB),
        "sys/fs/cgroup/user.slice/memory.current": "0",
    }
    found = limits(tree(tmp_path, files))
    assert (found.cpus, found.memory, found.free, found.tasks) == (4, 8 * GB, 8 * GB, None)


def test_the_first_version_has_a_tree_for_each_controller(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "4:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n2:pids:/docker/a\n0::/",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2**63 - 4096),
        "sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes": str(4 * GB),
        "sys/fs/cgroup/memory/docker/a/memory.usage_in_bytes": str(GB),
        "sys/fs/cgroup/pids/docker/a/pids.max": "max",
    }
    assert limits(tree(tmp_path, files)) == Limits(cpus=2.0, memory=4 * GB, free=3 * GB)


def test_no_limit_is_none(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "1:cpu:/\n0::/",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
    }
    assert limits(tree(tmp_path, files)) == Limits()


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert limits(tmp_path) == Limits()
