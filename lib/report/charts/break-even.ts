// Break-even: from which values of two fields switching modes pays. Each cell is the best baseline's metric over the
// dual-mode optimizer's; the line is where they are equal. Orange: memory mode pays; blue: computing everywhere is as good.

import { fail } from '../../base/problem.ts';
import { type Cell, formatNumber } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { JsonObject, PlotTrace } from '../plotly.ts';
import type { Row } from '../table.ts';
import { COLOURS } from '../theme.ts';
import { headed, name } from './parts.ts';
import { checkColumns, columnTitle, columnWord, valueText, variedFields, withNumbers } from './sweep-columns.ts';

export interface BreakEvenOptions {
  /** Fields of the sweep along the sides. */
  readonly x: string;
  readonly y: string;
  /** latencySeconds unless given. */
  readonly metric?: string;
  /** The optimizer whose gain is shown; 'cmswitch' unless given. */
  readonly optimizer?: string;
  /** What it is compared with; the best of all others at each place unless given. */
  readonly baseline?: string;
  /** What stands at the sides instead of the fields' names, with the units of the hardware file. */
  readonly titles?: readonly [x: string, y: string];
}

/** A ratio of 1 stays white; the hues are as strong at 1.5 as at 1/1.5. */
const WHITE = '#FFFFFF';
const LEAST_SPAN = 1.05;

/** A map of the baseline's metric / the optimizer's: above 1 dual mode pays. Rows are of a sweep over x, y and 'optimizer'. */
export function breakEven(rows: readonly Row[], options: BreakEvenOptions): Figure {
  const { x, y, metric = 'latencySeconds', optimizer = 'cmswitch', baseline, titles } = options;
  checkColumns(rows, x, y, metric, 'optimizer');
  const computed = withNumbers(rows, [metric]);
  const extra = variedFields(computed).filter((field) => ![x, y, 'optimizer'].includes(field));
  if (extra.length > 0) {
    fail({
      kind: 'usage',
      message: `The rows also differ in ${extra.join(', ')}`,
      next: `Take those of one value, for example rows.filter((row) => row['${extra[0]}'] === ${JSON.stringify(computed[0]![extra[0]!])}).`,
    });
  }
  const [xs, ys] = [valuesOf(computed, x), valuesOf(computed, y)];
  const at = (column: Cell, row: Cell, accepts: (optimizer: Cell) => boolean): number =>
    Math.min(
      ...computed.filter((each) => each[x] === column && each[y] === row && accepts(each.optimizer)).map((each) => each[metric] as number),
    );
  const ratios = ys.map((row) =>
    xs.map((column) => {
      const others = at(column, row, (other) => (baseline === undefined ? other !== optimizer : other === baseline));
      const ratio = others / at(column, row, (other) => other === optimizer);
      return Number.isFinite(ratio) ? Number(ratio.toPrecision(6)) : null;
    }),
  );
  const known = ratios.flat().filter((ratio) => ratio !== null);
  const span = Math.max(LEAST_SPAN, ...known.map((ratio) => Math.max(ratio, 1 / ratio)));
  const map: PlotTrace = {
    type: 'heatmap',
    z: ratios.map((row) => row.map((ratio) => (ratio === null ? null : Math.log(ratio)))),
    text: ratios.map((row) => row.map((ratio) => (ratio === null ? '' : `${formatNumber(ratio, 3)}×`))),
    texttemplate: xs.length * ys.length <= 200 ? '%{text}' : '',
    textfont: { size: 11, color: '#1F2937' },
    zmin: -Math.log(span),
    zmax: Math.log(span),
    colorscale: [
      [0, COLOURS.move],
      [0.5, WHITE],
      [1, COLOURS.memory],
    ],
    xgap: 1,
    ygap: 1,
    showscale: false,
    hovertemplate: `${name(x)} %{x}, ${name(y)} %{y}: %{text}<extra></extra>`,
  };
  const paying = known.filter((ratio) => ratio > 1).length;
  const isCrossed = paying > 0 && paying < known.length && xs.length > 1 && ys.length > 1 && known.length === xs.length * ys.length;
  const line: PlotTrace = {
    type: 'contour',
    z: ratios.map((row) => row.map((ratio) => (ratio === null ? null : Math.log(ratio)))),
    contours: { start: 0, end: 0, size: 1, coloring: 'none' },
    line: { color: COLOURS.switch, width: 3, smoothing: 0 },
    showscale: false,
    hoverinfo: 'skip',
    name: 'Break-even',
    showlegend: true,
  };
  const against = baseline === undefined ? 'the best of the others' : name(baseline);
  const share = known.length === 0 ? 'nothing to compare' : `${paying} of ${known.length} places pay`;
  return new Figure([map, ...(isCrossed ? [line] : [])], {
    ...headed(
      'Where dual mode pays',
      `${columnWord(metric)} of ${against} / that of ${name(optimizer)}: ${share}; orange above 1, blue below`,
      isCrossed ? 1 : 0,
    ),
    height: 220 + Math.max(3, ys.length) * 44,
    xaxis: cellAxis(x, xs, titles?.[0]),
    yaxis: { ...cellAxis(y, ys, titles?.[1]), showgrid: false },
  });
}

/** Values in order; texts in the order of the rows. */
function valuesOf(rows: readonly Row[], column: string): readonly Cell[] {
  const values = [...new Set(rows.map((row) => row[column]))];
  return values.every((value) => typeof value === 'number') ? values.sort((a, b) => a - b) : values;
}

function cellAxis(column: string, values: readonly Cell[], title?: string): JsonObject {
  return {
    title: { text: title === undefined ? columnTitle(column) : name(title) },
    tickmode: 'array',
    tickvals: values.map((_, i) => i),
    ticktext: values.map((value) => valueText(column, value)),
    range: [-0.5, values.length - 0.5],
    showline: false,
    ticks: '',
  };
}
