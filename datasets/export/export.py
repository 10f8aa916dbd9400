#!/usr/bin/env python3
"""Export the models in MODELS and write them as ONNX files, weight-free unless they were trained here.

    pip install -r requirements.txt
    python export.py                  # all of them, into datasets/
    python export.py --only vgg16 --out /tmp

Same versions, same bytes: nothing of the machine, the time or the run goes into the files.
"""

import argparse
import json
from pathlib import Path
from typing import Callable

import digits
import language
import vision
from finish import Counts

DATASETS = Path(__file__).resolve().parent.parent

# Name -> how it is exported. To add a model: one line in the table of its family.
MODELS: dict[str, Callable[[str, Path], Counts]] = {
    **dict.fromkeys(vision.CLASSIFIERS, vision.export),
    **dict.fromkeys(language.MODELS, language.export),
    **dict.fromkeys(digits.MODELS, digits.export),
}


def record(name: str, counts: Counts, path: Path) -> None:
    """Put PyTorch's counts of a model into counts.json; the other models' stay."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known[name] = {"parameters": counts.parameters, "macs": [{"bind": bind, "macs": macs} for bind, macs in counts.macs]}
    lines = [f"{json.dumps(name)}: {json.dumps(known[name])}" for name in MODELS if name in known]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Export models to ONNX files.")
    parser.add_argument("--only", metavar="NAME", action="append", choices=MODELS,
                        help=f"export only this one; may be repeated (of: {', '.join(MODELS)})")
    parser.add_argument("--out", metavar="DIR", type=Path, default=DATASETS,
                        help="where to write the files (default: datasets/)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only or MODELS:
        record(name, MODELS[name](name, args.out), args.out / "counts.json")


if __name__ == "__main__":
    main()
