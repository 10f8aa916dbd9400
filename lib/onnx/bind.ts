// Bind: symbolic dimensions -> numbers. Fills `bindings`, and `values` with the inputs and initialisers.
// A dimension that has neither number nor name is called INPUT.AXIS, so that it can be bound, too; one that is a formula
// ('past + sequence') follows from the names in it.

import type { Problem } from '../base/problem.ts';
import { type DimensionFormula, dimensionFormula } from './dimension.ts';
import type { ImportState } from './import-state.ts';
import { elementCount, shapeText, unknownElements, type Value } from './model.ts';

/** A command has to be readable. */
const MOST_IN_EXAMPLE = 12;

export function bind(state: ImportState, problems: Problem[]): string {
  const { model, bind, defaults, path } = state;
  const given = new Map<string, number>();
  const isKnown = (name: string): boolean => Object.hasOwn(bind, name) || Object.hasOwn(defaults, name);
  const formulas = new Map<string, DimensionFormula>();
  /** What has to be bound -> the input it is of. A formula that is itself bound is a name. */
  const where = new Map<string, string>();
  const textOf = (input: string, axis: number, dimension: string | undefined): string => dimension ?? `${input}.${axis}`;
  for (const { name, dimensions } of model.inputs) {
    for (const [axis, dimension] of dimensions.entries()) {
      if (typeof dimension === 'number') continue;
      const text = textOf(name, axis, dimension);
      const formula =
        dimension === undefined || Object.hasOwn(bind, text)
          ? { names: [text], size: (sizeOf: (id: string) => number) => sizeOf(text) }
          : dimensionFormula(text);
      formulas.set(text, formula);
      for (const symbol of formula.names) if (!where.has(symbol)) where.set(symbol, name);
    }
  }

  const known = [...where.keys()];
  for (const [name, size] of [...Object.entries(defaults).filter(([name]) => where.has(name)), ...Object.entries(bind)])
    given.set(name, size);
  for (const [name, size] of given) {
    if (!where.has(name)) problems.push({ kind: 'onnx-binding', name, reason: 'no input has a dimension of that name', known });
    else if (!Number.isSafeInteger(size) || size < 0) {
      problems.push({ kind: 'onnx-binding', name, reason: `${size} is not a size; sizes are whole numbers from 0`, known });
    }
  }
  const unbound = known.filter((name) => !isKnown(name));
  if (unbound.length > 0) {
    const example = `cimbook inspect ${path} --bind ${unbound
      .slice(0, MOST_IN_EXAMPLE)
      .map((name) => `${name}=1`)
      .join(',')}`;
    problems.push({ kind: 'onnx-unbound', dimensions: unbound.map((name) => ({ name, tensor: where.get(name) ?? '' })), example });
  }
  if (problems.length > 0) return '';

  state.bindings = Object.fromEntries([...given].sort(([a], [b]) => (a < b ? -1 : 1)));
  const sizeOf = (name: string): number => given.get(name) ?? 0;
  for (const { name, dtype, dimensions } of model.inputs) {
    const shape = dimensions.map((dimension, axis) =>
      typeof dimension === 'number' ? dimension : (formulas.get(textOf(name, axis, dimension))?.size(sizeOf) ?? 0),
    );
    checkShape(name, shape, problems);
    // An input without elements (a cache of no tokens) is never there.
    const empty = elementCount(shape) === 0;
    state.values.set(name, { id: name, dtype, shape, constant: empty, elements: empty ? () => [] : unknownElements });
  }
  for (const { name, dtype, shape, elements } of model.initializers) {
    state.values.set(name, { id: name, dtype, shape, constant: true, elements } satisfies Value);
  }
  return known.length === 0 ? 'no symbolic dimensions' : known.map((name) => `${name}=${given.get(name)}`).join(', ');
}

function checkShape(value: string, shape: readonly number[], problems: Problem[]): void {
  const bad = shape.find((size) => !Number.isSafeInteger(size) || size < 0);
  const reason =
    bad !== undefined
      ? `has shape ${shapeText(shape)}, and ${bad} is not a size`
      : Number.isSafeInteger(elementCount(shape))
        ? undefined
        : `has shape ${shapeText(shape)}, more elements than can be counted`;
  if (reason !== undefined)
    problems.push({ kind: 'onnx-value', value, reason, next: bad === undefined ? 'Bind smaller sizes.' : 'Bind other sizes.' });
}
