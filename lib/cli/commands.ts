// The commands: each is its grammar and a function from arguments to what is printed.

import { formatBytes, formatCycles, formatNumber, formatSi, printable, textTable } from '../base/text.ts';
import { type Compilation, compile } from '../compile.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { printHardware } from '../hardware/print.ts';
import { loadHardware } from '../hardware/read.ts';
import { type InspectedCache, inspect } from '../ir/inspect.ts';
import { printPlan } from '../optimizer/print.ts';
import { printProgram } from '../program/print.ts';
import { type CompileReport, compileReport } from '../report/compile-report.ts';
import { printTrace } from '../simulator/print.ts';
import type { Arguments, Command } from './arguments.ts';
import { writeWhole } from './files.ts';
import { compileGeneration, passTable } from './generation-command.ts';
import {
  BIND_FLAGS,
  generationRequest,
  HARDWARE_FLAG,
  JSON_FLAG,
  loadChip,
  loadModel,
  loadRun,
  PRECISION_FLAGS,
  precisionOf,
  RUNS_FLAG,
  runsOf,
  SCHEDULE_FLAGS,
  scheduleOptions,
  WORKLOAD_FLAGS,
} from './model-flags.ts';
import { progress } from './progress.ts';

export interface Runnable {
  readonly command: Command;
  /** Text for standard output; with --json, one JSON object. An exit code of its own says what was found, not that it failed. */
  readonly run: (args: Arguments, argv: readonly string[]) => Promise<Printed> | Printed;
}

export type Printed = string | { readonly text: string; readonly exitCode: number };

const INSPECT: Runnable = {
  command: {
    name: 'inspect',
    operands: ['MODEL'],
    summary: 'Operators of an ONNX model, its totals and intensities.',
    flags: { ...BIND_FLAGS, ...WORKLOAD_FLAGS, ...PRECISION_FLAGS, ...JSON_FLAG },
    examples: ['cimbook inspect datasets/resnet18.onnx --batch 8', 'cimbook inspect datasets/gpt2.onnx --prompt 64 --generate 64'],
  },
  run: (args, argv) => {
    const graph = loadModel(args.operands[0] ?? '', args, argv);
    const inspection = inspect(graph, precisionOf(args));
    const request = generationRequest(args.operands[0] ?? '', args, argv);
    const passes = request && passTable(args, request);
    if (args.on('json'))
      return json({ schemaVersion: 1, ...inspection, ...(passes && { workload: request.workload, passes: passes.passes }) });
    const { model, operators, blocks, caches } = inspection;
    // Views move nothing and cost nothing.
    const shown = operators.filter(({ kind }) => kind !== 'view');
    const rows = shown.map((op) => [
      printable(op.id),
      op.dynamic ? `${op.kind} (dynamic)` : op.kind,
      op.m,
      op.n,
      op.k,
      op.groups,
      op.macs === 0 ? null : formatSi(op.macs),
      op.weightBytes || null,
      op.inputBytes,
      op.outputBytes,
      op.inputReuse,
      op.flopsPerMop,
      op.steps.map((step) => `+ ${printable(step)}`).join(' '),
    ]);
    const table = textTable(
      ['operator', 'kind', 'm', 'n', 'k', 'groups', 'MACs', 'weight B', 'input B', 'output B', 'MACs/input', 'FLOPs/MOP', 'fused'],
      rows,
    );
    const repeated = blocks.map(
      ({ count, operators: length, first, last, macs }) =>
        `${count} blocks of ${length} operators (${formatSi(macs, 'MACs')} each), from ${printable(first)} to ${printable(last)}\n`,
    );
    return `${table}\n${repeated.join('')}${cacheLine(caches)}${printable(model.name)}: ${model.operators} operators, ${formatSi(model.macs, 'MACs')}, ${formatNumber(model.weightBytes)} weight bytes at ${precisionOf(args).weightBits} bits${passes === undefined ? '' : `\n\n${passes.text}`}`;
  },
};

/** What a network keeps of each token, if it has a KV cache. */
function cacheLine(caches: readonly InspectedCache[]): string {
  const [first] = caches;
  if (first === undefined) return '';
  const bytes = caches.reduce((sum, { bytesPerToken }) => sum + bytesPerToken, 0);
  return `KV cache: ${caches.length} tensors of ${first.tokens} tokens, ${formatNumber(bytes)} bytes a token in all\n`;
}

const HARDWARE: Runnable = {
  command: {
    name: 'hardware',
    operands: ['HW'],
    summary: 'Checks a hardware file and prints the constants derived from it, with their formulas.',
    flags: { ...PRECISION_FLAGS, ...JSON_FLAG },
    examples: ['cimbook hardware hw/dynaplasia.json'],
  },
  run: (args) => {
    const hardware = loadHardware(args.operands[0] ?? '', precisionOf(args));
    if (!args.on('json')) return printHardware(hardware);
    const { noun: _noun, file: _file, ...rest } = hardware;
    return json(rest);
  },
};

const COMPILE: Runnable = {
  command: {
    name: 'compile',
    operands: ['MODEL'],
    summary: 'Plans a model on a chip, emits its program and simulates it.',
    flags: {
      ...HARDWARE_FLAG,
      ...SCHEDULE_FLAGS,
      ...BIND_FLAGS,
      ...WORKLOAD_FLAGS,
      ...PRECISION_FLAGS,
      ...RUNS_FLAG,
      out: {
        value: 'DIR',
        help: 'write plan.json, program.mop and report.json there; with --runs again.mop, a run after another; with --generate generation.json, and plan and program of each pass',
      },
      'no-simulate': { help: 'leave the simulation out' },
      ...JSON_FLAG,
    },
    examples: [
      'cimbook compile datasets/vgg16.onnx --hw hw/dynaplasia.json',
      'cimbook compile datasets/vgg16.onnx --hw hw/dynaplasia.json --optimizer static:1 --out out/',
      'cimbook compile datasets/mobilenetv2.onnx --hw hw/isaac.json --optimizer joint --runs 1000',
      'cimbook compile datasets/llama2-7b.onnx --hw hw/dynaplasia.json --prompt 64 --generate 64',
    ],
  },
  run: async (args, argv) => {
    const hardware = loadChip(args);
    const begun = loadRun(args, argv);
    const runs = runsOf(args, begun.request);
    if (begun.request !== undefined) return compileGeneration(args, hardware, begun.request);
    const { graph, load } = begun;
    const done = progress('compiling');
    const compilation = await compile(graph, hardware, {
      ...scheduleOptions(args),
      runs,
      simulate: !args.on('no-simulate'),
      onProgress: done.update,
    });
    done.end();
    const report = reportOf(compilation, load);
    const out = args.text('out');
    if (out !== undefined) {
      writeWhole(out, {
        'plan.json': `${json(compilation.plan)}\n`,
        'program.mop': printProgram(compilation.program),
        ...(compilation.again && { 'again.mop': printProgram(compilation.again.program) }),
        'report.json': `${json(report)}\n`,
      });
    }
    if (args.on('json')) return json(report);
    const parts = [printPlan(compilation.plan), ...(compilation.trace === undefined ? [] : [printTrace(compilation.trace)])];
    return [
      ...parts,
      summaryLine(report, hardware),
      ...runsLines(report, hardware),
      ...(out === undefined ? [] : [`Wrote plan.json, program.mop and report.json to ${printable(out)}`]),
    ].join('\n\n');
  },
};

export const COMMANDS: readonly Runnable[] = [INSPECT, HARDWARE, COMPILE];

export function reportOf({ graph, plan, trace, again, milliseconds }: Compilation, load: number): CompileReport {
  return compileReport({ graph, plan, milliseconds: { load, ...milliseconds }, ...(trace && { trace }), ...(again && { again }) });
}

function summaryLine(report: CompileReport, hardware: Hardware): string {
  const { analytic, simulated, lowerBound } = report.cycles;
  const planned = `planned ${formatCycles(Math.round(analytic), hardware.clockHz)} on the ${report.figures}'s cost`;
  const run =
    simulated === null
      ? 'not simulated'
      : `simulated ${formatCycles(simulated, hardware.clockHz)}, at least ${formatCycles(lowerBound, hardware.clockHz)} by traffic and work`;
  return `${run}; ${planned}; compiled in ${formatNumber(Math.round(report.milliseconds.compile))} ms`;
}

/** Several runs, one after another. */
function runsLines({ runs, cycles }: CompileReport, { clockHz }: Hardware): readonly string[] {
  if (runs === null || runs.totalCycles === null || runs.againCycles === null || cycles.simulated === null) return [];
  const fetched = runs.againWeightsFetchedBytes ?? 0;
  return [
    `${formatNumber(runs.count)} runs: ${formatCycles(cycles.simulated, clockHz)} the first, ${formatCycles(runs.againCycles, clockHz)} each other, ` +
      `${formatCycles(runs.totalCycles, clockHz)} in all; ${fetched === 0 ? 'all weights stay on the chip' : `${formatBytes(fetched)} of weights are fetched every time`}`,
  ];
}

export function json(value: unknown): string {
  return JSON.stringify(value);
}
