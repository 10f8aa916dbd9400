// Intensity profile: how many operations a network's products do for each element they move, product by product in the
// order they run. Zhao et al. 2025, Fig. 5c and 6.

import { counted, formatNumber, formatSi } from '../../base/text.ts';
import type { Graph } from '../../ir/graph.ts';
import { type InspectedOperator, inspect } from '../../ir/inspect.ts';
import { Figure } from '../figure.ts';
import type { JsonObject, PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { headed, name } from './parts.ts';

/** Kinds of products as an architect tells them apart. */
const KINDS = [
  { title: 'Convolution', colour: COLOURS.neutral, is: ({ kind, groups }: Product) => kind === 'conv' && groups === 1 },
  { title: 'Grouped convolution', colour: COLOURS.vector, is: ({ kind, groups }: Product) => kind === 'conv' && groups > 1 },
  { title: 'Stored weights', colour: COLOURS.write, is: ({ kind, dynamic }: Product) => kind !== 'conv' && !dynamic },
  { title: 'Attention', colour: COLOURS.move, is: ({ dynamic }: Product) => dynamic },
] as const;

const PANEL_HEIGHT = 150;
/** Above each panel: its name, and the numbers below the one before. */
const GAP_HEIGHT = 48;
const FIRST_GAP = 22;

interface Product {
  readonly id: string;
  readonly kind: string;
  readonly dynamic: boolean;
  readonly groups: number;
  readonly macs: number;
  readonly flopsPerMop: number;
}

/**
 * FLOPs/MOP (2 * MACs over elements of inputs, weights and outputs; logarithmic) of every matrix operator, a panel a
 * network, with the intensity of all of its products together as a line. `titles`: names instead of the graphs' own.
 */
export function intensityProfile(graphs: Graph | readonly Graph[], titles: readonly string[] = []): Figure {
  const networks = (isList(graphs) ? graphs : [graphs]).map((graph, i) => {
    const { model, operators } = inspect(graph);
    return { title: titles[i] ?? graph.name, whole: model.flopsPerMop, products: operators.flatMap(productOf), macs: model.macs };
  });
  const height = FIRST_GAP + networks.length * (PANEL_HEIGHT + GAP_HEIGHT) - GAP_HEIGHT;
  const intensities = networks.flatMap(({ products }) => products.map(({ flopsPerMop }) => flopsPerMop));
  const decades = [0, Math.log10(Math.max(10, ...intensities)) + 0.1];
  const kinds = KINDS.filter(({ is }) => networks.some(({ products }) => products.some(is)));
  const bars = networks.flatMap(({ products, macs }, panel) =>
    kinds.map(({ title, colour, is }): PlotTrace => {
      const shown = products.map((product, i) => ({ product, at: i + 1 })).filter(({ product }) => is(product));
      return {
        type: 'bar',
        name: title,
        legendgroup: title,
        showlegend: panel === networks.findIndex((network) => network.products.some(is)),
        width: 0.86,
        x: shown.map(({ at }) => at),
        y: shown.map(({ product }) => Number(product.flopsPerMop.toPrecision(4))),
        xaxis: axisName('x', panel),
        yaxis: axisName('y', panel),
        text: shown.map(
          ({ product: { id, macs: own } }) => `${name(id)} · ${formatSi(own)} MACs, ${Math.round((1000 * own) / macs) / 10} %`,
        ),
        textposition: 'none',
        marker: { color: colour, line: { width: 0 } },
        hovertemplate: '%{text}<br>%{y:.4~g} FLOPs/MOP<extra></extra>',
      };
    }),
  );
  const layout: Record<string, JsonObject> = {};
  for (const [panel, { products }] of networks.entries()) {
    const top = 1 - (FIRST_GAP + panel * (PANEL_HEIGHT + GAP_HEIGHT)) / height;
    layout[axisKey('x', panel)] = {
      anchor: axisName('y', panel),
      range: [0.3, products.length + 0.7],
      nticks: 12,
      title: { text: panel === networks.length - 1 ? 'Matrix operators, in the order they run' : '' },
    };
    layout[axisKey('y', panel)] = {
      anchor: axisName('x', panel),
      type: 'log',
      range: decades,
      dtick: 1,
      tickformat: '~s',
      domain: [top - PANEL_HEIGHT / height, top],
      title: { text: 'FLOPs/MOP' },
    };
  }
  const together = (panel: number) => `All together ${formatNumber(networks[panel]?.whole ?? 0, 3)}`;
  return new Figure(bars, {
    ...headed(
      'Arithmetic intensity, product by product',
      networks.length === 1
        ? `${name(networks[0]?.title ?? '')}, ${counted(networks[0]?.products.length ?? 0, 'matrix operator')}; dashed: all of them together`
        : `${counted(networks.length, 'network')}; dashed: all products of a network together`,
      1,
      { b: 56 },
    ),
    ...layout,
    height: height + 170,
    barmode: 'overlay',
    hovermode: 'closest',
    shapes: networks.map(({ whole }, panel) => ({
      type: 'line',
      xref: `${axisName('x', panel)} domain`,
      yref: axisName('y', panel),
      x0: 0,
      x1: 1,
      y0: whole ?? 1,
      y1: whole ?? 1,
      line: { color: COLOURS.switch, width: 1.5, dash: 'dash' },
    })),
    annotations: networks.map(({ title }, panel) => ({
      xref: `${axisName('x', panel)} domain`,
      yref: `${axisName('y', panel)} domain`,
      x: 0,
      y: 1,
      xanchor: 'left',
      yanchor: 'bottom',
      showarrow: false,
      text: `<b>${name(title)}</b>  ${together(panel)} FLOPs/MOP`,
    })),
  });
}

function isList(graphs: Graph | readonly Graph[]): graphs is readonly Graph[] {
  return Array.isArray(graphs);
}

function productOf({ id, kind, dynamic, groups, macs, flopsPerMop }: InspectedOperator): Product[] {
  return groups === null || flopsPerMop === null ? [] : [{ id, kind, dynamic, groups, macs, flopsPerMop }];
}

/** 'x', 'x2', 'x3', ... as traces name axes. */
function axisName(letter: string, panel: number): string {
  return panel === 0 ? letter : `${letter}${panel + 1}`;
}

/** 'xaxis', 'xaxis2', ... as layouts do. */
function axisKey(letter: string, panel: number): string {
  return `${letter}axis${panel === 0 ? '' : panel + 1}`;
}
