"""Notebooks run as other programs run them: nbconvert, papermill, nbclient. Run by `npm test -- --only jupyter`."""

import base64
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import nbclient
import nbformat
import papermill

ROOT = pathlib.Path(__file__).resolve().parents[2]
ANSI = re.compile(r"\x1b\[[0-9;]*m")
KERNEL = {"kernelspec": {"name": "cimbook", "display_name": "CIMbook (TypeScript)", "language": "typescript"}}

CELLS = [
    "import { compile, importOnnx, loadHardware, timeline } from 'cimbook';",
    f"const graph = importOnnx('{ROOT.as_posix()}/datasets/resnet18.onnx', {{ bind: {{ batch: 1 }} }});\n"
    f"const chip = loadHardware('{ROOT.as_posix()}/hw/dynaplasia-paper.json');",
    "const { plan, trace } = await compile(graph, chip);\nconsole.log(plan.segments.length > 0);",
    "trace",
    "timeline(trace!)",
]


def notebook(*sources):
    return nbformat.v4.new_notebook(metadata=KERNEL, cells=[nbformat.v4.new_code_cell(source) for source in sources])


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, *sources):
        path = self.folder / "in.ipynb"
        nbformat.write(notebook(*sources), path)
        return path

    def nbconvert(self, *arguments):
        command = [sys.executable, "-m", "nbconvert", "--execute", "--output-dir", str(self.folder), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    def test_nbconvert_executes_a_notebook_into_a_notebook(self):
        done = self.nbconvert("--to", "notebook", "--output", "out.ipynb", self.write(*CELLS))
        self.assertEqual(done.returncode, 0, done.stderr)
        cells = nbformat.read(self.folder / "out.ipynb", as_version=4).cells
        self.assertEqual(cells[2].outputs[0].text, "true\n")
        self.assertIn("Trace of resnet18", cells[3].outputs[0].data["text/plain"])
        self.assertTrue(base64.b64decode(cells[4].outputs[0].data["image/png"]).startswith(b"\x89PNG"))

    def test_nbconvert_makes_a_page_whose_charts_need_no_network(self):
        done = self.nbconvert("--to", "html", "--output", "out.html", self.write(*CELLS))
        self.assertEqual(done.returncode, 0, done.stderr)
        page = (self.folder / "out.html").read_text(encoding="utf-8")
        self.assertIn("data-cimbook-figure", page)
        self.assertIn("plotly.js v", page)

    def test_nbconvert_stops_at_an_error_and_goes_on_when_it_may(self):
        path = self.write("throw new RangeError('too far');", "console.log('after');")
        stopped = self.nbconvert("--to", "notebook", "--output", "out.ipynb", path)
        self.assertNotEqual(stopped.returncode, 0)
        self.assertIn("RangeError: too far", ANSI.sub("", stopped.stderr))
        going = self.nbconvert("--to", "notebook", "--output", "out.ipynb", "--allow-errors", path)
        self.assertEqual(going.returncode, 0, going.stderr)
        first, second = nbformat.read(self.folder / "out.ipynb", as_version=4).cells
        self.assertEqual([first.outputs[0].output_type, first.outputs[0].ename], ["error", "RangeError"])
        self.assertEqual(second.outputs[0].text, "after\n")

    def test_papermill_executes_a_notebook_in_its_folder(self):
        (self.folder / "beside.ts").write_text("export const answer: number = 42;\n")
        source = self.write("import { answer } from './beside';\nanswer")
        made = papermill.execute_notebook(source, self.folder / "out.ipynb", cwd=self.folder, progress_bar=False)
        self.assertEqual(made.cells[0].outputs[0].data["text/plain"], "42")

    def test_papermill_reports_an_error_with_its_cell(self):
        with self.assertRaises(papermill.PapermillExecutionError) as caught:
            papermill.execute_notebook(self.write("const n: number = 'x';"), self.folder / "out.ipynb", progress_bar=False)
        self.assertEqual(caught.exception.ename, "TypeScriptError")
        self.assertIn("TS2322", caught.exception.evalue)

    def test_nbclient_ends_a_cell_that_takes_too_long_and_can_go_on(self):
        made = notebook("const kept = 42;", "await null;\nfor (;;) {}", "kept")
        # Its kernel needs longer to start than a cell may take.
        limits = {0: 60, 1: 2, 2: 60}
        client = nbclient.NotebookClient(
            made,
            kernel_name="cimbook",
            timeout_func=lambda cell: limits[made.cells.index(cell)],
            interrupt_on_timeout=True,
            allow_errors=True,
        )
        client.execute()
        self.assertEqual(made.cells[2].outputs[0].data["text/plain"], "42")


if __name__ == "__main__":
    unittest.main()
