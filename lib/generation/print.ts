// A generation for people: what prefill and tokens take, where the time goes, how it was simulated. Generation -> text.

import { counted, formatBytes, formatCycles, formatNumber, formatPercent, formatSi, printable, textTable } from '../base/text.ts';
import { sum } from '../base/units.ts';
import type { ExpertLoad } from '../workload/experts.ts';
import { contextOf } from '../workload/workload.ts';
import type { Generation, SimulatedPass, Spent } from './generation.ts';
import { ratesOf } from './rates.ts';

export function printGeneration(generation: Generation): string {
  const { hardware, workload, prefill, decode, decoding, total, interpolation } = generation;
  const { clockHz } = hardware;
  const rates = ratesOf(generation);
  const first = decode[0];
  const last = decode.at(-1);
  const row = (name: string, spent: Spent, cache?: SimulatedPass): readonly (string | number)[] => [
    name,
    cache === undefined ? '' : contextOf(cache),
    Math.round(spent.cycles),
    formatSi(spent.cycles / clockHz, 's'),
    share(spent.betweenCycles, spent.cycles),
    share(spent.channelCycles, spent.cycles),
    share(spent.memoryModeCycles, spent.cycles * hardware.arrays),
    cache === undefined ? '' : formatBytes(cache.cacheBytes),
    formatSi(sum(Object.values(spent.energyPicojoules)) * 1e-12, 'J'),
  ];
  const tokens = workload.generate;
  const table = textTable(
    ['pass', 'context', 'cycles', 'time', 'between segments', 'channel busy', 'arrays in memory mode', 'KV cache', 'energy'],
    [
      row('prefill', prefill, prefill),
      ...(first === undefined ? [] : [row('first token', first, first)]),
      ...(last === undefined || tokens < 2 ? [] : [row('last token', last, last)]),
      ...(tokens === 0 ? [] : [row(`all ${formatNumber(tokens)} tokens`, decoding), row('in all', total)]),
    ],
  );
  const mean = rates.meanTokenSeconds;
  return [
    `${printable(generation.model.name)} on ${printable(hardware.name)}, optimizer ${printable(generation.optimizer)}: ` +
      `batch ${formatNumber(workload.batch)}, prompt ${formatNumber(workload.prompt)}, generate ${formatNumber(tokens)}`,
    '',
    table,
    '',
    `in all ${formatCycles(Math.round(total.cycles), clockHz)}` +
      (mean === null ? '' : `; a token takes ${formatSi(mean, 's')} on average`) +
      (rates.tokensPerSecond === null
        ? ''
        : `; ${formatNumber(rates.tokensPerSecond)} tokens/s of the batch, ${formatNumber(rates.decodeTokensPerSecond ?? 0)} without prefill`),
    ...(last === undefined || last.residentBytes === 0
      ? []
      : [`${formatBytes(last.residentBytes)} of weights stay on the chip from the first token on: the others do not write them again.`]),
    ...expertLines(prefill, first),
    ...(tokens === 0 ? [] : [howSimulated(interpolation)]),
  ].join('\n');
}

function share(part: number, whole: number): string {
  return formatPercent(whole === 0 ? 0 : part / whole);
}

function howSimulated({ simulatedTokens, tokens, estimatedError }: Generation['interpolation']): string {
  if (simulatedTokens === tokens) return `${tokens === 1 ? 'The token was' : `All ${formatNumber(tokens)} tokens were`} simulated.`;
  return (
    `${formatNumber(simulatedTokens)} of ${formatNumber(tokens)} tokens were simulated, those between interpolated linearly; ` +
    `estimated error of their sum ${formatNumber(100 * estimatedError, 2)} %.`
  );
}

function expertLines(prefill: SimulatedPass, first: SimulatedPass | undefined): readonly string[] {
  const passes = [['prefill', prefill] as const, ...(first === undefined ? [] : [['a token', first] as const])];
  return passes.flatMap(([name, { experts }]) => experts.map((load) => `Mixture of experts, ${name}: ${expertLine(load)}`));
}

/** Assumption: tokens fall on experts evenly. */
function expertLine({ layers, experts, perToken, active, vectorsEach }: ExpertLoad): string {
  return (
    `${counted(layers, 'layer')}, ${perToken} of ${experts} experts a token; ${active} in use with an expected ${vectorsEach} ` +
    `vector${vectorsEach === 1 ? '' : 's'} each (tokens * k / experts, evenly spread)`
  );
}
