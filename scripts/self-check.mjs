// The self-check of `npm start`: VGG-16 compiled and simulated through the built command line, on both chip descriptions,
// by the optimizer and with all arrays computing. It prints what a user can compare with the notebooks and the paper.

import { join } from 'node:path';
import { run } from './command.mjs';

const MODEL = 'datasets/vgg16.onnx';
const CHIPS = ['dynaplasia-paper', 'dynaplasia'];
const ALL_COMPUTE = ['--optimizer', 'static:1'];
const COMMAND_SECONDS = 300;

/** Prints the summary; resolves to undefined, or to lines about what went wrong. */
export async function selfCheck(root) {
  const start = performance.now();
  const rows = [];
  for (const chip of CHIPS) {
    const hardware = join('hw', `${chip}.json`);
    const compile = ['compile', MODEL, '--hw', hardware, '--json'];
    const answers = await Promise.all([cimbook(root, compile), cimbook(root, [...compile, ...ALL_COMPUTE])]);
    const constants = await cimbook(root, ['hardware', hardware, '--json']);
    const problem = [...answers, constants].find((answer) => answer.problem !== undefined)?.problem;
    if (problem !== undefined) return problem;
    const row = summary(chip, answers[0].json, answers[1].json, constants.json);
    if (row.problem !== undefined) return [row.problem];
    rows.push(row);
  }
  const took = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`\nVGG-16, compiled and simulated (${took} s)\n\n${table(rows)}\n`);
  console.log('Speedup: cycles with every array computing, divided by cycles of the plan; 1.00x means that no array pays off as memory.\n');
  return undefined;
}

async function cimbook(root, args) {
  const shown = `node dist/cli/main.js ${args.join(' ')}`;
  const { code, stdout, output, timedOut } = await run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args], {
    cwd: root,
    limitSeconds: COMMAND_SECONDS,
  });
  if (code !== 0)
    return {
      problem: [
        output.trimEnd(),
        `The self-check failed: ${shown} ${timedOut ? `took more than ${COMMAND_SECONDS} s` : `ended with exit code ${code}`}.`,
      ],
    };
  try {
    return { json: JSON.parse(stdout) };
  } catch {
    return { problem: [stdout.slice(0, 400), `The self-check failed: ${shown} did not print one JSON object.`] };
  }
}

/** One row of the table from the reports of interface.md. */
export function summary(chip, plan, allCompute, hardware) {
  const cycles = plan?.cycles?.simulated;
  const reference = allCompute?.cycles?.simulated;
  const share = plan?.memoryModeShare;
  const clock = hardware?.clockHz;
  for (const [name, value] of Object.entries({
    'cycles.simulated': cycles,
    'cycles.simulated of static:1': reference,
    memoryModeShare: share,
    clockHz: clock,
  })) {
    if (!Number.isFinite(value)) return { problem: `The self-check failed: ${name} of ${chip} is ${JSON.stringify(value)}, not a number.` };
  }
  return {
    chip,
    latency: `${((cycles / clock) * 1000).toFixed(3)} ms`,
    cycles: whole(cycles),
    'all compute': whole(reference),
    speedup: `${(reference / cycles).toFixed(2)}x`,
    'arrays in memory mode': `${(share * 100).toFixed(1)} %`,
  };
}

/** Rows as text: the first column left-aligned, numbers right-aligned. */
export function table(rows) {
  const names = Object.keys(rows[0]);
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => row[name].length)));
  const line = (cells) => `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('   ')}`;
  return [line(names), line(widths.map((width) => '-'.repeat(width))), ...rows.map((row) => line(names.map((name) => row[name])))].join(
    '\n',
  );
}

function whole(number) {
  return Math.round(number).toLocaleString('en-US');
}
