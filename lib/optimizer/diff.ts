// Two plans side by side: where they cut, what each piece gets, what comes of it. Plans or compile reports -> PlanDiff.

import { fail } from '../base/problem.ts';
import { formatNumber, printable, textTable } from '../base/text.ts';
import type { Cycles } from '../base/units.ts';
import type { Plan } from './plan.ts';

/** What a plan gives a piece of an operator. */
export interface Given {
  readonly segment: number;
  readonly copies: number;
  readonly memoryArrays: number;
}

/** What a diff needs of a plan or of a report. */
export interface DiffSide {
  readonly header: Readonly<Record<string, string>>;
  readonly totals: Readonly<Record<string, number>>;
  readonly segments: readonly { readonly id: number; readonly operators: readonly ({ readonly id: string } & Omit<Given, 'segment'>)[] }[];
}

export interface OperatorDiff {
  readonly id: string;
  /** Undefined where a plan does not have the piece: it cut the operator otherwise. */
  readonly a: Given | undefined;
  readonly b: Given | undefined;
}

export interface PlanDiff {
  /** What names model, chip and optimizer, as far as it differs. */
  readonly header: Readonly<Record<string, readonly [string, string]>>;
  /** Cycles and counts, all of them. */
  readonly totals: Readonly<Record<string, readonly [number | undefined, number | undefined]>>;
  /** Pieces that a segment ends with in one plan only. */
  readonly cutsOnlyInA: readonly string[];
  readonly cutsOnlyInB: readonly string[];
  /** Pieces that differ in copies or memory arrays, or are not in both. */
  readonly operators: readonly OperatorDiff[];
}

export function diffPlans(a: Plan, b: Plan): PlanDiff {
  return diffSides(sideOf(a), sideOf(b));
}

export function diffSides(a: DiffSide, b: DiffSide): PlanDiff {
  const [cutsA, cutsB] = [cutsOf(a), cutsOf(b)];
  const [givenA, givenB] = [givenBy(a), givenBy(b)];
  const names = (left: object, right: object): string[] => [...new Set([...Object.keys(left), ...Object.keys(right)])];
  const headers = names(a.header, b.header).map((name) => [name, [a.header[name] ?? '', b.header[name] ?? '']] as const);
  return {
    header: Object.fromEntries(headers.filter(([, [left, right]]) => left !== right)),
    totals: Object.fromEntries(names(a.totals, b.totals).map((name) => [name, [a.totals[name], b.totals[name]] as const])),
    cutsOnlyInA: [...cutsA].filter((id) => !cutsB.has(id)),
    cutsOnlyInB: [...cutsB].filter((id) => !cutsA.has(id)),
    operators: [...new Set([...givenA.keys(), ...givenB.keys()])]
      .map((id): OperatorDiff => ({ id, a: givenA.get(id), b: givenB.get(id) }))
      .filter((pair) => pair.a?.copies !== pair.b?.copies || pair.a?.memoryArrays !== pair.b?.memoryArrays),
  };
}

function sideOf(plan: Plan): DiffSide {
  return {
    header: headerOf(plan),
    totals: { segments: plan.segments.length, 'planned cycles': plan.analyticCycles },
    segments: plan.segments.map(({ id, operators }) => ({
      id,
      operators: operators.map((operator) => ({
        id: operator.id,
        copies: operator.copies,
        memoryArrays: operator.memoryIn.length + operator.memoryOut.length,
      })),
    })),
  };
}

function headerOf(plan: Pick<Plan, 'model' | 'hardware' | 'optimizer' | 'solver' | 'cost' | 'objective'>): Record<string, string> {
  const { model, hardware, optimizer, solver, cost, objective } = plan;
  return {
    model: model.name,
    'model hash': model.hash,
    chip: hardware.name,
    'chip hash': hardware.hash,
    optimizer,
    solver,
    cost,
    objective,
  };
}

/** The last piece of every segment but the last one. */
function cutsOf({ segments }: DiffSide): ReadonlySet<string> {
  return new Set(segments.slice(0, -1).flatMap(({ operators }) => operators.at(-1)?.id ?? []));
}

function givenBy({ segments }: DiffSide): ReadonlyMap<string, Given> {
  return new Map(
    segments.flatMap((segment) =>
      segment.operators.map(({ id, copies, memoryArrays }) => [id, { segment: segment.id, copies, memoryArrays }] as const),
    ),
  );
}

/** A side from the JSON of a plan (`plan.json`) or a report (`report.json`, `compile --json`). Throws `file` for anything else. */
export function readDiffSide(text: string, path: string): DiffSide {
  const wrong = (reason: string): never =>
    fail({ kind: 'file', path, reason, next: 'Give a plan.json or report.json that cimbook compile --out wrote, or its directory.' });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return wrong(`is not JSON (${(error as Error).message})`);
  }
  const object = (candidate: unknown, where: string): Record<string, unknown> =>
    typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate)
      ? (candidate as Record<string, unknown>)
      : wrong(`has no object at ${where}`);
  const list = (candidate: unknown, where: string): readonly unknown[] =>
    Array.isArray(candidate) ? candidate : wrong(`has no list at ${where}`);
  const string = (candidate: unknown, where: string): string =>
    typeof candidate === 'string' ? candidate : wrong(`has no text at ${where}`);
  const number = (candidate: unknown, where: string): number =>
    typeof candidate === 'number' && Number.isFinite(candidate) ? candidate : wrong(`has no number at ${where}`);
  /** Arrays are listed in a plan and counted in a report. */
  const arrays = (candidate: unknown, where: string): number => (Array.isArray(candidate) ? candidate.length : number(candidate, where));

  const root = object(value, '$');
  if (root.schemaVersion !== 1) wrong(`has schemaVersion ${JSON.stringify(root.schemaVersion) ?? 'none'}, not 1`);
  const named = (part: 'model' | 'hardware') => {
    const label = object(root[part], `$.${part}`);
    return { name: string(label.name, `$.${part}.name`), hash: string(label.hash, `$.${part}.hash`) };
  };
  const header: Record<string, string> = {
    model: named('model').name,
    'model hash': named('model').hash,
    chip: named('hardware').name,
    'chip hash': named('hardware').hash,
  };
  for (const field of ['optimizer', 'solver', 'cost', 'objective'] as const) header[field] = string(root[field], `$.${field}`);
  const segments = list(root.segments, '$.segments').map((entry, s) => {
    const segment = object(entry, `$.segments[${s}]`);
    return {
      id: number(segment.id, `$.segments[${s}].id`),
      operators: list(segment.operators, `$.segments[${s}].operators`).map((each, o) => {
        const where = `$.segments[${s}].operators[${o}]`;
        const operator = object(each, where);
        return {
          id: string(operator.id, `${where}.id`),
          copies: number(operator.copies, `${where}.copies`),
          memoryArrays: arrays(operator.memoryIn, `${where}.memoryIn`) + arrays(operator.memoryOut, `${where}.memoryOut`),
        };
      }),
    };
  });
  const totals: Record<string, number> = { segments: segments.length };
  const cycles: Record<string, unknown> = root.cycles === undefined ? { analytic: root.analyticCycles } : object(root.cycles, '$.cycles');
  totals['planned cycles'] = number(cycles.analytic, '$.cycles.analytic');
  if (typeof cycles.simulated === 'number') totals['simulated cycles'] = cycles.simulated;
  if (typeof root.memoryModeShare === 'number') totals['memory mode, %'] = 100 * root.memoryModeShare;
  if (typeof root.energyPicojoules === 'object' && root.energyPicojoules !== null)
    totals['energy, uJ'] = number(object(root.energyPicojoules, '$.energyPicojoules').total, '$.energyPicojoules.total') / 1e6;
  return { header, totals, segments };
}

const MOST_CUTS = 12;

export function printDiff({ header, totals, cutsOnlyInA, cutsOnlyInB, operators }: PlanDiff): string {
  const amount = (value: Cycles | undefined): string => (value === undefined ? '' : formatNumber(Math.round(value * 10) / 10));
  const summary = textTable(
    ['', 'A', 'B', 'B / A'],
    [
      ...Object.entries(header).map(([name, [a, b]]) => [name, short(name, a), short(name, b), '']),
      ...Object.entries(totals).map(([name, [a, b]]) => [name, amount(a), amount(b), a && b !== undefined ? (b / a).toFixed(3) : '']),
    ],
  );
  const cuts = (ids: readonly string[]): string =>
    `${ids.slice(0, MOST_CUTS).map(printable).join(', ')}${ids.length > MOST_CUTS ? `, and ${ids.length - MOST_CUTS} more` : ''}`;
  const lines = [
    ...(cutsOnlyInA.length > 0 ? [`Segments that end only in A: ${cuts(cutsOnlyInA)}`] : []),
    ...(cutsOnlyInB.length > 0 ? [`Segments that end only in B: ${cuts(cutsOnlyInB)}`] : []),
  ];
  if (operators.length === 0) return [summary, ...lines, 'Every piece gets the same in both.'].join('\n\n');
  const cell = (given: Given | undefined): string =>
    given === undefined ? 'not there' : `segment ${given.segment}: ${given.copies} copies, ${given.memoryArrays} memory arrays`;
  const pieces = textTable(
    ['piece', 'A', 'B'],
    operators.map(({ id, a, b }) => [printable(id), cell(a), cell(b)]),
  );
  return [summary, ...lines, pieces].join('\n\n');
}

function short(name: string, text: string): string {
  return printable(name.endsWith('hash') ? text.slice(0, 12) : text);
}
