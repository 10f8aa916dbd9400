// The figure: all of ONNX's backend node tests judged, printed, and the tests that are not passed listed in docs/conformance.md.
//   node --import tsx test/onnx/conformance-report.ts TESTS.jsonl [--record]

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Constants, exclusion, graphProblem, judge, type NodeTest, nodeTest, type RecordedTest, type Verdict } from './conformance.ts';
import { type RecordLine, recordLine } from './conformance-record.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

interface Judged {
  readonly test: NodeTest;
  readonly verdict: Verdict;
}

function main(): void {
  const [path = '', ...flags] = process.argv.slice(2);
  const judged = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): Judged => {
      const test = nodeTest(JSON.parse(line) as RecordedTest);
      return { test, verdict: judge(test) };
    });
  const report = reportOf(judged);
  writeFileSync(file('docs/conformance.md'), report.page);
  console.log(report.figure);
  if (flags.includes('--record')) {
    const lines = recordOf(judged).map((line) => JSON.stringify(line));
    writeFileSync(file('test/onnx/node-tests.json'), `[\n${lines.join(',\n')}\n]\n`);
    console.log(`${lines.length} of them recorded in test/onnx/node-tests.json`);
  }
}

function reportOf(judged: readonly Judged[]): { figure: string; page: string } {
  const counted = judged.filter(({ test, verdict }) => verdict.kind !== 'excluded' && !isRuntime(test));
  const passed = counted.filter(({ verdict }) => verdict.kind === 'passed');
  const others = counted.filter(({ verdict }) => verdict.kind !== 'passed');
  const percent = ((100 * passed.length) / counted.length).toFixed(1);
  const figure = `${passed.length} of ${counted.length} node tests give the recorded types and shapes: ${percent} %.`;
  const runtime = judged.filter(({ test }) => isRuntime(test));
  const likeRuntime = runtime.filter(({ verdict }) => verdict.kind === 'passed');
  const beside = `Of ${runtime.length} for operators that ONNX Runtime has beside ONNX's, ${likeRuntime.length} give what it makes.`;
  const level = (constants: Constants): Judged[] =>
    passed.filter(({ verdict }) => verdict.kind === 'passed' && verdict.constants === constants);
  const runnable = [...level('none'), ...level('integers')];
  const withoutGraph = runnable.flatMap(({ test, verdict }) => {
    const problem = verdict.kind === 'passed' ? graphProblem(test, verdict.constants) : undefined;
    return problem === undefined ? [] : [{ name: test.name, reason: problem }];
  });
  const wrong = others.flatMap(({ test, verdict }) => (verdict.kind === 'wrong' ? [{ name: test.name, reason: verdict.reason }] : []));
  const refused = others.flatMap(({ test, verdict }) => (verdict.kind === 'refused' ? [{ name: test.name, reason: verdict.reason }] : []));
  const page = [
    "# Conformance of the import with ONNX's own tests",
    '',
    '`npm run conformance` writes this page. ONNX ships a test for every operator: a model, recorded inputs, recorded outputs.',
    "The import's inference has to give the outputs' recorded types and shapes; what the outputs' values are is not its business.",
    '',
    `**${figure}** ${wrong.length === 0 ? 'None gives others.' : `${wrong.length} give others.`}`,
    '',
    `${beside} They are recorded from a run of it (scripts/conformance_runtime.py).`,
    '',
    '| inputs given by | tests |',
    '|---|---|',
    `| their shapes alone | ${level('none').length} |`,
    `| values of integers, booleans and text, because a shape depends on them | ${level('integers').length} |`,
    `| all values | ${level('all').length} |`,
    '',
    `Left out are the ${judged.length - counted.length - runtime.length} tests of control flow (If, Loop, Scan) and training.`,
    `Of the ${runnable.length} that have inputs left, ${runnable.length - withoutGraph.length} become a Graph, too.`,
    '',
    ...(wrong.length === 0 ? [] : ['## Wrong', '', ...byReason(wrong)]),
    '## Not supported',
    '',
    ...byReason(refused),
    '## Shapes are right, and no Graph is made',
    '',
    ...byReason(withoutGraph),
  ];
  const misses = runtime.flatMap(({ test, verdict }) => ('reason' in verdict ? [`${test.name}: ${verdict.reason}`] : []));
  return { figure: [figure, beside, ...misses].join('\n'), page: `${page.join('\n').trimEnd()}\n` };
}

/** Tests of conformance_runtime.py. */
function isRuntime({ name }: NodeTest): boolean {
  return name.startsWith('runtime_');
}

/** Names of tests under what keeps them from passing; names of nodes and values are left out of it. */
function byReason(list: readonly { readonly name: string; readonly reason: string }[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { name, reason } of list) {
    const told = reason
      .replace(/^Node '[^']*' \((\S+)\): /, '$1: ')
      .replace(/^Value '[^']*' /, 'A value ')
      .replace(/ '[^']*'/g, '')
      .replace(/; \d+ nodes? uses? it, the first is\. CONTRIBUTING.md.*$/, '')
      .replace(/\. [A-Z][^.]*\.$/, '');
    groups.set(told, [...(groups.get(told) ?? []), name.replace(/^test_/, '')]);
  }
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .flatMap(([reason, names]) => [`- ${reason} (${names.length}): ${names.join(', ')}`, '']);
}

const ABOUT_TYPES = /Cast|Quantize|Integer/;

/** Passed tests that differ in operator, attributes or sizes, or are about types: one for each, for `npm test`. */
function recordOf(judged: readonly Judged[]): RecordLine[] {
  const seen = new Set<string>();
  return judged.flatMap(({ test, verdict }) => {
    if (verdict.kind !== 'passed' || exclusion(test) !== undefined) return [];
    const line = recordLine(test, verdict.constants);
    if (line === undefined) return [];
    const { name: _, inputs, outputs, ...rest } = line;
    // Element types decide what conversions make, and little else.
    const from = ABOUT_TYPES.test(line.op) ? 1 : 2;
    const key = JSON.stringify([rest, inputs.map((tensor) => tensor.slice(from)), outputs.map((tensor) => tensor.slice(from))]);
    if (seen.has(key)) return [];
    seen.add(key);
    return [line];
  });
}

main();
