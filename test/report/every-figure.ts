// One figure of every kind, of the hand-made nouns.

import type { Generation } from '../../lib/generation/generation.ts';
import { allocationBars } from '../../lib/report/charts/allocation-bars.ts';
import { boundBars } from '../../lib/report/charts/bound-bars.ts';
import { cacheResidency } from '../../lib/report/charts/cache-residency.ts';
import { chipMap } from '../../lib/report/charts/chip-map.ts';
import { curves } from '../../lib/report/charts/curves.ts';
import { dpTable } from '../../lib/report/charts/dp-table.ts';
import { energyBars } from '../../lib/report/charts/energy-bars.ts';
import { generationBars } from '../../lib/report/charts/generation-bars.ts';
import { intensityProfile } from '../../lib/report/charts/intensity-profile.ts';
import { latencyBars } from '../../lib/report/charts/latency-bars.ts';
import { latencyComparison } from '../../lib/report/charts/latency-comparison.ts';
import { modeChart } from '../../lib/report/charts/mode-chart.ts';
import { occupancyMap } from '../../lib/report/charts/occupancy-map.ts';
import { operatorEnergy } from '../../lib/report/charts/operator-energy.ts';
import { roofline } from '../../lib/report/charts/roofline.ts';
import { speedupGrid } from '../../lib/report/charts/speedup-grid.ts';
import { splitMap } from '../../lib/report/charts/split-map.ts';
import { timeline } from '../../lib/report/charts/timeline.ts';
import type { Figure } from '../../lib/report/figure.ts';
import type { Occupancy } from '../../lib/simulator/trace.ts';
import { COMPARISON, chip, graph, plan, trace } from './nouns.ts';

/** `name`: what an operator of the model is called. */
export function everyFigure(name?: string): Readonly<Record<string, Figure>> {
  return {
    allocationBars: allocationBars(plan(name)),
    boundBars: boundBars(trace(name)),
    cacheResidency: cacheResidency(generation(name)),
    generationBars: generationBars([{ name: name ?? 'tiny', generation: generation(name) }], name),
    chipMap: chipMap(plan(name), chip()),
    curves: curves(
      [1, 2, 4].map((x) => ({ x, y: 3 * x, kind: name ?? 'a' })),
      { x: 'x', y: 'y', group: 'kind' },
    ),
    dpTable: dpTable(segments(name)),
    energyBars: energyBars(trace(name)),
    intensityProfile: intensityProfile([graph(name), graph(name)]),
    latencyBars: latencyBars(plan(name)),
    latencyComparison: latencyComparison(COMPARISON.map((row, i) => (i === 0 && name !== undefined ? { ...row, optimizer: name } : row))),
    modeChart: modeChart(plan(name)),
    occupancyMap: occupancyMap(occupied(name)),
    operatorEnergy: operatorEnergy(trace(name)),
    roofline: roofline(graph(name), chip()),
    speedupGrid: speedupGrid({
      title: name ?? 'Speedups',
      rows: [name ?? 'vgg16', 'bert'],
      columns: [name ?? 'small', 'large'],
      rowTitle: name ?? 'Network',
      columnTitle: name ?? 'Chip',
      values: [
        [1.5, 0.8],
        [undefined, 1],
      ],
      marked: [[true]],
      mark: name ?? 'near the published value',
    }),
    splitMap: splitMap({ title: name ?? 'A product', arrays: 6, cycles: (compute, memory) => 12 / Math.min(compute, memory + 1) }),
    timeline: timeline(trace(name)),
    timelineOfSegment: timeline(trace(name), { segment: 0 }),
  };
}

/** Two arrays, one of them memory from the middle on. */
function occupied(model = 'tiny'): Occupancy {
  const row = { count: 1, memoryMode: [0, 1], computing: [0.5, 0], written: [0.2, 0], accessed: [0, 0.7] };
  return {
    model: { name: model },
    hardware: { name: 'small', arrays: 2 },
    makespanCycles: 2000,
    clockHz: 200e6,
    bins: 2,
    resources: [{ id: 'external channel', busy: [0.25, 1] }],
    rows: [
      { first: 0, ...row },
      { first: 1, ...row, memoryMode: [0, 0], computing: [1, 1] },
    ],
  };
}

/** A table of three operators of which no more than two fit together. */
function segments(name = 'conv1') {
  const cell = (first: number, last: number, total: number) => ({ first, last, total, intra: total });
  return {
    model: { name: 'tiny' },
    hardware: { name: 'small' },
    operators: [name, 'conv2', 'fc'],
    candidates: [cell(0, 0, 10), cell(1, 1, 19), cell(0, 1, 13), cell(2, 2, 21), cell(1, 2, 22)],
    chosen: [
      { first: 0, last: 1 },
      { first: 2, last: 2 },
    ],
  };
}

/** One prompt of four tokens and two tokens after it. */
function generation(model = 'tiny'): Generation {
  const { energyPicojoules, bytes } = trace();
  const spent = { cycles: 100, betweenCycles: 40, channelCycles: 50, energyPicojoules, bytes, memoryModeCycles: 300 };
  const pass = (past: number, sequence: number) => ({
    ...spent,
    kind: past === 0 ? ('prefill' as const) : ('decode' as const),
    past,
    sequence,
    analyticCycles: 90,
    lowerBoundCycles: 80,
    segments: 1,
    cacheBytes: 64 * (past + sequence),
    cacheOnChip: { arrays: 16 * (past + sequence), buffer: 8 },
    residentBytes: 0,
    experts: [],
    milliseconds: { load: 1, compile: 1, simulate: 1 },
  });
  return {
    schemaVersion: 1,
    model: { name: model },
    hardware: { name: model, hash: '', arrays: 6, clockHz: 1e8 },
    precision: { weightBits: 8, activationBits: 8 },
    optimizer: model,
    workload: { batch: 1, prompt: 4, generate: 2 },
    prefill: pass(0, 4),
    decode: [pass(4, 1), pass(5, 1)],
    tokenCycles: [100, 100],
    decoding: spent,
    total: spent,
    interpolation: { simulatedTokens: 2, tokens: 2, tolerance: 0.01, estimatedError: 0 },
  };
}
