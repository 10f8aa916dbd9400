// Energy bars: where the energy of a run went.

import { formatPercent, formatSi } from '../../base/text.ts';
import { COMPONENTS, type Component, type Trace } from '../../simulator/trace.ts';
import { Figure } from '../figure.ts';
import { COLOURS } from '../theme.ts';
import { headed, whatRuns } from './parts.ts';

const JOULES_PER_PICOJOULE = 1e-12;

export const COMPONENT_NAMES: Readonly<Record<Component, string>> = {
  mvm: 'Matrix-vector products',
  adc: 'Converters of products',
  memoryArrays: 'Memory-mode arrays',
  weightWrite: 'Weight writes',
  buffer: 'Buffer',
  external: 'External memory',
  vector: 'Vector unit',
  switch: 'Mode switches',
  refresh: 'Refresh',
  leakage: 'Leakage',
};

export const COMPONENT_COLOURS: Readonly<Record<Component, string>> = {
  mvm: COLOURS.compute,
  adc: COLOURS.switch,
  memoryArrays: COLOURS.memory,
  weightWrite: COLOURS.write,
  buffer: COLOURS.move,
  external: COLOURS.neutral,
  vector: COLOURS.vector,
  switch: COLOURS.faint,
  refresh: COLOURS.faint,
  leakage: COLOURS.faint,
};

/** Energy by component in joules (with an SI prefix), largest first, with its share of the sum. */
export function energyBars(trace: Trace): Figure {
  // Converters that are not known apart are part of the products.
  const components = COMPONENTS.filter((component) => component !== 'adc' || trace.energyPicojoules.adc > 0).toSorted(
    (a, b) => trace.energyPicojoules[b] - trace.energyPicojoules[a],
  );
  const joules = components.map((component) => trace.energyPicojoules[component] * JOULES_PER_PICOJOULE);
  const sum = joules.reduce((total, value) => total + value, 0);
  const seconds = trace.makespanCycles / trace.clockHz;
  const power = seconds > 0 ? `, ${formatSi(sum / seconds, 'W')} on average` : '';
  const { least, greatest } = trace.energyRangePicojoules;
  const range = `${formatSi(least * JOULES_PER_PICOJOULE, 'J')} to ${formatSi(greatest * JOULES_PER_PICOJOULE, 'J')} with what is unknown at its ends`;
  return new Figure(
    [
      {
        type: 'bar',
        orientation: 'h',
        showlegend: false,
        x: joules,
        y: components.map((component) => COMPONENT_NAMES[component]),
        text: joules.map((value) => `${formatSi(value, 'J')} (${formatPercent(sum === 0 ? 0 : value / sum)})`),
        textposition: 'outside',
        cliponaxis: false,
        textfont: { size: 12 },
        marker: { color: components.map((component) => COMPONENT_COLOURS[component]) },
        hovertemplate: '%{y}: %{text}<extra></extra>',
      },
    ],
    {
      ...headed('Energy by component', `${whatRuns(trace)}; ${formatSi(sum, 'J')} in all${power}<br>${range}`, 0),
      height: 420,
      bargap: 0.3,
      xaxis: {
        title: { text: 'Energy (J)' },
        range: [0, Math.max(...joules, Number.MIN_VALUE) * 1.22],
        tickformat: '~s',
        ticksuffix: 'J',
        showgrid: true,
      },
      yaxis: {
        type: 'category',
        categoryorder: 'array',
        categoryarray: components.map((component) => COMPONENT_NAMES[component]),
        autorange: 'reversed',
        showgrid: false,
        ticks: '',
        ticklabelstandoff: 6,
      },
    },
  );
}
