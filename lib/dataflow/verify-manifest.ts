// Whether a program declares what its model needs: every tensor and operator, with the shapes, windows and steps that the
// graph gives them. The verifier holds a program against its own declarations; this holds the declarations against the model.

import type { Problem } from '../base/problem.ts';
import type { Graph } from '../ir/graph.ts';
import { statementsOf } from '../program/expand.ts';
import type { ManifestOperator, ManifestTensor, Program } from '../program/program.ts';
import { manifestOf } from './manifest.ts';
import { operandLayouts } from './operands.ts';

/** Every difference between the program's declarations and those of `graph`, under the rule `manifest`. */
export function verifyManifest(program: Program, graph: Graph): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (where: string, reason: string): void => {
    problems.push({
      kind: 'program',
      rule: 'manifest',
      where,
      reason,
      next: 'Compile the model again, or give the model the program is of.',
    });
  };
  if (program.model.hash !== graph.hash) {
    // All else would follow from it.
    add(
      'model',
      `the program is of '${program.model.name}' (${program.model.hash.slice(0, 12)}), not of '${graph.name}' (${graph.hash.slice(0, 12)})`,
    );
    return problems;
  }
  const expected = manifestOf(graph, piecesOf(program), program.precision);
  compare('tensor', program.tensors, expected.tensors, add);
  compare('operator', program.operators, expected.operators, add);
  const layouts = operandLayouts(graph);
  for (const { id, tensor, place } of program.regions) {
    if (place.kind !== 'tiles') continue;
    const takes = expected.operators.filter(({ inputs }) => inputs.some((input) => input.use === 'stationary' && input.tensor === tensor));
    if (!takes.some((operator) => layouts.get(operator.id) === place.by))
      add(`region ${id}`, `lays '${tensor}' by ${place.by}, and no operator of the model takes it so`);
  }
  return problems;
}

/** What the program's products are pieces of: where operators are cut along n follows from them. */
function piecesOf(program: Program): Parameters<typeof manifestOf>[1] {
  const pieces: Parameters<typeof manifestOf>[1][number][] = [];
  for (const statement of statementsOf(program)) {
    for (const op of statement.kind === 'parallel' ? statement.body : [statement]) {
      if (op.kind === 'CIM.mvm') pieces.push({ parent: op.operator, piece: { outputs: op.outputs, inner: op.inner } });
    }
  }
  return pieces;
}

function compare<T extends ManifestTensor | ManifestOperator>(
  kind: 'tensor' | 'operator',
  declared: readonly T[],
  expected: readonly T[],
  add: (where: string, reason: string) => void,
): void {
  const found = new Map(declared.map((one) => [one.id, one]));
  for (const one of expected) {
    const own = found.get(one.id);
    found.delete(one.id);
    if (own === undefined) add(`${kind} ${one.id}`, 'is not declared, and the model has it');
    else {
      const field = (Object.keys({ ...own, ...one }) as (keyof T)[]).find((key) => !same(own[key], one[key]));
      if (field !== undefined) add(`${kind} ${one.id}`, `declares ${String(field)} ${text(own[field])}, the model has ${text(one[field])}`);
    }
  }
  for (const id of found.keys()) add(`${kind} ${id}`, 'is declared, and the model does not have it');
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
