// Sensitivity: every claim that can be boiled down to a number, at every value of every parameter the paper does not print. One parameter at
// a time on the paper's cost; the ends of each range on the machine; and a map over the two parameters that matter most.

import { speedupGrid } from '../../lib/report/charts/speedup-grid.ts';
import type { Figure } from '../../lib/report/figure.ts';
import type { Row } from './csv.ts';
import type { Lab } from './lab.ts';
import { NOMINAL, type Parameter, type ParameterValue, parameters, settingOf } from './parameters.ts';
import { MACHINE, PAPER, PUBLISHED, panels } from './pictures.ts';
import type { Probe, ProbeValue, Section } from './section.ts';
import { isNear, type Unit } from './verdict.ts';

type Probed = Readonly<Record<string, ProbeValue>>;

export interface Sensitivity {
  /** On the paper's cost: parameter, value, then a column a claim. */
  readonly sweep: readonly Row[];
  /** The same on the machine, at the nominal values and the ends. */
  readonly ends: readonly Row[];
  /** Over two parameters: their values, then a column a network of Fig. 14. */
  readonly map: readonly Row[];
  readonly pictures: Readonly<Record<string, Figure>>;
  /** By claim: parameters in the order of how far they move it on the paper's cost; and on the machine, from end to end. */
  readonly swings: ReadonlyMap<string, readonly Swing[]>;
  readonly machineSwings: ReadonlyMap<string, readonly Swing[]>;
  /** At the nominal values. */
  readonly probed: Probed;
  readonly machineProbed: Probed;
  readonly mapOf: readonly [Parameter, Parameter];
}

/** How far a parameter moves a claim's number, and where the published one appears. */
export interface Swing {
  readonly parameter: Parameter;
  readonly least: number;
  readonly greatest: number;
  /** Labels of its values, and of those at which ours is near the published number. */
  readonly tried: readonly string[];
  readonly near: readonly string[];
}

/** The mean of Fig. 14 decides which two parameters the map is over. */
const MAP_CLAIM = 'fig14-mean';

export async function sensitivityOf(lab: Lab, sections: readonly Section[], mapped: Section): Promise<Sensitivity> {
  const onMachine = together(sections.filter(({ isProbedOnMachine }) => isProbedOnMachine === true));
  const [sweep, ends] = await Promise.all([sweepOf(lab, together(sections), false), sweepOf(lab, onMachine, true)]);
  const [nominal, machineNominal] = [sweep, ends].map((list) => list.find(({ value }) => value.isNominal)?.probed ?? {}) as [
    Probed,
    Probed,
  ];
  const swings = new Map(Object.keys(nominal).map((claim) => [claim, swingsOf(claim, sweep)] as const));
  const machineSwings = new Map(Object.keys(machineNominal).map((claim) => [claim, swingsOf(claim, ends)] as const));
  const [first, second] = (swings.get(MAP_CLAIM) ?? []).map(({ parameter }) => parameter);
  if (first === undefined || second === undefined || mapped.probe === undefined) throw new Error('internal: nothing to map');
  const map = await mapOver(lab, mapped.probe, first, second);
  const rowsOf = (list: readonly Swept[]): readonly Row[] =>
    list.map(({ parameter, value, probed }) => ({ parameter: parameter.id, value: value.label, ...valuesOf(probed) }));
  return {
    sweep: rowsOf(sweep),
    ends: rowsOf(ends),
    map: map.map(({ x, y, probed }) => ({ [first.id]: x.label, [second.id]: y.label, ...valuesOf(probed) })),
    pictures: { sensitivity: sweepPicture(sweep, ends), map: mapPicture(map, first, second) },
    swings,
    machineSwings,
    probed: nominal,
    machineProbed: machineNominal,
    mapOf: [first, second],
  };
}

/** Numbers only. */
function valuesOf(probed: Probed): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(probed).map(([claim, { value }]) => [claim, Number(value.toPrecision(6))]));
}

function together(sections: readonly Section[]): Probe {
  return async (lab, setting, isSimulated) => {
    const all = await Promise.all(sections.map(({ probe }) => probe?.(lab, setting, isSimulated) ?? {}));
    return Object.assign({}, ...all) as Probed;
  };
}

interface Swept {
  readonly parameter: Parameter;
  readonly value: ParameterValue;
  readonly probed: Probed;
}

/** Every value on the paper's cost; the nominal one and the ends on the machine. */
async function sweepOf(lab: Lab, probe: Probe, isSimulated: boolean): Promise<readonly Swept[]> {
  return Promise.all(
    parameters().flatMap((parameter) =>
      parameter.values
        .filter(({ isNominal }, i, all) => !isSimulated || isNominal || i === 0 || i === all.length - 1)
        .map(async (value) => ({ parameter, value, probed: await probe(lab, value.isNominal ? NOMINAL : settingOf(value), isSimulated) })),
    ),
  );
}

function swingsOf(claim: string, sweep: readonly Swept[]): readonly Swing[] {
  const swings = parameters().map(({ id }): Swing => {
    const mine = sweep.filter(({ parameter }) => parameter.id === id);
    const values = mine.map(({ probed }) => probed[claim]?.value ?? Number.NaN);
    const labels = (list: readonly Swept[]): string[] => list.map(({ value }) => value.label);
    const near = mine.filter(({ probed }) => isAt(probed[claim]));
    const [least, greatest] = [Math.min(...values), Math.max(...values)];
    return { parameter: mine[0]!.parameter, least, greatest, tried: labels(mine), near: labels(near) };
  });
  return swings.sort((a, b) => b.greatest - b.least - (a.greatest - a.least));
}

function isAt(probed: ProbeValue | undefined): boolean {
  return probed !== undefined && isNear(probed.value, probed.published, probed.unit);
}

interface MapCell {
  readonly x: ParameterValue;
  readonly y: ParameterValue;
  readonly probed: Probed;
}

async function mapOver(lab: Lab, probe: Probe, first: Parameter, second: Parameter): Promise<readonly MapCell[]> {
  return Promise.all(
    second.values.flatMap((y) => first.values.map(async (x) => ({ x, y, probed: await probe(lab, settingOf(x, y), false) }))),
  );
}

function mapPicture(map: readonly MapCell[], first: Parameter, second: Parameter): Figure {
  const at = (x: ParameterValue, y: ParameterValue): ProbeValue | undefined =>
    map.find((cell) => cell.x === x && cell.y === y)?.probed[MAP_CLAIM];
  return speedupGrid({
    title: "Mean speedup of Fig. 14 on the paper's cost",
    rows: second.values.map(({ label }) => label),
    columns: first.values.map(({ label }) => label),
    rowTitle: `${second.name} (${second.unit})`,
    columnTitle: `${first.name} (${first.unit})`,
    values: second.values.map((y) => first.values.map((x) => at(x, y)?.value)),
    marked: second.values.map((y) => first.values.map((x) => isAt(at(x, y)))),
    mark: `near the published ${Object.values(map)[0]?.probed[MAP_CLAIM]?.published}`,
  });
}

/** Networks of Fig. 14 against each parameter. */
function sweepPicture(sweep: readonly Swept[], ends: readonly Swept[]): Figure {
  return panels({
    title: 'Mean speedup of Fig. 14 against what the paper does not print',
    subtitle: 'one parameter at a time, the others as in hw/dynaplasia-paper.json; grey: published',
    labels: [],
    xTitle: '',
    yTitle: 'Mean speedup',
    panels: parameters().map(({ id, name, unit, values }) => {
      const of = (list: readonly Swept[]) =>
        values.map(
          ({ label }) => list.find(({ parameter, value }) => parameter.id === id && value.label === label)?.probed[MAP_CLAIM]?.value,
        );
      const published = sweep[0]?.probed[MAP_CLAIM]?.published;
      return {
        title: `${name} (${unit})`,
        labels: values.map(({ label }) => label.replace(/ \(.*/, '')),
        lines: [
          { name: 'Published', colour: PUBLISHED, values: values.map(() => published), dash: 'dash' as const },
          { name: "Ours, the paper's cost", colour: PAPER, values: of(sweep) },
          { name: 'Ours, on the machine (ends)', colour: MACHINE, values: of(ends), symbol: 'diamond' },
        ],
      };
    }),
  });
}

/** 'D_cim moves it from 1.20 to 1.80', of the parameters that move it at all. */
export function hangsOn(swings: readonly Swing[], unit: Unit): string {
  const moving = swings.filter(({ least, greatest }) => greatest - least > (unit === 'factor' ? 0.05 * greatest : 0.02));
  if (moving.length === 0) return 'none of the six';
  const text = (value: number): string => (unit === 'share' ? `${(100 * value).toFixed(0)} %` : value.toFixed(2));
  return moving
    .slice(0, 2)
    .map(({ parameter, least, greatest }) => `${parameter.name} (${text(least)} to ${text(greatest)})`)
    .join(', ');
}

/** 'as it is; D_cim 8, 16', or 'nowhere': values tried at which ours is near the published number, the others as they are. */
export function appearsAt(swings: readonly Swing[]): string {
  const isNominal = swings.some(({ parameter, near }) => parameter.values.some((value) => value.isNominal && near.includes(value.label)));
  const texts = swings.flatMap(({ parameter, tried, near }) => {
    const others = tried.filter((label) => !parameter.values.some((value) => value.isNominal && value.label === label));
    const found = others.filter((label) => near.includes(label));
    if (found.length === 0) return [];
    return [`${parameter.name} ${found.length === others.length && isNominal ? 'anywhere' : found.join(', ')}`];
  });
  if (isNominal) texts.unshift('as it is');
  return texts.length === 0 ? 'nowhere' : texts.join('; ');
}
