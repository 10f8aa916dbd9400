// Roofline: what the chip can attain at an operator's intensity, for several splits of its arrays into modes.
// Zhao et al. 2025, Eq. (10) and Fig. 1b: min(Com * OP_cim, (Mem * D_cim + D_main) * AI), Com + Mem = N_cim.

import { counted, formatNumber, formatSi } from '../../base/text.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Graph } from '../../ir/graph.ts';
import { Figure } from '../figure.ts';
import { type OperatorRow, operatorRows } from '../operators.ts';
import type { PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { headed, name, whatRuns } from './parts.ts';

/** Shares of the arrays in compute mode that get a roof of their own. */
const SPLITS = [1, 0.5, 0.1] as const;
const MOST_NAMED = 6;

/**
 * MACs per cycle (logarithmic) over input reuse in MACs per input element (logarithmic): roofs of the whole chip for
 * several splits; every matrix operator with all arrays computing (blue) and under its own best split (orange).
 */
export function roofline(graph: Graph, hardware: Hardware): Figure {
  const operators = operatorRows(graph);
  const intensities = operators.map((operator) => operator.inputReuse);
  const least = Math.max(0.5, Math.min(1, ...intensities) / 2);
  const most = Math.max(1000, ...intensities) * 2;
  const xs = Array.from({ length: 121 }, (_, i) => least * (most / least) ** (i / 120));
  const envelope: PlotTrace = {
    type: 'scatter',
    mode: 'lines',
    name: 'Best split for the intensity',
    x: xs.map(rounded),
    y: xs.map((x) => rounded(bestSplit(hardware, 1, x).rate)),
    line: { color: COLOURS.memory, width: 3 },
    hovertemplate: 'best split at %{x:.3~s}: %{y:.3~s} MACs/cycle<extra></extra>',
  };
  const roofs = SPLITS.map((share, i): PlotTrace => {
    const compute = Math.round(hardware.arrays * share);
    return {
      type: 'scatter',
      mode: 'lines',
      name: share === 1 ? 'All arrays compute' : `${compute} compute, ${hardware.arrays - compute} memory`,
      x: xs.map(rounded),
      y: xs.map((x) => rounded(attainable(hardware, compute, 1, x))),
      line: {
        color: i === 0 ? COLOURS.compute : COLOURS.faint,
        width: i === 0 ? 3 : 1.5,
        dash: i === 2 ? 'dot' : i === 1 ? 'dash' : 'solid',
      },
      hovertemplate: '%{x:.3~s} MACs per element: %{y:.3~s} MACs/cycle<extra></extra>',
    };
  });
  const allCompute = points(operators, (operator) =>
    attainable(hardware, hardware.arrays, utilisation(operator, hardware), operator.inputReuse),
  );
  const best = points(operators, (operator) => bestSplit(hardware, utilisation(operator, hardware), operator.inputReuse).rate);
  return new Figure(
    [
      envelope,
      ...roofs,
      markers('best split', COLOURS.memory, 'diamond', best, 10),
      markers('all compute', COLOURS.compute, 'circle', allCompute, 7),
    ],
    {
      ...headed(
        'Roofline of the operators',
        `${whatRuns({ model: graph, hardware })}; points are the ${counted(operators.length, 'matrix operator')}, below the roof where tiles are partly filled`,
        1,
      ),
      height: 500,
      hovermode: 'closest',
      xaxis: { type: 'log', title: { text: 'Input reuse (MACs per input element)' }, tickformat: '~s', showgrid: true, dtick: 1 },
      yaxis: { type: 'log', title: { text: 'Attainable (MACs per cycle)' }, tickformat: '~s', dtick: 1 },
    },
  );
}

/** Eq. (10) for `compute` arrays computing and all others feeding; `share` of a tile's cells that hold weights. In MACs per cycle. */
function attainable(hardware: Hardware, compute: number, share: number, reuse: number): number {
  const elementsPerCycle = (((hardware.arrays - compute) * hardware.dCim + hardware.dMain) * 8) / hardware.precision.activationBits;
  return Math.min(compute * hardware.opCim * share, elementsPerCycle * reuse);
}

/** The number of compute arrays with the highest attainable rate. */
function bestSplit(hardware: Hardware, share: number, reuse: number): { readonly compute: number; readonly rate: number } {
  let best = { compute: 1, rate: 0 };
  for (let compute = 1; compute <= hardware.arrays; compute++) {
    const rate = attainable(hardware, compute, share, reuse);
    if (rate > best.rate) best = { compute, rate };
  }
  return best;
}

/** Share of the cells of an operator's tiles that hold weights. */
function utilisation({ n, k, groups }: OperatorRow, { tileRows, tileColumns }: Hardware): number {
  const together = n <= tileRows && k <= tileColumns ? Math.max(1, Math.floor(Math.min(tileRows / n, tileColumns / k))) : 1;
  const tiles = Math.ceil(groups / together) * Math.ceil(n / tileRows) * Math.ceil(k / tileColumns);
  return (n * k * groups) / (tiles * tileRows * tileColumns);
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly operators: readonly OperatorRow[];
}

/** Operators at their place in the chart; those at the same place become one point. */
function points(operators: readonly OperatorRow[], rate: (operator: OperatorRow) => number): readonly Point[] {
  const byPlace = new Map<string, { x: number; y: number; operators: OperatorRow[] }>();
  for (const operator of operators) {
    const [x, y] = [operator.inputReuse, rounded(rate(operator))];
    const point = byPlace.get(`${x} ${y}`) ?? { x, y, operators: [] };
    point.operators.push(operator);
    byPlace.set(`${x} ${y}`, point);
  }
  return [...byPlace.values()];
}

function markers(title: string, colour: string, symbol: string, shown: readonly Point[], size: number): PlotTrace {
  return {
    type: 'scatter',
    mode: 'markers',
    name: title,
    showlegend: false,
    x: shown.map((point) => point.x),
    y: shown.map((point) => point.y),
    text: shown.map(({ operators }) => {
      const named = operators.slice(0, MOST_NAMED).map((operator) => `${name(operator.id)} (${formatSi(operator.MACs)} MACs)`);
      return [...named, ...(operators.length > MOST_NAMED ? [`and ${formatNumber(operators.length - MOST_NAMED)} more`] : [])].join('<br>');
    }),
    marker: { symbol, size: shown.map((point) => size + 2.5 * Math.log2(point.operators.length)), color: colour, opacity: 1 },
    hovertemplate: '%{text}<br>%{x:.3~s} MACs per element, %{y:.3~s} MACs/cycle<extra></extra>',
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
