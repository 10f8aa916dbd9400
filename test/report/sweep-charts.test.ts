import { createRequire } from 'node:module';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { breakEven } from '../../lib/report/charts/break-even.ts';
import { parallelCoordinates } from '../../lib/report/charts/parallel-coordinates.ts';
import { pareto } from '../../lib/report/charts/pareto.ts';
import { tornado } from '../../lib/report/charts/tornado.ts';
import type { Figure } from '../../lib/report/figure.ts';
import { closeRenderer } from '../../lib/report/render.ts';
import type { DomElement } from '../../lib/report/static/dom.ts';
import { readFont } from '../../lib/report/static/font.ts';
import { pageBox } from '../../lib/report/static/geometry.ts';
import { fontFiles } from '../../lib/report/static/page.ts';
import type { Row } from '../../lib/report/table.ts';
import { problemsOf } from '../support/problems.ts';
import { HOSTILE } from './nouns.ts';

const test = suite('charts of a sweep');
test.after(closeRenderer);

/** Rows as a sweep gives them: dual mode wins where arrays are many, and static:1 uses more energy. */
function rowsOf(optimizer = 'cmswitch'): readonly Row[] {
  let point = 0;
  return [16, 32, 64, 128].flatMap((arrays) =>
    [1, 100, 10_000].flatMap((switchTime) =>
      ['static:1', optimizer].map((name): Row => {
        const isStatic = name === 'static:1';
        const latencySeconds = 0.1 / arrays + (isStatic ? 0.001 : switchTime * 3e-7);
        const measured = { latencySeconds, energyJoules: (isStatic ? 2e-3 : 1e-3) + arrays * 1e-6, areaMm2: arrays * 0.2 };
        return {
          point: point++,
          model: 'm.onnx',
          arrays,
          switchTime,
          optimizer: name,
          status: 'done',
          feasible: arrays < 128,
          ...measured,
          error: null,
        };
      }),
    ),
  );
}
const ALONE: readonly Row[] = [
  { point: 0, 'external.rate': 32, clock: 200, idle: 1, status: 'done', latencySeconds: 0.01 },
  { point: 1, 'external.rate': 4, clock: 200, idle: 1, status: 'done', latencySeconds: 0.04 },
  { point: 2, 'external.rate': 64, clock: 200, idle: 1, status: 'done', latencySeconds: 0.008 },
  { point: 3, 'external.rate': 32, clock: 250, idle: 1, status: 'done', latencySeconds: 0.009 },
  { point: 4, 'external.rate': 32, clock: 200, idle: 9, status: 'done', latencySeconds: 0.01 },
  { point: 5, 'external.rate': 32, clock: 999, idle: 1, status: 'failed', latencySeconds: null },
];

function figures(name?: string): Readonly<Record<string, Figure>> {
  const rows = rowsOf(name);
  return {
    pareto: pareto(rows, { group: 'optimizer', label: 'arrays' }),
    paretoOfArea: pareto(rows, { x: 'areaMm2', y: 'latencySeconds' }),
    parallelCoordinates: parallelCoordinates(rows, { objectives: ['latencySeconds', 'energyJoules', 'areaMm2'] }),
    tornado: tornado(ALONE),
    breakEven: breakEven(rows, { x: 'switchTime', y: 'arrays', ...(name !== undefined && { optimizer: name }) }),
    empty: pareto([]),
    nothing: tornado([]),
  };
}

function numbers(value: unknown): readonly number[] {
  return value as readonly number[];
}

test('the front of the Pareto chart is the points that none inside the constraints beats', () => {
  const rows = rowsOf();
  const front = pareto(rows).data.at(-1)!;
  const inside = rows.filter((row) => row.feasible);
  const places = numbers(front.x).map((x, i) => [x, numbers(front.y)[i]!] as const);
  assert.ok(places.length > 1);
  for (const [x, y] of places) {
    assert.ok(inside.some((row) => row.latencySeconds === x && row.energyJoules === y));
    assert.not.ok(inside.some((row) => Number(row.latencySeconds) < x && Number(row.energyJoules) < y));
  }
  assert.equal(
    places.map(([x]) => x),
    places.map(([x]) => x).toSorted((a, b) => a - b),
  );
});

test('parallel coordinates: a line a point, every axis from 0 to 1, the front in its own trace', () => {
  const { data, layout } = figures().parallelCoordinates!;
  const ys = data.flatMap((trace) => (trace.y as unknown as (number | null)[]).filter((y) => y !== null));
  assert.is(Math.min(...ys), 0);
  assert.is(Math.max(...ys), 1);
  const breaks = data.map((trace) => (trace.y as unknown as (number | null)[]).filter((y) => y === null).length);
  assert.is(breaks[0]! + breaks[1]!, rowsOf().filter((row) => row.feasible).length);
  assert.equal((layout.xaxis as { ticktext: string[] }).ticktext, ['arrays', 'switchTime', 'optimizer', 'Latency', 'Energy', 'Area']);
});

test('the tornado has each field once, the widest first, and leaves out what changes nothing or was not computed', () => {
  const { data, layout } = tornado(ALONE);
  assert.equal((layout.yaxis as { ticktext: string[] }).ticktext, ['external.rate = 32', 'clock = 200']);
  assert.equal(
    data.map((bar) => bar.x),
    [
      [300, -10],
      [-20, 0],
    ],
  );
});

test('the break-even map is the best baseline over the optimizer, place by place', () => {
  const rows = rowsOf();
  const [map, line] = breakEven(rows, { x: 'switchTime', y: 'arrays' }).data;
  const z = map?.z as unknown as number[][];
  const find = (arrays: number, switchTime: number, optimizer: string) =>
    Number(rows.find((row) => row.arrays === arrays && row.switchTime === switchTime && row.optimizer === optimizer)!.latencySeconds);
  for (const [i, arrays] of [16, 32, 64, 128].entries())
    for (const [j, time] of [1, 100, 10_000].entries())
      assert.ok(Math.abs(Math.exp(z[i]![j]!) - find(arrays, time, 'static:1') / find(arrays, time, 'cmswitch')) < 1e-4);
  assert.is(line?.type, 'contour');
});

test('columns that are not there, and rows that differ in more than the map shows, are refused', () => {
  const rows = rowsOf();
  assert.match(JSON.stringify(problemsOf(() => pareto(rows, { x: 'latencySecond' }))), /latencySeconds/);
  assert.match(JSON.stringify(problemsOf(() => breakEven(rows, { x: 'switchTime', y: 'optimizer' }))), /also differ in arrays/);
});

test('figures are finite JSON with titles, and no name reaches them as markup', () => {
  for (const [name, figure] of Object.entries(figures(HOSTILE))) {
    const { template: _, ...layout } = figure.layout;
    const text = JSON.stringify([figure.data, layout]);
    assert.equal(JSON.parse(text), [figure.data, layout], name);
    assert.not.match(text, /<script|<img|<b>\$|NaN/, name);
    assert.type((figure.layout.title as { text: string }).text, 'string');
  }
});

test('on paper every label is inside the picture and none lies on another', async () => {
  const files = fontFiles();
  const fonts = { regular: readFont(files.regular), bold: readFont(files.bold) };
  const { JSDOM } = createRequire(import.meta.url)('jsdom') as {
    JSDOM: new (text: string, options: object) => { window: { document: { querySelectorAll(selector: string): Iterable<DomElement> } } };
  };
  for (const [name, figure] of Object.entries(figures())) {
    const svg = await figure.toSVG();
    const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window;
    const labels = [...document.querySelectorAll('text')]
      .map((element) => ({ text: element.textContent ?? '', ...pageBox(element, fonts) }))
      .filter((label) => label.right > label.left);
    for (const [i, a] of labels.entries()) {
      assert.ok(
        a.left >= 0 && a.top >= 0 && a.right <= 880 && a.bottom <= (figure.layout.height ?? 440),
        `${name}: '${a.text}' is outside`,
      );
      for (const b of labels.slice(i + 1)) {
        const isApart = a.right <= b.left || b.right <= a.left || a.bottom - 4 <= b.top || b.bottom - 4 <= a.top;
        assert.ok(isApart, `${name}: '${a.text}' and '${b.text}'`);
      }
    }
  }
});

test.run();
