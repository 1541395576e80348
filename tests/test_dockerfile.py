"""The Dockerfile says what the rest of the repository says; `tests/long/test_container.py` carries its steps out."""

import re
import subprocess
from pathlib import Path

from tests.helpers.dockerfile import ROOT, context_files, instructions, read_image

IMAGE = read_image((ROOT / "Dockerfile").read_text())
STEPS = [text for _, text, _ in IMAGE.steps]


def test_it_is_a_small_debian_with_the_oldest_python_that_we_support() -> None:
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert oldest and IMAGE.base == f"python:{oldest[1]}-slim"


def test_its_torch_is_that_of_the_makefile_from_the_index_of_cpu_builds() -> None:
    version = re.search(r"^TORCH \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    install = next(text for text in STEPS if "pip install" in text)
    assert version
    assert f"torch=={version[1]} --index-url https://download.pytorch.org/whl/cpu &&" in install
    assert install.endswith("pip install --no-cache-dir -r requirements.txt")


def test_requirements_come_before_the_source_so_that_a_change_of_it_installs_nothing_anew() -> None:
    assert STEPS.index("requirements.txt .") < STEPS.index(". .")


def test_it_runs_as_user_1000_who_owns_the_data_folder_alone() -> None:
    order = [(name, text) for name, text in instructions((ROOT / "Dockerfile").read_text())]
    assert IMAGE.user == "1000"
    assert "useradd --uid 1000" in STEPS[0] and "install -d -o 1000 -g 1000 /data" in STEPS[0]
    assert not [text for text in STEPS if "chown" in text]
    assert IMAGE.folder == "/app" and order.index(("USER", "1000")) > max(
        number for number, (name, _) in enumerate(order) if name in ("RUN", "COPY")
    )


def test_all_that_is_written_goes_below_the_data_folder() -> None:
    names = ("UNET_RUNS", "UNET_DATASETS", "UNET_UPLOADS", "UNET_SAMPLE", "HOME", "XDG_CACHE_HOME", "HF_HOME")
    assert {name for name in names if not Path(IMAGE.environment[name]).is_relative_to("/data")} == set()
    variables = {
        name
        for path in [*(ROOT / "pages").rglob("*.py"), *(ROOT / "unet_core").rglob("*.py")]
        for name in re.findall(r'environ(?:\.get)?[\[(]"(UNET_[A-Z]+)"', path.read_text())
    }
    assert variables - {"UNET_STUDIO_PUBLIC"} >= {"UNET_RUNS", "UNET_SAMPLE", "UNET_DATASETS", "UNET_UPLOADS"}
    folders = {name for name in variables if name not in ("UNET_DATA_ROOT",)}
    assert folders <= IMAGE.environment.keys()


def test_it_is_public_and_takes_uploads_in_a_frame_of_another_site() -> None:
    environment = IMAGE.environment
    assert environment["UNET_STUDIO_PUBLIC"] == "1"
    assert environment["STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION"] == "false"
    assert environment["STREAMLIT_SERVER_ENABLE_CORS"] == "true"
    assert not [name for name in environment if re.search("TOKEN|SECRET|KEY", name)]


def test_port_and_health_check_agree() -> None:
    assert IMAGE.ports == [7860] and IMAGE.environment["STREAMLIT_SERVER_PORT"] == "7860"
    assert "http://127.0.0.1:7860/_stcore/health" in IMAGE.health[-1] and IMAGE.health[0] == "python"
    compile(IMAGE.health[-1], "health", "exec")


def test_an_init_is_the_first_process_and_hands_signals_on() -> None:
    assert "tini" in STEPS[0]
    assert IMAGE.entrypoint == ["tini", "--", "python", "-m", "unet_core.io.container"]
    assert IMAGE.command == ["python", "-m", "streamlit", "run", "app.py"]


def test_the_image_gets_the_app_and_nothing_that_lies_beside_it(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    names = [name for name in tracked.stdout.splitlines() if (ROOT / name).is_file()]
    beside = [".env", ".streamlit/secrets.toml", "runs/a/config.json", "datasets/a.png", ".git/config", "model.pem"]
    beside += ["pages/__pycache__/main.pyc", "unet_core/io/__pycache__/files.pyc", ".venv/bin/python"]
    for name in (*names, *beside, "model/cells/model.safetensors"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    sent = set(context_files(tmp_path, (ROOT / ".dockerignore").read_text()))
    app = {name for name in names if name.startswith(("pages/", "unet_core/"))}
    assert sent == app | {"app.py", ".streamlit/config.toml", "requirements.txt", "model/cells/model.safetensors"}
