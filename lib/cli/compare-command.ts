// `cimbook compare`: all optimizers and baselines side by side.

import { formatNumber, formatPercent, formatSi, printable, textTable } from '../base/text.ts';
import { COMPARED, type Comparison, compare } from '../compare.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import { json, type Runnable, reportOf } from './commands.ts';
import { compareGenerations } from './generation-command.ts';
import {
  BIND_FLAGS,
  HARDWARE_FLAG,
  JSON_FLAG,
  loadChip,
  loadRun,
  PRECISION_FLAGS,
  RUNS_FLAG,
  runsOf,
  SCHEDULE_FLAGS,
  scheduleOptions,
  WORKLOAD_FLAGS,
} from './model-flags.ts';
import { progress } from './progress.ts';

const { optimizer: _every, 'compute-only': _row, prefetch: _ahead, ...FOLLOWED } = SCHEDULE_FLAGS;

const COMPARE: Runnable = {
  command: {
    name: 'compare',
    operands: ['MODEL'],
    summary: `All optimizers and baselines side by side: ${COMPARED.join(', ')}.`,
    flags: {
      ...HARDWARE_FLAG,
      ...FOLLOWED,
      prefetch: { help: 'weights are written ahead in every row' },
      ...BIND_FLAGS,
      ...WORKLOAD_FLAGS,
      ...PRECISION_FLAGS,
      ...RUNS_FLAG,
      ...JSON_FLAG,
    },
    examples: [
      'cimbook compare datasets/mobilenetv2.onnx --hw hw/dynaplasia-paper.json --batch 8',
      'cimbook compare datasets/mobilenetv2.onnx --hw hw/isaac.json --runs 1000',
      'cimbook compare datasets/gpt2.onnx --hw hw/dynaplasia-paper.json --prompt 64 --generate 64',
    ],
  },
  run: async (args, argv) => {
    const hardware = loadChip(args);
    const begun = loadRun(args, argv);
    const runs = runsOf(args, begun.request);
    if (begun.request !== undefined) return compareGenerations(args, hardware, begun.request);
    const { graph, load } = begun;
    const done = progress('comparing');
    const options = scheduleOptions(args);
    const comparison = await compare(graph, hardware, { ...options, runs, onProgress: done.update });
    done.end();
    if (!args.on('json')) return `${printComparison(graph, hardware, comparison)}\npuma, occ and cim-mlc: ${options.form}`;
    const rows = comparison.rows.map(({ label, compilation, gain, reason }) => {
      const { segments: _segments, ...row } = reportOf(compilation, load);
      return { label, ...row, gain, ...(reason !== undefined && { reason }) };
    });
    const { model, hardware: chip } = reportOf(comparison.rows[0]!.compilation, load);
    return json({
      schemaVersion: 1,
      model,
      hardware: chip,
      form: options.form,
      objective: comparison.objective,
      rows,
      failed: comparison.failed,
      split: comparison.split ?? null,
    });
  },
};

export const COMPARE_COMMANDS: readonly Runnable[] = [COMPARE];

function printComparison(graph: Graph, hardware: Hardware, comparison: Comparison): string {
  const { objective, runs, bound, againBound, rows, failed, split } = comparison;
  const reference = rows[0];
  const several = againBound !== undefined;
  const least = bound.cycles + (runs - 1) * (againBound?.cycles ?? 0);
  const table = textTable(
    [
      'optimizer',
      'segments',
      'planned cycles',
      'simulated cycles',
      ...(several ? ['each other run', 'all runs'] : []),
      objective === 'latency' ? 'speedup' : `${objective} gain`,
      'over the bound',
      'in memory mode',
      'energy',
      'watts',
      'compile ms',
    ],
    rows.map(({ label, compilation, gain }) => {
      const report = reportOf(compilation, 0);
      const total = report.runs?.totalCycles ?? report.cycles.simulated ?? 0;
      return [
        label,
        report.segments.length,
        Math.round(report.cycles.analytic),
        report.cycles.simulated,
        ...(several ? [report.runs?.againCycles ?? null, total] : []),
        `${gain.toFixed(2)}x`,
        least === 0 ? '' : `${(total / least).toFixed(2)}x`,
        formatPercent(report.memoryModeShare),
        formatSi((report.energyPicojoules?.total ?? 0) * 1e-12, 'J'),
        (report.averageWatts ?? 0).toPrecision(3),
        Math.round(report.milliseconds.compile),
      ];
    }),
  );
  const factor = (value: number): string => `${value.toFixed(2)}x`;
  const capped = rows.some(({ compilation }) => compilation.plan.powerCapWatts !== undefined);
  const uncapped = capped ? rows.filter(({ compilation }) => compilation.plan.powerCapWatts === undefined).map(({ label }) => label) : [];
  const reasons = rows.flatMap(({ label, reason, gain }) => (reason === undefined ? [] : [`  ${label} (${factor(gain)}): ${reason}`]));
  const over = `${objective === 'latency' ? 'speedups' : `gains in ${objective}`} over ${reference?.label}`;
  return [
    several
      ? `${printable(graph.name)} on ${printable(hardware.name)}, ${formatNumber(runs)} runs; ${over}, of all runs; everything else but the bound is of the first run, planned cycles on each plan's own cost`
      : `${printable(graph.name)} on ${printable(hardware.name)}; ${over}, planned cycles on each plan's own cost`,
    table,
    `No plan takes fewer than ${formatNumber(bound.cycles)} cycles: ${formatNumber(bound.externalCycles)} for compulsory traffic (${formatSi(bound.weightBytes, 'B')} of weights), ${formatNumber(bound.computeCycles)} for the products on all arrays.`,
    ...(several
      ? [
          `No other run than the first takes fewer than ${formatNumber(againBound.cycles)}: ${formatSi(againBound.weightBytes, 'B')} of weights cannot stay on the chip.`,
        ]
      : []),
    ...(split === undefined
      ? []
      : [
          `joint's gain over ${reference?.label}, in parts: writing ahead ${factor(split.prefetch)}, searching the whole run ${factor(split.search)}, arrays as memory ${factor(split.switching)}.`,
        ]),
    ...(uncapped.length === 0 ? [] : [`${uncapped.join(', ')}: by their own objective, which minds no power cap`]),
    ...(failed.length === 0 ? [] : ['Rows that cannot keep the power cap:', ...failed.map(({ label, reason }) => `  ${label}: ${reason}`)]),
    ...(reasons.length === 0 ? [] : ['Rows that gain nothing:', ...reasons]),
  ].join('\n');
}
