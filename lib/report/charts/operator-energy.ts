// Operator energy: which operators took the energy of a run, and for what.

import { counted, formatPercent, formatSi } from '../../base/text.ts';
import { COMPONENTS, type OperatorTrace, type Trace } from '../../simulator/trace.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { COMPONENT_COLOURS, COMPONENT_NAMES } from './energy-bars.ts';
import { headed, name, whatRuns } from './parts.ts';

const MOST_OPERATORS = 16;
const JOULES_PER_PICOJOULE = 1e-12;

/** The operators that took the most, largest first, in joules, stacked by component. */
export function operatorEnergy(trace: Trace): Figure {
  const total = (row: OperatorTrace): number => Object.values(row.energyPicojoules).reduce((sum, value) => sum + value, 0);
  const rows = trace.operators.toSorted((a, b) => total(b) - total(a)).slice(0, MOST_OPERATORS);
  const all = trace.operators.reduce((sum, row) => sum + total(row), 0);
  const shown = COMPONENTS.filter((component) => rows.some((row) => row.energyPicojoules[component] > all / 1000));
  const labels = rows.map((row, i) => `${i + 1}  ${name(row.id, 30)}`);
  const bars = shown.map(
    (component): PlotTrace => ({
      type: 'bar',
      orientation: 'h',
      name: COMPONENT_NAMES[component],
      x: rows.map((row) => row.energyPicojoules[component] * JOULES_PER_PICOJOULE),
      y: labels,
      customdata: rows.map((row) => formatSi(row.energyPicojoules[component] * JOULES_PER_PICOJOULE, 'J')),
      marker: { color: COMPONENT_COLOURS[component] },
      hovertemplate: `%{y}: %{customdata} for ${COMPONENT_NAMES[component].toLowerCase()}<extra></extra>`,
    }),
  );
  const left = trace.operators.length - rows.length;
  const part = rows.reduce((sum, row) => sum + total(row), 0);
  const said =
    left > 0
      ? `the ${counted(rows.length, 'operator')} that took most, ${formatPercent(all === 0 ? 0 : part / all)} of ${formatSi(all * JOULES_PER_PICOJOULE, 'J')}`
      : `${formatSi(all * JOULES_PER_PICOJOULE, 'J')} in all`;
  return new Figure(bars, {
    ...headed('Energy by operator', `${whatRuns(trace)}; ${said}`, bars.length > 4 ? 2 : 1),
    barmode: 'stack',
    height: 210 + Math.max(4, rows.length) * 24,
    bargap: 0.25,
    xaxis: { title: { text: 'Energy (J)' }, tickformat: '~s', ticksuffix: 'J', showgrid: true },
    yaxis: {
      type: 'category',
      categoryorder: 'array',
      categoryarray: labels,
      autorange: 'reversed',
      showgrid: false,
      ticks: '',
      ticklabelstandoff: 6,
    },
  });
}
