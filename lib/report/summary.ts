// Summary: a compact view of any noun, as text for the command line and as HTML for notebooks.
// Values are recognised by their `noun` field, danfojs DataFrames by their shape; everything else is left alone.

import { counted, formatBytes, formatCycles, formatNumber, formatPercent, formatSi, printable } from '../base/text.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import type { Plan } from '../optimizer/plan.ts';
import { META_OPS, type MetaOpKind, type Program, type Statement } from '../program/program.ts';
import { COMPONENTS, type Trace } from '../simulator/trace.ts';
import { escapeHtml } from './html.ts';
import { operatorRows } from './operators.ts';
import type { MimeBundle } from './plotly.ts';
import { arrayUses, roleCounts, timesOf } from './roles.ts';
import { isDataFrame, renderDataFrame, Table } from './table.ts';

export type Noun = Graph | Plan | Program | Trace | Hardware;

/** A title, facts line by line, and a table with the details. */
export interface Summary {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly details: Table;
}

const MOST_ROWS = 16;
const HASH_DIGITS = 12;

/** HTML and text of a noun or a danfojs DataFrame; undefined for anything else, malformed nouns included. Never throws. */
export function renderNoun(value: unknown): MimeBundle | undefined {
  try {
    if (isDataFrame(value)) return renderDataFrame(value);
    if (!isNoun(value)) return undefined;
    const summary = summarise(value);
    return { 'text/html': summaryHtml(summary), 'text/plain': summaryText(summary) };
  } catch {
    return undefined;
  }
}

/** What a person wants to know of a noun first. */
export function summarise(value: Noun): Summary {
  switch (value.noun) {
    case 'graph':
      return summariseGraph(value);
    case 'plan':
      return summarisePlan(value);
    case 'program':
      return summariseProgram(value);
    case 'trace':
      return summariseTrace(value);
    case 'hardware':
      return summariseHardware(value);
  }
}

/** The summary as lines of text, without a newline at the end. */
export function summaryText({ title, facts, details }: Summary): string {
  const width = Math.max(...facts.map(([label]) => label.length));
  const lines = facts.map(([label, value]) => `  ${label.padEnd(width)}  ${printable(value)}`);
  return [printable(title), ...lines, ...(details.rows.length > 0 ? ['', details.toText()] : [])].join('\n');
}

/** The summary as HTML: title, facts, and the details folded away. */
export function summaryHtml({ title, facts, details }: Summary): string {
  const cell = 'text-align: left; padding: 1px 12px 1px 0; vertical-align: top;';
  const rows = facts.map(
    ([label, value]) =>
      `<tr><th align="left" style="${cell} font-weight: 500;">${escapeHtml(label)}</th><td align="left" style="${cell}">${escapeHtml(value)}</td></tr>`,
  );
  const folded =
    details.rows.length === 0
      ? ''
      : `<details><summary>${escapeHtml(details.title ?? 'Details')}</summary>\n${details.toHTML({ caption: false })}\n</details>\n`;
  return `<div>\n<strong>${escapeHtml(title)}</strong>\n<table style="border-collapse: collapse; margin: 4px 0;">\n${rows.join('\n')}\n</table>\n${folded}</div>`;
}

function isNoun(value: unknown): value is Noun {
  if (typeof value !== 'object' || value === null || !('noun' in value)) return false;
  return ['graph', 'plan', 'program', 'trace', 'hardware'].includes(String(value.noun));
}

function summariseGraph(graph: Graph): Summary {
  const rows = operatorRows(graph);
  const macs = rows.reduce((sum, row) => sum + row.MACs, 0);
  const weightBytes = rows.reduce((sum, row) => sum + row['weight KB'] * 1024, 0);
  const shapes = new Map(graph.tensors.map((tensor) => [tensor.id, tensor.shape.join(' x ')]));
  const list = (ids: readonly string[]): string => ids.map((id) => `${id} (${shapes.get(id) ?? '?'})`).join(', ');
  return {
    title: `Graph ${graph.name}`,
    facts: [
      ['Operators', `${counted(rows.length, 'matrix operator')}, ${formatNumber(graph.operators.length - rows.length)} others`],
      ['MACs', formatSi(macs)],
      ['Weights', `${formatBytes(weightBytes)} at 8 bits`],
      ['Inputs', list(graph.inputs)],
      ['Outputs', list(graph.outputs)],
      ...(Object.keys(graph.bindings).length > 0
        ? [
            [
              'Bindings',
              Object.entries(graph.bindings)
                .map(([name, size]) => `${name}=${size}`)
                .join(', '),
            ] as const,
          ]
        : []),
      ['Hash', graph.hash.slice(0, HASH_DIGITS)],
    ],
    details: new Table(rows, { title: 'Matrix operators', mostRows: MOST_ROWS }),
  };
}

function summarisePlan(plan: Plan): Summary {
  const times = timesOf(plan);
  const rows = plan.segments.map((segment, i) => {
    const counts = roleCounts(arrayUses(plan, segment, plan.segments[i - 1]));
    const [first] = segment.operators;
    return {
      segment: segment.id,
      runs: times[i]!,
      operators: segment.operators.length === 1 && first !== undefined ? first.id : counted(segment.operators.length, 'operator'),
      compute: counts.compute,
      memory: counts.memoryIn + counts.memoryOut + counts.shared + counts.kept,
      staged: counts.staged,
      idle: counts.idle,
      intra: segment.intraCycles,
      'write-back': segment.interCycles.writeBack,
      switch: segment.interCycles.switch,
      rewrite: segment.interCycles.rewrite,
    };
  });
  return {
    title: `Plan of ${plan.model.name} on ${plan.hardware.name}`,
    facts: [
      ['Optimizer', `${plan.optimizer}, solver ${plan.solver}, cost ${plan.cost}, objective ${plan.objective}, seed ${plan.seed}`],
      ['Precision', `${plan.precision.weightBits}-bit weights, ${plan.precision.activationBits}-bit activations`],
      ['Segments', formatNumber(plan.segments.length)],
      ['Analytic latency', formatCycles(plan.analyticCycles)],
      ['Lower bound on the machine', formatCycles(plan.lowerBoundCycles)],
    ],
    details: new Table(rows, { title: `Segments of ${counted(plan.hardware.arrays, 'array')}, latencies in cycles`, mostRows: MOST_ROWS }),
  };
}

function summariseProgram(program: Program): Summary {
  const counts = new Map<MetaOpKind, { written: number; run: number }>(META_OPS.map((kind) => [kind, { written: 0, run: 0 }]));
  let parallels = 0;
  const count = (statements: readonly Statement[], times: number): void => {
    for (const statement of statements) {
      if (statement.kind === 'loop') {
        count(statement.body, times * statement.count);
      } else if (statement.kind === 'parallel') {
        parallels += 1;
        count(statement.body, times);
      } else {
        const entry = counts.get(statement.kind)!;
        entry.written += 1;
        entry.run += times;
      }
    }
  };
  count(program.body, 1);
  const total = [...counts.values()].reduce((sum, entry) => sum + entry.written, 0);
  return {
    title: `Program of ${program.model.name} for ${program.hardware.name}`,
    facts: [
      ['Meta-operators', formatNumber(total)],
      ['Parallel blocks', formatNumber(parallels)],
      ['Regions', formatNumber(program.regions.length)],
      ['Must be done', `${counted(program.operators.length, 'operator')} on ${counted(program.tensors.length, 'tensor')}`],
    ],
    details: new Table(
      [...counts].map(([kind, { written, run }]) => ({ 'meta-operator': kind, written, run })),
      { title: 'Meta-operators by kind' },
    ),
  };
}

function summariseTrace(trace: Trace): Summary {
  const picojoules = COMPONENTS.reduce((sum, component) => sum + trace.energyPicojoules[component], 0);
  const seconds = trace.makespanCycles / trace.clockHz;
  const rows = trace.resources
    .toSorted((a, b) => b.busyCycles - a.busyCycles)
    .map(({ id, busyCycles }) => ({
      resource: id,
      busy: busyCycles,
      share: formatPercent(trace.makespanCycles === 0 ? 0 : busyCycles / trace.makespanCycles),
    }));
  const { bytes } = trace;
  return {
    title: `Trace of ${trace.model.name} on ${trace.hardware.name}`,
    facts: [
      ['Makespan', formatCycles(trace.makespanCycles, trace.clockHz)],
      [
        'Energy',
        `${formatSi(picojoules * 1e-12, 'J')}${seconds > 0 ? `, ${formatSi((picojoules * 1e-12) / seconds, 'W')} on average` : ''}`,
      ],
      ['Memory mode', `${formatPercent(trace.memoryModeShare)} of the arrays over time`],
      [
        'External traffic',
        `${formatBytes(bytes.weightsFetched)} weights, ${formatBytes(bytes.externalRead)} data read, ${formatBytes(bytes.externalWrite)} written`,
      ],
      ['On-chip traffic', `${formatBytes(bytes.buffer)} buffer, ${formatBytes(bytes.memoryArrays)} memory-mode arrays`],
      ['Segments', `${formatNumber(trace.segments.length)}, ${counted(trace.events, 'event')} simulated`],
    ],
    details: new Table(rows, { title: 'Busiest resources', units: { busy: 'cycles' }, mostRows: MOST_ROWS }),
  };
}

function memoryModeFacts({ memoryBytesPerArray, dCim, switchCycles }: Hardware): Summary['facts'] {
  return [
    ['Memory mode', `${formatBytes(memoryBytesPerArray)} an array, ${formatNumber(dCim)} bytes per cycle`],
    ['Switch', `${formatCycles(switchCycles.memoryToCompute)} to compute, ${formatCycles(switchCycles.computeToMemory)} to memory`],
  ];
}

function summariseHardware(hardware: Hardware): Summary {
  const rows = Object.entries(hardware.formulas).map(([constant, formula]) => ({ constant, formula }));
  return {
    title: `Hardware ${hardware.name}`,
    facts: [
      ['Chip', hardware.title],
      [
        'Arrays',
        `${formatNumber(hardware.arrays)} (${hardware.grid.x} x ${hardware.grid.y}), ${hardware.dualMode ? 'dual-mode' : 'which only compute'}`,
      ],
      [
        'Compute mode',
        `tile of ${hardware.tileRows} x ${hardware.tileColumns} weights, ${formatNumber(hardware.opCim)} MACs per cycle, ${formatCycles(hardware.mvmCycles)} a product`,
      ],
      ...(hardware.dualMode ? memoryModeFacts(hardware) : []),
      ['Weight write', `${formatCycles(hardware.writeCyclesPerArray)} an array`],
      ['Buffer', `${formatBytes(hardware.bufferBytes)}, ${formatNumber(hardware.bufferBytesPerCycle)} bytes per cycle`],
      [
        'External memory',
        `${formatNumber(hardware.externalBytesPerCycle)} bytes per cycle, ${formatCycles(hardware.externalLatencyCycles)} latency`,
      ],
      ['Precision', `${hardware.precision.weightBits}-bit weights, ${hardware.precision.activationBits}-bit activations`],
      ['Clock', formatSi(hardware.clockHz, 'Hz')],
    ],
    details: new Table(rows, { title: 'Derived constants' }),
  };
}
