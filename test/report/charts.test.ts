import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { inspect } from '../../lib/ir/inspect.ts';
import { allocationBars } from '../../lib/report/charts/allocation-bars.ts';
import { chipMap } from '../../lib/report/charts/chip-map.ts';
import { curves } from '../../lib/report/charts/curves.ts';
import { energyBars } from '../../lib/report/charts/energy-bars.ts';
import { intensityProfile } from '../../lib/report/charts/intensity-profile.ts';
import { latencyBars } from '../../lib/report/charts/latency-bars.ts';
import { latencyComparison } from '../../lib/report/charts/latency-comparison.ts';
import { modeChart } from '../../lib/report/charts/mode-chart.ts';
import { roofline } from '../../lib/report/charts/roofline.ts';
import { timeline } from '../../lib/report/charts/timeline.ts';
import type { PlotTrace } from '../../lib/report/plotly.ts';
import { arrayUses, ROLES, roleCounts } from '../../lib/report/roles.ts';
import { everyFigure } from './every-figure.ts';
import { COMPARISON, chip, graph, HOSTILE, plan, trace } from './nouns.ts';

const test = suite('charts');

function numbers(trace: PlotTrace | undefined, attribute: string): number[] {
  return trace?.[attribute] as unknown as number[];
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

function rolesOf(cells: unknown): unknown {
  return (cells as number[][]).map((row) => row.map((role) => ROLES[role]));
}

/** Whether there is no NaN and no infinity in it; JSON would quietly write null. */
function allFinite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(allFinite);
}

test('every array has exactly one role, the one its operators gave it', () => {
  const { segments } = plan();
  const roles = segments.map((segment, i) => arrayUses(plan(), segment, segments[i - 1]).map((use) => use.role));
  assert.equal(roles, [
    ['compute', 'compute', 'memoryIn', 'shared', 'compute', 'compute', 'memoryOut', 'idle'],
    ['compute', 'compute', 'compute', 'memoryIn', 'staged', 'staged', 'kept', 'idle'],
    ['idle', 'idle', 'idle', 'idle', 'compute', 'compute', 'idle', 'idle'],
  ]);
  const [first] = segments;
  assert.equal(arrayUses(plan(), first!)[3]?.operators, [0, 1]);
  assert.is(sum(Object.values(roleCounts(arrayUses(plan(), first!)))), 8);
});

test('figures are JSON: they survive being written and read, and being cloned', () => {
  for (const [name, figure] of Object.entries(everyFigure())) {
    const { data, layout, config } = figure;
    const written = JSON.stringify(figure);
    assert.equal(JSON.parse(written), { data, layout, config }, name);
    assert.is(JSON.stringify(structuredClone({ data, layout, config })), written, name);
    assert.ok(allFinite(data) && allFinite(layout), name);
  }
});

test('figures have a title, and axes with titles', () => {
  for (const [name, { layout }] of Object.entries(everyFigure())) {
    assert.type((layout.title as { text: string }).text, 'string', name);
    for (const axis of ['xaxis', 'yaxis']) {
      const { title, ticktext, categoryarray, tickmode } = layout[axis] as Record<string, unknown>;
      assert.ok(title !== undefined || ticktext !== undefined || categoryarray !== undefined || tickmode !== undefined, `${name} ${axis}`);
    }
  }
});

test('no name of a model reaches a figure as markup', () => {
  for (const [name, figure] of Object.entries(everyFigure(HOSTILE))) {
    const { template: _, ...layout } = figure.layout;
    const texts = JSON.stringify([figure.data, layout]);
    assert.not.match(texts, /<script|<img|<b>\$/, name);
    assert.not.match(texts, /\$x\$/, name);
  }
});

test('a name in a hover template is text, not a placeholder', () => {
  const [bars] = chipMap(plan('%{x}'), chip()).data;
  assert.match(String(bars?.hovertemplate), /1 = &#37;\{x\}/);
});

test('the chip map has every array once, where the grid has it', () => {
  const [cells] = chipMap(plan(), chip()).data;
  assert.equal(cells?.customdata, [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]);
  assert.equal(rolesOf(cells?.z), [
    ['compute', 'compute', 'memoryIn', 'shared'],
    ['compute', 'compute', 'memoryOut', 'idle'],
  ]);
});

test('places of the grid without an array are empty', () => {
  const [cells] = chipMap(plan(), { ...chip(), grid: { x: 3, y: 3 } }).data;
  assert.equal(cells?.customdata, [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7, null],
  ]);
});

test('the slider of the chip map has one step a segment, each with the role and label of every array', () => {
  const { layout } = chipMap(plan(), chip(), { segment: 1 });
  const [slider] = layout.sliders as unknown as [
    { active: number; steps: { label: string; args: [{ z: number[][][]; text: string[][][] }] }[] },
  ];
  assert.is(slider.active, 1);
  assert.equal(
    slider.steps.map((step) => step.label),
    ['0', '1', '2'],
  );
  assert.equal(rolesOf(slider.steps[1]?.args[0].z[0]), [
    ['compute', 'compute', 'compute', 'memoryIn'],
    ['staged', 'staged', 'kept', 'idle'],
  ]);
  assert.equal(slider.steps[0]?.args[0].text[0], [
    ['1', '1', '1', '1→2'],
    ['2', '2', '2', ''],
  ]);
});

test('a segment that is not there is a usage problem', () => {
  const refused = (error: unknown): boolean =>
    error instanceof CompileError && error.message === 'There is no segment 7. There are segments 0 to 2.';
  assert.throws(() => chipMap(plan(), chip(), { segment: 7 }), refused);
  assert.throws(() => timeline(trace(), { segment: 7 }), /no segment 7/);
});

test('the mode chart has a row an array and a column a segment', () => {
  const [cells] = modeChart(plan()).data;
  const rows = cells?.z as unknown as number[][];
  assert.is(rows.length, 8);
  assert.equal(
    rows.map((row) => row.length),
    Array(8).fill(3),
  );
  assert.equal(
    rows[3]?.map((role) => ROLES[role]),
    ['shared', 'memoryIn', 'idle'],
  );
});

test('the allocation bars of a segment sum to the arrays of the chip', () => {
  const { data } = allocationBars(plan());
  for (let i = 0; i < 3; i++) assert.is(sum(data.map((bar) => numbers(bar, 'y')[i]!)), 8);
});

test('the latency bars sum to the analytic cycles, repeated segments counted as often as they run', () => {
  const { data, layout } = latencyBars(plan());
  const parts = data.slice(0, -1);
  assert.is(sum(parts.flatMap((part) => numbers(part, 'y'))), plan().analyticCycles);
  assert.equal(
    numbers(data.at(-1), 'customdata'),
    parts.map((part) => sum(numbers(part, 'y'))),
  );
  assert.equal((layout.xaxis as { ticktext: string[] }).ticktext, ['0', '1 ×4', '2']);
});

test('the timeline covers the makespan and keeps the time of every kind', () => {
  const { data } = timeline(trace());
  const busy = data.map((lane) => sum(numbers(lane, 'x')));
  // 200 cycles a microsecond: both segments with their boundaries, then products, vector, moves, writes, switches; what bounds them.
  assert.equal(
    busy.map((microseconds) => Math.round(microseconds * 200)),
    [1700, 1300, 2280, 1300, 900, 599, 1, 1500, 1499],
  );
});

test('the timeline of a segment has a row a statement, boundary first', () => {
  const { data } = timeline(trace(), { segment: 0 });
  assert.equal(data.flatMap((lane) => lane.y as string[]).toSorted(), [
    '1  TOM',
    '2  conv1',
    '3  image',
    '4  conv1',
    '5  softmax',
    ...Array(2).fill('Bound by'),
  ]);
});

test('the energy bars sum to the ledger, largest first', () => {
  const [bars] = energyBars(trace()).data;
  const joules = numbers(bars, 'x');
  assert.ok(Math.abs(sum(joules) * 1e12 - sum(Object.values(trace().energyPicojoules))) < 1);
  assert.equal(
    joules,
    joules.toSorted((a, b) => b - a),
  );
});

test('the roofline has every matrix operator under both splits, and no attainable rate above its roof', () => {
  const { data } = roofline(graph(), chip());
  const [envelope] = data;
  const points = data.filter((each) => each.mode === 'markers');
  assert.equal(
    points.map((each) => numbers(each, 'x').toSorted((a, b) => a - b)),
    [
      [16, 32],
      [16, 32],
    ],
  );
  const roof = Math.max(...numbers(envelope, 'y'));
  assert.ok(points.flatMap((each) => numbers(each, 'y')).every((rate) => rate > 0 && rate <= roof));
  const [allCompute, best] = points.map((each) => numbers(each, 'y'));
  assert.ok(best!.every((rate, i) => rate >= allCompute![i]!));
});

test('the comparison gives the speedup over static:1, and 1.00 to itself', () => {
  const [bars] = latencyComparison(COMPARISON).data;
  assert.equal(bars?.text, ['1.50× · 25 % memory mode', '1.00× · 0 % memory mode']);
});

test('a plan without segments, a comparison without rows and an empty trace still give figures', () => {
  const empty = { ...plan(), segments: [], repeats: [], analyticCycles: 0 };
  const still = { ...trace(), segments: [], makespanCycles: 0 };
  for (const figure of [
    chipMap(empty, chip()),
    modeChart(empty),
    allocationBars(empty),
    latencyBars(empty),
    latencyComparison([]),
    timeline(still),
    roofline({ ...graph(), operators: [] }, chip()),
  ]) {
    assert.ok(allFinite(figure.data) && allFinite(figure.layout), figure.toText());
  }
});

test('an intensity profile has a bar for every product, of the height that inspect says', () => {
  const products = inspect(graph()).operators.filter(({ flopsPerMop }) => flopsPerMop !== null);
  const { data, layout } = intensityProfile([graph(), graph()]);
  const bars = data.flatMap(({ x, y, yaxis }) => (x as number[]).map((at, i) => ({ at, y: (y as number[])[i] ?? 0, yaxis })));
  assert.is(bars.length, 2 * products.length);
  for (const { at, y } of bars) assert.ok(Math.abs(y / (products[at - 1]?.flopsPerMop ?? 0) - 1) < 1e-3);
  assert.equal(new Set(bars.map(({ yaxis }) => yaxis)), new Set(['y', 'y2']));
  assert.is((layout.shapes as { y0: number }[])[1]?.y0, inspect(graph()).model.flopsPerMop);
});

test('curves are a line a group, in the order of x; a row without a number is left out', () => {
  const rows = [4, 1, 2].flatMap((x) => [
    { x, y: x * x, kind: 'square' },
    { x, y: x === 2 ? null : x, kind: 'line' },
  ]);
  const { data } = curves(rows, { x: 'x', y: 'y', group: 'kind' });
  assert.equal(
    data.map(({ name, x, y }) => [name, x, y]),
    [
      ['square', [1, 2, 4], [1, 4, 16]],
      ['line', [1, 4], [1, 4]],
    ],
  );
  assert.throws(
    () => curves(rows, { x: 'x', y: 'z' }),
    (error: Error) => error instanceof CompileError,
  );
});

test('every chart is among those that are tried with hostile names', () => {
  const tried = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(`test/${file}`, 'utf8'))
    .filter((text) => text.includes('HOSTILE') || text.includes('everyFigure'))
    .join();
  const missing = readdirSync('lib/report/charts').filter(
    (file) => /\): Figure \{/.test(readFileSync(`lib/report/charts/${file}`, 'utf8')) && !tried.includes(`charts/${file}`),
  );
  assert.equal(missing, []);
});

test.run();
