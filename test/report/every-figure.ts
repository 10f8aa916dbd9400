// One figure of every kind, of the hand-made nouns.

import { allocationBars } from '../../lib/report/charts/allocation-bars.ts';
import { chipMap } from '../../lib/report/charts/chip-map.ts';
import { energyBars } from '../../lib/report/charts/energy-bars.ts';
import { latencyBars } from '../../lib/report/charts/latency-bars.ts';
import { latencyComparison } from '../../lib/report/charts/latency-comparison.ts';
import { modeChart } from '../../lib/report/charts/mode-chart.ts';
import { roofline } from '../../lib/report/charts/roofline.ts';
import { timeline } from '../../lib/report/charts/timeline.ts';
import type { Figure } from '../../lib/report/figure.ts';
import { COMPARISON, chip, graph, plan, trace } from './nouns.ts';

/** `name`: what an operator of the model is called. */
export function everyFigure(name?: string): Readonly<Record<string, Figure>> {
  return {
    allocationBars: allocationBars(plan(name)),
    chipMap: chipMap(plan(name), chip()),
    energyBars: energyBars(trace(name)),
    latencyBars: latencyBars(plan(name)),
    latencyComparison: latencyComparison(COMPARISON.map((row, i) => (i === 0 && name !== undefined ? { ...row, optimizer: name } : row))),
    modeChart: modeChart(plan(name)),
    roofline: roofline(graph(name), chip()),
    timeline: timeline(trace(name)),
    timelineOfSegment: timeline(trace(name), { segment: 0 }),
  };
}
