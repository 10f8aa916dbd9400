// One figure of every kind, of the hand-made nouns.

import { allocationBars } from '../../lib/report/charts/allocation-bars.ts';
import { chipMap } from '../../lib/report/charts/chip-map.ts';
import { curves } from '../../lib/report/charts/curves.ts';
import { dpTable } from '../../lib/report/charts/dp-table.ts';
import { energyBars } from '../../lib/report/charts/energy-bars.ts';
import { intensityProfile } from '../../lib/report/charts/intensity-profile.ts';
import { latencyBars } from '../../lib/report/charts/latency-bars.ts';
import { latencyComparison } from '../../lib/report/charts/latency-comparison.ts';
import { modeChart } from '../../lib/report/charts/mode-chart.ts';
import { roofline } from '../../lib/report/charts/roofline.ts';
import { splitMap } from '../../lib/report/charts/split-map.ts';
import { timeline } from '../../lib/report/charts/timeline.ts';
import type { Figure } from '../../lib/report/figure.ts';
import { COMPARISON, chip, graph, plan, trace } from './nouns.ts';

/** `name`: what an operator of the model is called. */
export function everyFigure(name?: string): Readonly<Record<string, Figure>> {
  return {
    allocationBars: allocationBars(plan(name)),
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
    roofline: roofline(graph(name), chip()),
    splitMap: splitMap({ title: name ?? 'A product', arrays: 6, cycles: (compute, memory) => 12 / Math.min(compute, memory + 1) }),
    timeline: timeline(trace(name)),
    timelineOfSegment: timeline(trace(name), { segment: 0 }),
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
