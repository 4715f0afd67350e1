"""The environment that Binder would make, in an empty folder, from `binder/` alone."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from the_book import ROOT


@dataclass
class Image:
    """A copy of the repository, and the environment it asks for."""

    repository: Path
    environment: Path
    home: Path

    @property
    def variables(self) -> dict[str, str]:
        """What a program in the image sees of the outside."""
        path = os.pathsep.join([str(self.environment / "bin"), os.environ["PATH"]])
        outside = ("PYTHONPATH", "VIRTUAL_ENV", "MNIST_DIR", "JUPYTER_PATH")
        kept = {key: text for key, text in os.environ.items() if key not in outside}
        return kept | {
            "PATH": path,
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "MNIST_SOURCE": "embedded",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """Run a command in the image; return what it said, or fail with it."""
        done = subprocess.run(
            command,
            cwd=cwd or self.repository,
            env=self.variables,
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode:
            pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}", False)
        return done.stdout + done.stderr


def copy_repository(target: Path) -> None:
    """Copy what git knows or would add, and commit it there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    me = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*me, "commit", "--quiet", "--message=copy"],
    ):
        subprocess.run(["git", *words], cwd=target, check=True)


@pytest.fixture(scope="session")
def image(tmp_path_factory) -> Image:
    """Make the environment, as far as requirements.txt takes it."""
    if not os.environ.get("CI"):
        pytest.skip("Binder's image takes minutes; `CI=true make test` makes it too.")
    folder = tmp_path_factory.mktemp("binder")
    made = Image(folder / "repository", folder / "environment", folder / "home")
    made.home.mkdir()
    copy_repository(made.repository)
    runtime = (ROOT / "binder" / "runtime.txt").read_text().strip()
    assert runtime == "python-3.11"
    python = shutil.which("python3.11") or sys.executable
    subprocess.run([python, "-m", "venv", str(made.environment)], check=True)
    made.run("pip", "install", "--quiet", "--require-hashes", "-r",
             "binder/requirements.txt")  # fmt: skip
    return made
