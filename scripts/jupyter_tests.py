"""Runs the unittest files in test/jupyter and prints one line per test, then `N passed, N failed`. A skipped test counts as failed.

    python jupyter_tests.py [FILE ...]
"""

import pathlib
import sys
import time
import unittest


class Lines(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = 0
        self.bad = 0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.trouble = None

    def addError(self, test, err):
        self.trouble = self._exc_info_to_string(err, test)

    addFailure = addError

    def addSkip(self, test, reason):
        self.trouble = f"skipped: {reason}"

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.trouble = f"{self.trouble or ''}{subtest}\n{self._exc_info_to_string(err, test)}"

    def stopTest(self, test):
        ok = self.trouble is None
        self.passed += ok
        self.bad += not ok
        seconds = time.monotonic() - self.began
        print(f"  {'ok    ' if ok else 'FAILED'}  {name_of(test):<44}{seconds:6.1f} s", flush=True)
        if not ok:
            print(self.trouble, flush=True)
        super().stopTest(test)


def name_of(test):
    return "test/jupyter: " + test.id().split(".", 1)[-1].replace(".test_", " ").replace("_", " ")


def tests_in(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_in(item)
        else:
            yield item


def main():
    files = [pathlib.Path(path).stem for path in sys.argv[1:]]
    folder = pathlib.Path(__file__).resolve().parent.parent / "test" / "jupyter"
    found = unittest.defaultTestLoader.discover(str(folder), pattern="*_test.py", top_level_dir=str(folder))
    chosen = [test for test in tests_in(found) if not files or test.id().split(".")[0] in files]
    result = Lines()
    unittest.TestSuite(chosen).run(result)  # runs setUpClass and tearDownClass as well
    # What fails outside a test (setUpClass) is no test of its own, but a failure all the same.
    if result.passed + result.bad < len(chosen):
        result.bad += len(chosen) - result.passed - result.bad
    print(f"{result.passed} passed, {result.bad} failed")
    return 1 if result.bad or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
