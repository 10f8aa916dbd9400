// Fig. 15: what plans look like. VGG-16's segments, and one layer of OPT-6.7B. Plans, not times: the same on both cost models.

import { emit } from '../../lib/emit/emit.ts';
import type { Statement } from '../../lib/program/program.ts';
import { headed } from '../../lib/report/charts/parts.ts';
import { Figure } from '../../lib/report/figure.ts';
import { COLOURS } from '../../lib/report/theme.ts';
import type { Row } from './csv.ts';
import { modelGraph } from './models.ts';
import { NOMINAL, parameters, type Setting, settingOf } from './parameters.ts';
import { chipOf, memoryArrays, planOf } from './point.ts';
import type { Claim, Section } from './section.ts';
import { type Found, verdictOf } from './verdict.ts';

const ARRAYS = 96;
const VGG = { model: 'vgg16', bind: { batch: 1 } };
const LAYER = { model: 'opt-6.7b', bind: { batch: 1, sequence: 64, past: 0 } };

/** The segments of a plan (of a repeated block once): what is in them, and how many arrays have which role. */
async function segmentsOf(model: string, bind: Readonly<Record<string, number>>, setting: Setting): Promise<readonly Row[]> {
  const point = { model, bind, ...setting, optimizer: 'cmswitch', simulate: false };
  const plan = await planOf(point, modelGraph(model, bind), chipOf(point));
  const inner = plan.repeats[0];
  const segments = inner === undefined ? plan.segments : plan.segments.slice(inner.first, inner.first + inner.count);
  return segments.map((segment): Row => {
    const compute = segment.operators.reduce((sum, each) => sum + each.compute.length, 0);
    const operators = [...new Set(segment.operators.map(({ parent }) => parent))].join(' ');
    const { intraCycles, interCycles } = segment;
    const inter = interCycles.writeBack + interCycles.switch + interCycles.rewrite;
    return {
      segment: segment.id,
      operators,
      compute,
      memory: memoryArrays(segment),
      intra: Math.round(intraCycles),
      inter: Math.round(inter),
    };
  });
}

export const fig15: Section = {
  id: 'fig15',
  title: 'Fig. 15: what the plans look like',
  run: async (lab) => {
    const vgg = await lab.rows('fig15a', () => segmentsOf(VGG.model, VGG.bind, NOMINAL));
    const opt = await lab.rows('fig15b', () => segmentsOf(LAYER.model, LAYER.bind, NOMINAL));
    const sweep = await lab.rows('fig15-sweep', sweepPlans);
    const claims = [...vggClaims(vgg), ...layerClaims(opt), inPlace(await lab.rows('fig15b-operands', () => writtenOperands(NOMINAL)))];
    return {
      claims: claims.map((claim) => ({ ...claim, hangsOn: changesOf(claim, sweep) })),
      tables: {},
      pictures: {
        fig15a: bars('VGG-16, segment by segment', vgg.slice(0, 20)),
        fig15b: bars('A layer of OPT-6.7B, segment by segment', opt),
      },
      text: [],
    };
  },
};

/** The verdict of every claim at every value of every parameter, one at a time. */
async function sweepPlans(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const parameter of parameters()) {
    for (const value of parameter.values) {
      const setting = settingOf(value);
      const [vgg, opt] = [await segmentsOf(VGG.model, VGG.bind, setting), await segmentsOf(LAYER.model, LAYER.bind, setting)];
      const claims = [...vggClaims(vgg), ...layerClaims(opt), inPlace(await writtenOperands(setting))];
      const verdicts = claims.map(({ id, published, paper, unit }) => [id, paper && verdictOf(published, paper, unit)] as const);
      rows.push({ parameter: parameter.id, value: value.label, ...Object.fromEntries(verdicts) });
    }
  }
  return rows;
}

/** Parameters with a value at which the verdict is another: 'D_cim (reproduced at 16, 40)'. */
function changesOf({ id, published, paper, unit }: Claim, sweep: readonly Row[]): string {
  const nominal = paper && verdictOf(published, paper, unit);
  const changes = parameters().flatMap((parameter) => {
    const others = sweep.filter((row) => row.parameter === parameter.id && row[id] !== nominal);
    const verdicts = [...new Set(others.map((row) => row[id]))];
    const texts = verdicts.map(
      (verdict) =>
        `${verdict} at ${others
          .filter((row) => row[id] === verdict)
          .map(({ value }) => value)
          .join(', ')}`,
    );
    return texts.length === 0 ? [] : [`${parameter.name} (${texts.join('; ')})`];
  });
  return changes.length === 0 ? 'none of the six' : changes.join(', ');
}

/** Of the products whose right operand is made at run time (keys and values): how many have it written into arrays. */
async function writtenOperands(setting: Setting): Promise<readonly Row[]> {
  const point = { ...LAYER, ...setting, optimizer: 'cmswitch', simulate: false };
  const [graph, hardware] = [modelGraph(LAYER.model, LAYER.bind), chipOf(point)];
  const program = emit(graph, await planOf(point, graph, hardware), hardware);
  const atRunTime = new Set(program.operators.filter(({ inputs }) => inputs.some(({ use }) => use === 'stationary')).map(({ id }) => id));
  /** Products by name; a name in a loop stands for as many as it has turns. */
  const written = new Map<string, number>();
  const walk = (statements: readonly Statement[], turns: number): void => {
    for (const statement of statements) {
      if (statement.kind === 'loop') walk(statement.body, turns * statement.count);
      else if (statement.kind === 'parallel') walk(statement.body, turns);
      else if (statement.kind === 'CIM.write' && statement.from.length > 0) written.set(statement.operator, turns);
    }
  };
  walk(program.body, 1);
  return [{ products: atRunTime.size, written: [...written.values()].reduce((sum, turns) => sum + turns, 0) }];
}

function inPlace([row]: readonly Row[]): Claim {
  const [products, written] = [Number(row?.products), Number(row?.written)];
  return statement(
    'fig15b-keys',
    'Fig. 15b',
    'OPT-6.7B layer: K is kept in place, its arrays switched to compute QK^T',
    written === 0 ? 'holds' : written < products ? 'partly' : 'does not hold',
    `${written} of ${products} products of attention have their right operand written into arrays anew`,
  );
}

function statement(id: string, where: string, claim: string, found: Found, note?: string): Claim {
  return {
    id,
    where,
    claim,
    published: { kind: 'holds' },
    unit: 'share',
    paper: found,
    machine: undefined,
    ...(note !== undefined && { note }),
  };
}

/** Convolutions in order; the classifier's products come after them and are none of the claim. */
function vggClaims(rows: readonly Row[]): readonly Claim[] {
  const convolutions = [...new Set(rows.flatMap(({ operators }) => String(operators).split(' ')))].slice(0, 13);
  const segments = rows
    .map((row) => ({
      ...row,
      members: String(row.operators)
        .split(' ')
        .filter((id) => convolutions.includes(id)),
    }))
    .filter(({ members }) => members.length > 0)
    .map((row) => ({ ...row, numbers: row.members.map((id) => convolutions.indexOf(id) + 1) })) as readonly {
    readonly numbers: readonly number[];
    readonly compute?: number;
    readonly memory?: number;
  }[];
  const has = (...numbers: readonly number[]): boolean => segments.some((segment) => segment.numbers.join() === numbers.join());
  const later = segments.filter(({ numbers }) => numbers.some((number) => number >= 7));
  const alone = later.filter(({ numbers }) => numbers.length === 1);
  const memoryShare = (list: typeof segments): number =>
    list.reduce((sum, { memory = 0 }) => sum + memory, 0) / list.reduce((sum, { memory = 0, compute = 0 }) => sum + memory + compute, 0);
  const early = segments.filter(({ numbers }) => numbers.every((number) => number <= 6));
  const isComputing = memoryShare(early) < 0.5;
  const isGrowing = memoryShare(later) > memoryShare(early);
  const together = segments.map(({ numbers }) => numbers.join('-')).filter((text, i, all) => text !== all[i - 1]);
  return [
    statement(
      'fig15a-first',
      'Fig. 15a',
      'VGG-16: convolutions 1-4 form one segment',
      has(1, 2, 3, 4) ? 'holds' : 'does not hold',
      `ours: ${together.join(' | ')}`,
    ),
    statement('fig15a-second', 'Fig. 15a', 'VGG-16: convolutions 5-6 form the next', has(5, 6) ? 'holds' : 'does not hold'),
    statement(
      'fig15a-later',
      'Fig. 15a',
      'VGG-16: each later convolution is a segment of its own',
      alone.length === later.length ? 'holds' : alone.length > 0 ? 'partly' : 'does not hold',
      `${alone.length} of ${later.length} segments from convolution 7 on hold one convolution (one larger than the chip takes several)`,
    ),
    statement(
      'fig15a-modes',
      'Fig. 15a',
      'VGG-16: early segments mostly compute, later ones have more memory',
      isComputing && isGrowing ? 'holds' : isComputing || isGrowing ? 'partly' : 'does not hold',
      `memory share of the arrays in use: ${percent(memoryShare(early))} up to convolution 6, ${percent(memoryShare(later))} from 7 on`,
    ),
  ];
}

const ATTENTION = /MatMul(_\d+)?$/;

function layerClaims(rows: readonly Row[]): readonly Claim[] {
  const isOf = (pattern: RegExp) =>
    rows.filter(({ operators }) =>
      String(operators)
        .split(' ')
        .some((id) => pattern.test(id)),
    );
  const projections = isOf(/(?:q_proj|k_proj|v_proj|fc1|fc2)/);
  const attention = rows.filter(
    (row) =>
      !/proj|fc[12]/.test(String(row.operators)) &&
      String(row.operators)
        .split(' ')
        .every((id) => ATTENTION.test(id)),
  );
  const shares = (list: readonly Row[]): number[] => list.map(({ memory }) => Number(memory) / ARRAYS);
  const weighed = (list: readonly Row[]): number =>
    list.reduce((sum, row) => sum + Number(row.memory) * Number(row.intra), 0) /
    (ARRAYS * list.reduce((sum, row) => sum + Number(row.intra), 0));
  const [ofProjections, ofAttention] = [weighed(projections), weighed(attention)];
  return [
    {
      id: 'fig15b-projections',
      where: 'Fig. 15b',
      claim: 'OPT-6.7B layer: QKV and FFN have 33 to 67 % of the arrays in memory mode',
      published: { kind: 'range', least: 0.33, greatest: 0.67 },
      unit: 'share',
      paper: shares(projections),
      machine: undefined,
      note: `prompt of 64, batch 1; by time ${percent(ofProjections)}`,
    },
    statement(
      'fig15b-attention',
      'Fig. 15b',
      'OPT-6.7B layer: attention computes with more arrays than QKV and FFN',
      ofAttention < ofProjections ? 'holds' : 'does not hold',
      `memory share by time: attention ${percent(ofAttention)}, QKV and FFN ${percent(ofProjections)}`,
    ),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function bars(title: string, rows: readonly Row[]): Figure {
  const bar = (name: string, colour: string, column: 'compute' | 'memory') => ({
    type: 'bar' as const,
    name,
    x: rows.map((_, i) => i),
    y: rows.map((row) => Number(row[column])),
    customdata: rows.map(({ operators }) => String(operators)),
    marker: { color: colour },
    hovertemplate: '%{customdata}: %{y}<extra></extra>',
  });
  const step = Math.ceil(rows.length / 24);
  return new Figure([bar('Compute mode', COLOURS.compute, 'compute'), bar('Memory mode', COLOURS.memory, 'memory')], {
    ...headed(title, `${rows.length} segments; arrays that serve an operator, of ${ARRAYS}`, 1),
    height: 360,
    barmode: 'stack',
    bargap: rows.length > 60 ? 0 : 0.2,
    xaxis: {
      title: { text: 'Segment' },
      tickmode: 'array',
      tickvals: rows.map((_, i) => i).filter((i) => i % step === 0),
      ticktext: rows.map(({ segment }) => String(segment)).filter((_, i) => i % step === 0),
    },
    yaxis: { title: { text: 'Arrays' }, range: [0, ARRAYS] },
  });
}
