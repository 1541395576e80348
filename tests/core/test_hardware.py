"""Memory as Linux and a container tell it, from fabricated files."""

from unet_core.hardware import Machine, available_mb


def test_the_smaller_of_what_the_machine_and_the_container_allow(tmp_path):
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    assert available_mb(proc, cgroup) == 0  # nothing is known
    proc.mkdir()
    (proc / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable: 4194304 kB\n")
    assert available_mb(proc, cgroup) == 4096
    cgroup.mkdir()
    (cgroup / "memory.max").write_text("max\n")
    (cgroup / "memory.current").write_text("1\n")
    assert available_mb(proc, cgroup) == 4096
    (cgroup / "memory.max").write_text(f"{2**30}\n")
    (cgroup / "memory.current").write_text(f"{2**29}\n")
    assert available_mb(proc, cgroup) == 512
    (cgroup / "memory.stat").write_text(f"anon 5\ninactive_file {2**28}\n")
    assert available_mb(proc, cgroup) == 768  # cached files are given back


def test_version_one_of_cgroups(tmp_path):
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(f"{2**31}")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text(f"{2**30}")
    assert available_mb(tmp_path / "none", tmp_path) == 1024


def test_a_gpu_is_asked_for_its_memory(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 24268\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert Machine.here() == Machine("cuda", 24268, Machine.here().cores)
    assert Machine.here("cpu").device == "cpu"
    program.write_text("#!/bin/sh\nexit 9\n")
    assert Machine.here().device != "cuda"
