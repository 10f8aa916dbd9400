// The commands: each is its grammar and a function from arguments to what is printed.

import { formatCycles, formatNumber, formatPercent, formatSi, printable, textTable } from '../base/text.ts';
import { type Compilation, compile } from '../compile.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { printHardware } from '../hardware/print.ts';
import { loadHardware } from '../hardware/read.ts';
import type { Graph } from '../ir/graph.ts';
import { type InspectedCache, inspect } from '../ir/inspect.ts';
import { printPlan } from '../optimizer/print.ts';
import { printProgram } from '../program/print.ts';
import { type CompileReport, compileReport } from '../report/compile-report.ts';
import { printTrace } from '../simulator/print.ts';
import type { Arguments, Command } from './arguments.ts';
import { writeWhole } from './files.ts';
import {
  BIND_FLAGS,
  HARDWARE_FLAG,
  JSON_FLAG,
  loadChip,
  loadModel,
  PRECISION_FLAGS,
  precisionOf,
  SCHEDULE_FLAGS,
  scheduleOptions,
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
    flags: { ...BIND_FLAGS, ...PRECISION_FLAGS, ...JSON_FLAG },
    examples: ['cimbook inspect datasets/resnet18.onnx --batch 8'],
  },
  run: (args, argv) => {
    const graph = loadModel(args.operands[0] ?? '', args, argv);
    const inspection = inspect(graph, precisionOf(args));
    if (args.on('json')) return json({ schemaVersion: 1, ...inspection });
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
    return `${table}\n${repeated.join('')}${cacheLine(caches)}${printable(model.name)}: ${model.operators} operators, ${formatSi(model.macs, 'MACs')}, ${formatNumber(model.weightBytes)} weight bytes at ${precisionOf(args).weightBits} bits`;
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
      ...PRECISION_FLAGS,
      out: { value: 'DIR', help: 'write plan.json, program.mop and report.json there' },
      'no-simulate': { help: 'leave the simulation out' },
      ...JSON_FLAG,
    },
    examples: [
      'cimbook compile datasets/vgg16.onnx --hw hw/dynaplasia.json',
      'cimbook compile datasets/vgg16.onnx --hw hw/dynaplasia.json --optimizer static:1 --out out/',
    ],
  },
  run: async (args, argv) => {
    const hardware = loadChip(args);
    const start = performance.now();
    const graph = loadModel(args.operands[0] ?? '', args, argv);
    const load = performance.now() - start;
    const done = progress('compiling');
    const compilation = await compile(graph, hardware, {
      ...scheduleOptions(args),
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
        'report.json': `${json(report)}\n`,
      });
    }
    if (args.on('json')) return json(report);
    const parts = [printPlan(compilation.plan), ...(compilation.trace === undefined ? [] : [printTrace(compilation.trace)])];
    return [
      ...parts,
      summaryLine(report, hardware),
      ...(out === undefined ? [] : [`Wrote plan.json, program.mop and report.json to ${printable(out)}`]),
    ].join('\n\n');
  },
};

/** What `compare` runs, the reference for speedups first. */
const COMPARED = ['static:1', 'static:0.75', 'static:0.5', 'static:0.25', 'puma', 'occ', 'cim-mlc', 'cmswitch', 'joint'];
/** Of those, what makes sense where arrays cannot be memory. */
const COMPARED_IF_STATIC = COMPARED.filter((name) => name === 'static:1' || !name.startsWith('static:'));

const COMPARE: Runnable = {
  command: {
    name: 'compare',
    operands: ['MODEL'],
    summary: `All optimizers and baselines side by side: ${COMPARED.join(', ')}.`,
    flags: {
      ...HARDWARE_FLAG,
      form: SCHEDULE_FLAGS.form,
      solver: SCHEDULE_FLAGS.solver,
      seed: SCHEDULE_FLAGS.seed,
      ...BIND_FLAGS,
      ...PRECISION_FLAGS,
      ...JSON_FLAG,
    },
    examples: ['cimbook compare datasets/mobilenetv2.onnx --hw hw/dynaplasia-paper.json --batch 8'],
  },
  run: async (args, argv) => {
    const hardware = loadChip(args);
    const start = performance.now();
    const graph = loadModel(args.operands[0] ?? '', args, argv);
    const load = performance.now() - start;
    const reports: CompileReport[] = [];
    const done = progress('comparing');
    const compared = hardware.dualMode ? COMPARED : COMPARED_IF_STATIC;
    const options = scheduleOptions(args);
    for (const [i, optimizer] of compared.entries()) {
      reports.push(reportOf(await compile(graph, hardware, { ...options, optimizer }), load));
      done.update((i + 1) / compared.length);
    }
    done.end();
    if (args.on('json'))
      return json({
        schemaVersion: 1,
        model: reports[0]?.model,
        hardware: reports[0]?.hardware,
        form: options.form,
        rows: reports.map(({ segments: _segments, ...row }) => row),
      });
    return `${comparison(graph, hardware, reports)}\npuma, occ and cim-mlc: ${options.form}`;
  },
};

export const COMMANDS: readonly Runnable[] = [INSPECT, HARDWARE, COMPILE, COMPARE];

function reportOf({ graph, plan, trace, milliseconds }: Compilation, load: number): CompileReport {
  return compileReport({ graph, plan, milliseconds: { load, ...milliseconds }, ...(trace && { trace }) });
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

function comparison(graph: Graph, hardware: Hardware, reports: readonly CompileReport[]): string {
  const reference = reports[0];
  const rows = reports.map((report) => {
    const simulated = report.cycles.simulated ?? 0;
    return [
      report.optimizer,
      report.segments.length,
      Math.round(report.cycles.analytic),
      ratio(reference?.cycles.analytic, report.cycles.analytic),
      simulated,
      ratio(reference?.cycles.simulated, simulated),
      formatPercent(report.memoryModeShare),
      formatSi((report.energyPicojoules?.total ?? 0) * 1e-12, 'J'),
      Math.round(report.milliseconds.compile),
    ];
  });
  const table = textTable(
    ['optimizer', 'segments', 'planned cycles', 'speedup', 'simulated cycles', 'speedup', 'in memory mode', 'energy', 'compile ms'],
    rows,
  );
  return `${printable(graph.name)} on ${printable(hardware.name)}; speedups over ${reference?.optimizer}\n${table}`;
}

function ratio(reference: number | null | undefined, value: number): string {
  return reference == null || value === 0 ? '' : `${(reference / value).toFixed(2)}x`;
}

function json(value: unknown): string {
  return JSON.stringify(value);
}
