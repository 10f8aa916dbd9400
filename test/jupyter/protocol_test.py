"""The Jupyter project's own kernel test suite, run against the installed kernelspec `cimbook` by `npm test -- --only jupyter`.

Nothing is skipped: every operation the suite knows is declared here.
"""

import unittest

import jupyter_kernel_test as suite

DISPLAY = '(globalThis as any)[Symbol.for("cimbook.display")]'


class CimbookKernelTests(suite.KernelTests):
    kernel_name = "cimbook"
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("test")'

    completion_samples = [
        {"text": "undefine", "matches": {"undefined"}},
        {"text": "Math.flo", "matches": {"floor"}},
    ]
    complete_code_samples = ["1", "const a = 1", "function f() { return 1; }", "await Promise.resolve(1)", "for (const i of [1]) {}"]
    incomplete_code_samples = ["function f() {", "const a = [1,", "f(", "const s = `abc", "if (1 > 0) {"]
    invalid_code_samples = ["const = 1", "1 = = 2", "let a b", '"abc', "}"]

    code_page_something = f'{DISPLAY}.page("a long text")'
    code_generate_error = 'throw new Error("test")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "const answer = 40 + 2; answer", "result": "42"},
        {"code": '"a" + "b"', "result": "'ab'"},
        {"code": "Promise.resolve(12)", "result": "12"},
        {"code": '({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>x</b>" }) })', "mime": "text/html", "result": "<b>x</b>"},
        {"code": "({ answer })", "result": "{ answer: 42 }"},
    ]
    code_display_data = [
        {"code": f'{DISPLAY}.display({{ "text/html": "<b>x</b>" }})', "mime": "text/html"},
        {"code": f"{DISPLAY}.display(42)", "mime": "text/plain"},
        {"code": 'import { display } from "tslab"; display.html("x");', "mime": "text/html"},
    ]
    code_history_pattern = "6 ? 7*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "parseInt"
    code_clear_output = f"{DISPLAY}.clear({{ wait: true }})"


class CimbookWelcomeTests(suite.IopubWelcomeTests):
    kernel_name = "cimbook"
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main(verbosity=2)
