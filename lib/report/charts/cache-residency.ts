// Cache residency: how the KV cache grows over a generation, what of it has room on the chip, and how many arrays are memory.

import { formatBytes, formatNumber, formatPercent } from '../../base/text.ts';
import type { Generation, SimulatedPass } from '../../generation/generation.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { headed, name, whatRuns } from './parts.ts';

/** Where keys and values lie while they are in use. */
const PARTS = [
  { name: 'in memory-mode arrays', colour: COLOURS.memory, of: ({ cacheOnChip }: SimulatedPass) => cacheOnChip.arrays },
  { name: 'in the buffer', colour: COLOURS.move, of: ({ cacheOnChip }: SimulatedPass) => cacheOnChip.buffer },
  {
    name: 'streamed from external memory',
    colour: COLOURS.neutral,
    of: ({ cacheBytes, cacheOnChip }: SimulatedPass) => Math.max(0, cacheBytes - cacheOnChip.arrays - cacheOnChip.buffer),
  },
] as const;

/** Bytes of all layers' keys and values by place (left, stacked) and the share of array-cycles in memory mode (right), by tokens in the cache. */
export function cacheResidency(generation: Generation): Figure {
  const passes = [generation.prefill, ...generation.decode];
  const contexts = passes.map(({ past, sequence }) => past + sequence);
  const areas = PARTS.map(
    (part): PlotTrace => ({
      type: 'scatter',
      mode: 'lines',
      stackgroup: 'cache',
      name: part.name,
      x: contexts,
      y: passes.map(part.of),
      line: { width: 0.5, color: part.colour },
      fillcolor: part.colour,
      hovertemplate: '%{x} tokens: %{y:.3s}B',
    }),
  );
  const share = passes.map(({ memoryModeCycles, cycles }) => memoryModeCycles / (cycles * generation.hardware.arrays));
  const line: PlotTrace = {
    type: 'scatter',
    mode: 'lines+markers',
    name: 'arrays in memory mode',
    x: contexts,
    y: share,
    yaxis: 'y2',
    line: { color: COLOURS.memory, width: 2, dash: 'dot' },
    marker: { size: 5, color: COLOURS.memory },
    hovertemplate: '%{x} tokens: %{y:.1%}',
  };
  const last = passes.at(-1) ?? generation.prefill;
  const onChip = last.cacheOnChip.arrays + last.cacheOnChip.buffer;
  const { batch, prompt, generate } = generation.workload;
  const subtitle =
    `batch ${formatNumber(batch)}, ${formatNumber(prompt)} tokens in and ${formatNumber(generate)} out, optimizer ${name(generation.optimizer, 20)}; ` +
    `at the end ${formatBytes(last.cacheBytes)}, ${formatPercent(last.cacheBytes === 0 ? 0 : onChip / last.cacheBytes)} of it on the chip`;
  return new Figure([...areas, line], {
    ...headed(`KV cache of ${whatRuns(generation)}`, subtitle, 1, { r: 70 }),
    hovermode: 'closest',
    xaxis: { title: { text: 'Tokens in the cache' } },
    yaxis: { title: { text: 'Keys and values (bytes)' }, tickformat: '~s', rangemode: 'tozero' },
    yaxis2: {
      title: { text: 'Arrays in memory mode' },
      overlaying: 'y',
      side: 'right',
      tickformat: '.0%',
      nticks: 5,
      range: [0, Math.max(0.1, ...share) * 1.15],
      showgrid: false,
    },
  });
}
