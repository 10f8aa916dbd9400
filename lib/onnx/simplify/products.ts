// Products: what they read, as it lies. A transpose of the stationary operand's last two axes is the product's own, a group
// that is repeated (heads that share keys) is read once for all its vectors, and a scalar factor is the product's scale.

import type { OperatorAttrs } from '../../ir/graph.ts';
import type { Draft, DraftInput } from '../draft.ts';
import { isStep, type StepDraft, scalarOf } from './network.ts';
import { type Factor, isInOrder, type Strided, shapeOf } from './strided.ts';
import type { ViewTable } from './view-table.ts';

/** The product reading sources instead of views where it can. */
export function readingProduct(table: ViewTable, draft: Draft, attrs: OperatorAttrs['matMul']): Draft {
  const [streamed, stationary] = draft.inputs;
  if (streamed === undefined) return draft;
  let scale = attrs.scale ?? 1;
  const unscaled = (input: DraftInput): string => {
    const factor = factorOf(table, input.value);
    if (factor === undefined) return input.value;
    scale *= factor.scale;
    return factor.of;
  };
  const rank = table.value(streamed.value).shape.length;
  const isLast = streamed.wants === rank - 1;
  const left = vectors(table, stationary === undefined ? streamed.value : unscaled(streamed), isLast);
  const input: DraftInput = { ...streamed, value: left, ...(isLast ? { wants: table.value(left).shape.length - 1 } : {}) };
  if (stationary === undefined) return { ...draft, inputs: [input] };
  const { value, transposeWeight, repeats } = matrixAsItLies(table, unscaled(stationary), attrs.transposeWeight);
  const { scale: _, ...others } = attrs;
  const { m, n, k, groups } = attrs.matrix;
  const weight = table.value(value);
  return {
    ...draft,
    inputs: [input, { ...stationary, value, prefers: Math.max(0, weight.shape.length - 1) }],
    body: {
      kind: 'matMul',
      attrs: {
        ...others,
        ...(scale === 1 ? {} : { scale }),
        matrix: { m: m * repeats, n, k, groups: groups / repeats },
        weight: value,
        transposeWeight,
      },
    },
  };
}

/** The value that was multiplied by a number to make `value`, which nobody else reads. */
function factorOf(table: ViewTable, value: string): { of: string; scale: number } | undefined {
  const { producer, uses } = table.network;
  const view = table.views.get(value);
  const step = view === undefined ? producer.get(value) : table.moved.get(value);
  if (!isStep(step) || step.body.function !== 'mul' || uses.get(value) !== 1) return undefined;
  const found = split(table, step, step.inputs[0]?.value ?? '');
  if (found === undefined || view === undefined) return found;
  // The step was taken on the source: what it read there, seen as before.
  const before = { source: found.of, dims: view.dims };
  const of = table.declared(before) ?? table.declareBeside(value, 'unscaled', before, table.value(value).shape);
  return { of, scale: found.scale };
}

function split(table: ViewTable, step: StepDraft, of: string): { of: string; scale: number } | undefined {
  if (step.inputs.length !== 1 || table.value(of).shape.join() !== table.value(step.output).shape.join()) return undefined;
  const other = step.body.operands.find((operand) => operand !== of);
  const scale = other === undefined ? undefined : scalarOf(table.network, other);
  return scale === undefined ? undefined : { of, scale };
}

/** Vectors to be streamed: the source itself where only other dimensions than the last were regrouped. */
function vectors(table: ViewTable, value: string, isLast: boolean): string {
  const view = table.views.get(value);
  if (view === undefined || !isLast || !isInOrder(view)) return table.materialize(value);
  const { shape } = table.value(view.source);
  return shape.length > 0 && shape.at(-1) === table.value(value).shape.at(-1) ? view.source : table.materialize(value);
}

/** A stationary operand as it lies: what repeats is read once, and the last two axes may be either way round. */
function matrixAsItLies(
  table: ViewTable,
  value: string,
  transposeWeight: boolean,
): { value: string; transposeWeight: boolean; repeats: number } {
  const view = table.views.get(value);
  if (view === undefined || view.dims.length < 2) return { value: table.materialize(value), transposeWeight, repeats: 1 };
  const { once, repeats } = withoutRepeats(view.dims.slice(0, -2));
  const [rows = [], columns = []] = view.dims.slice(-2);
  const ways = [
    { view: { source: view.source, dims: [...once, rows, columns] }, transposeWeight },
    { view: { source: view.source, dims: [...once, columns, rows] }, transposeWeight: !transposeWeight },
  ];
  const [first] = ways as [(typeof ways)[number]];
  // Best as it lies, or as it has been laid out for somebody; else with whole vectors, which move as one.
  const way =
    ways.find((one) => isInOrder(one.view)) ??
    ways.find((one) => table.laidOut(one.view) !== undefined) ??
    ways.find((one) => one.view.dims.at(-1)?.at(-1)?.stride === 1) ??
    first;
  if (way === first && repeats === 1) return { value: matrixOf(table, value), transposeWeight, repeats };
  const laid = table.declared(way.view) ?? table.declareBeside(value, 'laid', way.view, shapeOf(way.view));
  return { ...way, value: matrixOf(table, laid), repeats };
}

/** Matrices of a view, under the name of anything that has them one behind the other in the same order. */
function matrixOf(table: ViewTable, value: string): string {
  const view = table.views.get(value);
  if (view === undefined) return value;
  const known = isInOrder(view) ? view.source : (table.laidOut(view) ?? '');
  const [own, other] = [table.value(value).shape, table.network.values.get(known)?.shape ?? []];
  const fits = other.length >= 2 && own.slice(-2).join() === other.slice(-2).join();
  return fits ? known : table.materialize(value);
}

/** Groups without the innermost repeats: neighbours that share a matrix. */
function withoutRepeats(groups: Strided['dims']): { once: Factor[][]; repeats: number } {
  const once = groups.map((factors) => [...factors]);
  let repeats = 1;
  for (let axis = once.length - 1; axis >= 0; axis--) {
    const factors = once[axis] ?? [];
    for (let last = factors.at(-1); last?.stride === 0; last = factors.at(-1)) {
      repeats *= last.size;
      factors.pop();
    }
    if (factors.length > 0) break;
  }
  return { once, repeats };
}
