"""Writes requirements.lock.txt: every package that requirements.txt pulls in, pinned, with markers where one is needed.
With `tools` as argument, requirements-tools.lock.txt in the same way, without what the first lock has.

Run with the oldest Python that cimbook supports (3.10): what is chosen there also runs on the newer ones.
ipykernel is left out on purpose (JupyterLab asks for it, but runs without): our TypeScript kernel is the only one offered.
Source of the versions: pip's own resolver, in a throw-away virtual environment.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
LEFT_OUT = {"ipykernel"}
LEFT_OUT_OF_TOOLS = {"aiohttp"}  # asked for by papermill on Python 3.12, used nowhere in it
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}

# Runs inside the throw-away environment, which has `packaging` because JupyterLab needs it.
# It walks the requirements once for every Python and system and prints {name: [[system, python], ...]}.
WALK = """
import importlib.metadata as metadata, json, sys
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

top, left_out, pythons, systems = json.loads(sys.argv[1])
found = {}
for python in pythons:
    for system, platform_system in systems.items():
        base = {"python_version": python, "python_full_version": python + ".0", "sys_platform": system, "platform_system": platform_system,
                "os_name": "nt" if system == "win32" else "posix", "platform_machine": "x86_64", "platform_python_implementation": "CPython"}
        todo, seen = [Requirement(line) for line in top], set()
        while todo:
            requirement = todo.pop()
            name = canonicalize_name(requirement.name)
            for extra in {"", *requirement.extras}:
                if name in left_out or (name, extra) in seen:
                    continue
                seen.add((name, extra))
                found.setdefault(name, set()).add((system, python))
                try:
                    needs = metadata.requires(name) or []
                except metadata.PackageNotFoundError:
                    continue  # needed on another system only
                todo += [r for r in map(Requirement, needs) if r.marker is None or r.marker.evaluate({**base, "extra": extra})]
print(json.dumps({name: sorted(where) for name, where in sorted(found.items())}))
"""


def marker(where):
    """The environment marker under which a package is needed; empty when it always is."""
    systems = sorted({system for system, _ in where})
    pythons = [python for python in PYTHONS if any(found == python for _, found in where)]
    parts = []
    if len(systems) == 1:
        parts.append(f'sys_platform == "{systems[0]}"')
    elif len(systems) == 2:
        parts.append(f'sys_platform != "{(set(SYSTEMS) - set(systems)).pop()}"')
    if pythons != PYTHONS:
        first, end = PYTHONS.index(pythons[0]), PYTHONS.index(pythons[-1]) + 1
        if pythons != PYTHONS[first:end]:
            raise SystemExit(f"needed on {pythons} only: say by hand how the marker should read")
        if first > 0:
            parts.append(f'python_version >= "{pythons[0]}"')
        if end < len(PYTHONS):
            parts.append(f'python_version < "{PYTHONS[end]}"')
    return " and ".join(parts)


def main():
    if "%d.%d" % sys.version_info[:2] != PYTHONS[0]:
        raise SystemExit(f"Run this with Python {PYTHONS[0]}: the lock has to hold for the oldest one.")
    tools = sys.argv[1:] == ["tools"]
    base = HERE / "requirements.lock.txt"
    source, target = (HERE / "requirements-tools.txt", HERE / "requirements-tools.lock.txt") if tools else (HERE / "requirements.txt", base)
    constraints = ["--constraint", str(base)] if tools else []
    known = {line.split("==")[0] for line in base.read_text().splitlines()} if tools else set()
    left_out = LEFT_OUT_OF_TOOLS if tools else LEFT_OUT
    top = [line.strip() for line in source.read_text().splitlines() if line.strip() and not line.startswith("#")]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(pathlib.Path(folder) / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", str(source), *constraints], check=True)
        listed = subprocess.run([python, "-m", "pip", "list", "--format", "json"], check=True, capture_output=True, text=True).stdout
        argument = json.dumps([top, sorted(left_out), PYTHONS, SYSTEMS])
        walked = subprocess.run([python, "-c", WALK, argument], check=True, capture_output=True, text=True).stdout
        versions = {entry["name"].lower().replace("_", "-").replace(".", "-"): entry["version"] for entry in json.loads(listed)}
        lines = []
        for name, where in json.loads(walked).items():
            if name in known:
                continue
            version = versions.get(name)
            if version is None:  # not installed here: another system's package
                index = subprocess.run([python, "-m", "pip", "index", "versions", name], check=True, capture_output=True, text=True).stdout
                version = index.split("(", 1)[1].split(")", 1)[0]
            condition = marker(where)
            lines.append(f"{name}=={version}" + (f" ; {condition}" if condition else ""))
    head = f"# Made by lock_requirements.py from {source.name}; installed with --no-deps. Don't edit by hand."
    target.write_text("\n".join([head, *lines]) + "\n")
    print(f"{len(lines)} packages")


if __name__ == "__main__":
    main()
