"""The number of cores that a process may use, on a machine with eight cores."""

import os

import pytest

from stackyard.cores import count_schedulable_cores, count_usable_cores


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.fixture
def system(tmp_path):
    """Write the files of a system, and return its root."""

    def write(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return write


OWN = "proc/self/cgroup"
V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({OWN: "0::/\n", f"{V2}/cpu.max": "max 100000\n"}, 8),
        ({OWN: "0::/\n", f"{V2}/cpu.max": "300000 100000\n"}, 3),
        ({OWN: "0::/\n", f"{V2}/cpu.max": "250000 100000\n"}, 3),
        ({OWN: "0::/\n", f"{V2}/cpu.max": "1000 100000\n"}, 1),
        ({OWN: "0::/\n", f"{V2}/cpu.max": "900000 100000\n"}, 8),
        ({OWN: "0::/a/b\n", f"{V2}/a/b/cpu.max": "max 100000\n", f"{V2}/a/cpu.max": "200000 100000\n"}, 2),
        ({OWN: "0::/a/b\n", f"{V2}/a/b/cpu.max": "100000 100000\n", f"{V2}/a/cpu.max": "200000 100000\n"}, 1),
        ({OWN: "0::/docker/of-the-host\n", f"{V2}/cpu.max": "200000 100000\n"}, 2),
        ({OWN: "0::/../../a\n", f"{V2}/a/cpu.max": "200000 100000\n"}, 2),
        ({OWN: "0::/a\n", f"{V2}/b/cpu.max": "200000 100000\n"}, 8),
        ({f"{V2}/cpu.max": "200000 100000\n"}, 2),
        ({OWN: "nonsense\n\n", f"{V2}/cpu.max": "200000 100000\n"}, 8),
        ({OWN: "0::/\n", f"{V2}/cpu.max": "nonsense\n"}, 8),
    ],
    ids=[
        "no control groups", "no quota", "a quota", "a fraction is one core", "at least one core", "above all cores",
        "of a parent group", "of its own group", "of the container", "above the namespace", "of another group",
        "unknown group", "unreadable group", "unreadable quota",
    ],
)  # fmt: skip
def test_a_cgroup_v2_quota_limits_the_cores(system, files, cores):
    assert count_usable_cores(system(files)) == cores


@pytest.mark.parametrize(
    ("mount", "quota", "cores"),
    [(V1, "200000", 2), ("sys/fs/cgroup/cpu", "200000", 2), (V1, "-1", 8), ("sys/fs/cgroup/memory", "200000", 8)],
    ids=["a quota", "under the short name", "no quota", "of another controller"],
)
@pytest.mark.parametrize("directory", ["/a", ""], ids=["of its own group", "of a parent group"])
def test_a_cgroup_v1_quota_limits_the_cores(system, mount, directory, quota, cores):
    group = f"{mount}{directory}"
    own = "5:memory:/a\n4:cpu,cpuacct:/a\n0::/a\n"
    files = {OWN: own, f"{group}/cpu.cfs_quota_us": quota, f"{group}/cpu.cfs_period_us": "100000\n"}
    assert count_usable_cores(system(files)) == cores


def test_the_affinity_limits_the_cores(system, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5}, raising=False)
    assert count_usable_cores(system({OWN: "0::/\n", f"{V2}/cpu.max": "300000 100000\n"})) == 1


def test_without_an_affinity_all_cores_count(system, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert count_usable_cores(system({})) == 6


def test_a_quota_does_not_limit_the_schedulable_cores():
    assert count_schedulable_cores() == 8


def test_the_cores_of_this_machine_are_counted():
    assert 1 <= count_usable_cores() <= 8
