"""Binder, Colab and a plain Jupyter: each chapter runs there, seen by a browser.

The tests of this file follow each other: the library is missing, a notebook's first
cell brings it, Binder's postBuild takes its place, and notebooks run. Four are enough:
`test_cells_of_notebooks` shows that all hold what the build has run, and the image has
the versions of the build.
"""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from notebooks_of_site import NOTEBOOKS, code_of, imports_of
from the_book import ROOT, SITE

# Those that need the most that the others do not; the first page with a training is
# opened by a click, below.
DIFFERENT = {
    "appendix-evidence.ipynb": "SymPy, scikit-learn, a pool of processes, most cells",
    "10-building-the-network.ipynb": "files of its own, networks saved and loaded",
    "16-healthcare.ipynb": "tables of scikit-learn, an error that is shown",
    "17-bigger.ipynb": "a cluster of processes, threads that are counted",
}
OWN = re.compile(r"git\+https://github\.com/[\w./-]+@\w+")


def test_binder_plans_to_install_what_is_locked_and_then_the_library():
    """Docker is not asked for anything; the plan is what matters."""
    said = subprocess.run(
        [
            *(sys.executable, "-m", "repo2docker", "--no-build", "--debug"),
            *("--user-name", "reader", "--user-id", "1000", str(ROOT)),
        ],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    plan = said.stdout + said.stderr
    install = plan.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    assert install < plan.index("RUN ./binder/postBuild")
    assert "environment for python=3.11" in plan


def test_a_notebook_brings_the_library_along(image, tmp_path):
    found = "import importlib.util as u; print(u.find_spec('backprop') is not None)"
    assert image.run("python", "-c", found).strip() == "False"
    first = code_of(NOTEBOOKS[0])[0]
    assert len(OWN.findall(first)) == 1
    script = tmp_path / "first_cell.ipy"
    script.write_text(OWN.sub(f"git+file://{image.repository}", first), "utf-8")
    image.run("ipython", str(script), cwd=tmp_path)
    assert image.run("python", "-c", found, cwd=tmp_path).strip() == "True"


def test_post_build_installs_the_library_and_finds_data(image):
    said = image.run("bash", "binder/postBuild")
    assert "This image has" in said
    where = image.run("python", "-c", "import backprop; print(backprop.__file__)")
    assert str(image.repository) in where


def test_all_that_a_notebook_imports_is_in_the_image(image, tmp_path):
    lines = sorted({line for name in NOTEBOOKS for line in imports_of(name)})
    assert len(lines) > 50
    image.run("python", "-c", "\n".join(lines), cwd=tmp_path)


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_notebook_runs_in_an_empty_folder(image, tmp_path, name):
    (tmp_path / name).write_bytes((SITE / "notebooks" / name).read_bytes())
    image.run("jupyter", "execute", "--inplace", "--timeout=600", name, cwd=tmp_path)
    cells = json.loads((tmp_path / name).read_text(encoding="utf-8"))["cells"]
    outputs = [out for cell in cells for out in cell.get("outputs", [])]
    assert outputs or not name[0].isdigit()
    assert not [out for out in outputs if out["output_type"] == "error"]
    assert [file.name for file in tmp_path.iterdir()] == [name], "it left files behind"


@pytest.fixture(scope="module")
def lab(image):
    """Start JupyterLab as the image does; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    options = [f"--port={port}", "--ip=127.0.0.1", "--no-browser", "--allow-root"]
    command = [
        "jupyter",
        "lab",
        *options,
        "--ServerApp.token=",
        "--LabApp.expose_app_in_browser=True",
    ]
    with (
        (image.home / "lab.log").open("w") as log,
        subprocess.Popen(
            command, cwd=image.repository, env=image.variables, stdout=log, stderr=log
        ) as server,
    ):
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}api", timeout=1)
                break
            except OSError:
                time.sleep(0.5)
        yield address
        server.terminate()


SESSION = "jupyterapp.shell.currentWidget.sessionContext"
# What has become of a notebook's code cells; the app is asked, as Lab draws only those
# in sight.
CELLS = """() => {
    const cells = [...jupyterapp.shell.currentWidget.content.model.cells];
    return cells.filter((cell) => cell.type === "code").map((cell) => {
        const outputs = cell.outputs.toJSON();
        return {
            count: cell.executionCount,
            error: outputs.find((out) => out.output_type === "error")?.evalue,
            kinds: outputs.flatMap((out) => Object.keys(out.data || {})),
        };
    });
}"""


@pytest.mark.parametrize(
    "chapter",
    [
        "01-teacher-and-student",
        "07-backpropagation-in-matrices",
        "11-training-on-mnist",
    ],
)
def test_the_launch_button_opens_a_notebook_that_runs(lab, browser, chapter):
    page_file = (SITE / "chapters" / f"{chapter}.html").read_text(encoding="utf-8")
    launched = re.search(r'mybinder\.org/[^"]*\?urlpath=([^"]+)"', page_file)[1]
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(240_000)
    page.goto(f"{lab}{launched}?reset")  # forget what other tests have opened
    page.wait_for_selector(".jp-NotebookPanel aside:visible")  # MyST's boxes are drawn
    page.wait_for_function(f"{SESSION}.session?.kernel?.status === 'idle'")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(f"({CELLS})().every((cell) => cell.count || cell.error)")
    cells = page.evaluate(CELLS)
    page.screenshot(path=SITE.parent / f"binder-{chapter}.png")
    page.close()
    assert not [cell["error"] for cell in cells if cell["error"]]
    assert [cell for cell in cells if "image/svg+xml" in cell["kinds"]]
