"""Executes notebooks in order, each in a fresh kernel, on a copy in memory; prints one line per notebook.

    python run_notebooks.py --kernel NAME [--timeout SECONDS] [--write] [--results FILE] NOTEBOOK ...

Cells run in the notebook's own folder, so relative paths mean what they mean in JupyterLab. The file itself changes only with
--write, which saves the outputs so that the same results give the same bytes (see `settled`). --results gets one JSON line
per notebook as it ends. Exit code: 1 if any failed, 130 when interrupted.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import sys
import tempfile
import time

KEPT_TYPES = ("application/vnd.plotly.v1+json", "image/png", "text/latex", "text/plain")
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class CellFailed(Exception):
    """A cell ended in an error; str() says which cell, its source, and the error's name and message."""


def execute(path, kernel, timeout):
    """The executed copy of a notebook; the file stays as it is. Raises with a readable message when a cell fails."""
    import nbclient
    import nbformat

    content = with_ids(json.loads(path.read_text(encoding="utf-8")))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook = nbformat.reads(json.dumps(content), as_version=4)
    current = []  # the number, from 0, of the cell that runs
    client = nbclient.NotebookClient(
        notebook,
        kernel_name=kernel,
        timeout=timeout,
        startup_timeout=60,
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_execute=lambda cell, cell_index: current.append(cell_index),
    )
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        raise CellFailed(failure_text(notebook, current, f"{error.ename}: {error.evalue}")) from error
    except nbclient.exceptions.CellTimeoutError as error:
        raise CellFailed(failure_text(notebook, current, f"Timeout: the cell ran for more than {timeout} s")) from error
    except nbclient.exceptions.DeadKernelError as error:
        raise CellFailed(failure_text(notebook, current, "DeadKernelError: the kernel's process ended")) from error
    except AssertionError as error:
        if client.kc is None and not str(error):  # nbclient's way to say that a signal made it end the kernel
            raise KeyboardInterrupt from error
        raise
    return notebook


def failure_text(notebook, current, message):
    """Which cell failed, its source, the error's name and message, and the end of its traceback."""
    if not current:
        return f"    before the first cell: {message}"
    cell = notebook.cells[current[-1]]
    shown = [f"    cell {current[-1] + 1} of {len(notebook.cells)} (id {cell.id}):"]
    shown += [f"      | {line}" for line in cell.source.splitlines()]
    shown += [f"    {line}" for line in ANSI.sub("", message).splitlines()]
    for output in cell.outputs:
        if output.output_type == "error":
            shown += [f"      {line}" for line in ANSI.sub("", "\n".join(output.traceback)).splitlines()[-20:]]
    return "\n".join(shown)


def with_ids(notebook):
    """The notebook as nbformat 4.5, where every cell has an id; one that lacks an id gets it from its place and source."""
    notebook["nbformat"], notebook["nbformat_minor"] = 4, max(5, notebook.get("nbformat_minor", 0))
    seen = set()
    for index, cell in enumerate(notebook.get("cells", [])):
        source = cell.get("source", "")
        text = source if isinstance(source, str) else "".join(source)
        own = cell.get("id")
        if not own or own in seen:
            own = hashlib.sha256(f"{index}:{text}".encode()).hexdigest()[:8]
        seen.add(own)
        cell["id"] = own
    return notebook


def compact_text(content):
    """The notebook's text, each figure on one line: indented, one number a line, it would be three times as long."""
    import nbformat

    figures = []
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if KEPT_TYPES[0] in data:
                figures.append(data[KEPT_TYPES[0]])
                data[KEPT_TYPES[0]] = f"figure {len(figures) - 1} of this file"
    text = nbformat.writes(content)
    for number, figure in enumerate(figures):
        line = json.dumps(figure, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        text = text.replace(json.dumps(f"figure {number} of this file"), line, 1)
    return text


def settled(notebook):
    """The notebook as it is committed: only lasting kinds of output, no times, no versions, counts from 1."""
    count = 0
    for cell in notebook["cells"]:
        for key in ("execution", "collapsed", "scrolled"):
            cell["metadata"].pop(key, None)
        if cell["cell_type"] != "code":
            continue
        has_run = cell.get("execution_count") is not None
        count += has_run
        cell["execution_count"] = count if has_run else None
        cell["outputs"] = [output for output in map(settled_output, cell["outputs"]) if output is not None]
        for output in cell["outputs"]:
            if output["output_type"] == "execute_result":
                output["execution_count"] = cell["execution_count"]
    metadata = notebook["metadata"]
    metadata.pop("widgets", None)
    metadata.pop("signature", None)
    if isinstance(metadata.get("language_info"), dict):
        metadata["language_info"].pop("version", None)
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return notebook


def settled_output(output):
    """One output without what GitHub strips or what changes by itself; None when nothing of it lasts."""
    if output["output_type"] == "error":
        output["traceback"] = [ANSI.sub("", line) for line in output["traceback"]]
    if output["output_type"] in ("display_data", "execute_result"):
        output["data"] = {kind: value for kind, value in output["data"].items() if kind in KEPT_TYPES}
        output["metadata"] = {kind: value for kind, value in output.get("metadata", {}).items() if kind in KEPT_TYPES}
        output.pop("transient", None)
        if not any(output["data"].values()):  # nothing, or a progress bar that has ended
            return None
    return output


def save(path, notebook, kernel):
    """Replaces the file in one move, so that an interrupt never leaves half a notebook."""
    import nbformat
    from jupyter_client.kernelspec import get_kernel_spec

    spec = get_kernel_spec(kernel)
    notebook.metadata["kernelspec"] = {"display_name": spec.display_name, "language": spec.language, "name": kernel}
    content = nbformat.from_dict(settled(json.loads(json.dumps(notebook))))
    nbformat.validate(content)
    text = compact_text(content)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text if text.endswith("\n") else text + "\n")
        os.chmod(name, path.stat().st_mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("notebooks", nargs="+", type=pathlib.Path)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--timeout", type=int, default=300)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--results", type=pathlib.Path)
    arguments = parser.parse_args()

    width = max(44, *(len(path.as_posix()) for path in arguments.notebooks))
    if arguments.write:
        os.environ["CIMBOOK_STATIC"] = "1"  # what is committed has no scripts and no progress bars
    failures = 0
    for path in arguments.notebooks:
        start = time.monotonic()
        problem = None
        try:
            notebook = execute(path.resolve(), arguments.kernel, arguments.timeout)
            if arguments.write:
                save(path.resolve(), notebook, arguments.kernel)
        except CellFailed as error:
            problem = str(error)
        except KeyboardInterrupt:
            print(f"  interrupted in {path.as_posix()}", flush=True)
            return 130
        except Exception as error:  # not a notebook, no such kernel, a kernel that doesn't start
            problem = f"    {type(error).__name__}: {error}"
        seconds = time.monotonic() - start
        failures += problem is not None
        print(f"  {'ok    ' if problem is None else 'FAILED'}  {path.as_posix():<{width}}{seconds:6.1f} s", flush=True)
        if problem is not None:
            print(problem, flush=True)
        if arguments.results:
            with arguments.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"notebook": path.as_posix(), "ok": problem is None, "seconds": round(seconds, 3)}) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
