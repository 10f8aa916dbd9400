// Bind: symbolic dimensions -> numbers. Fills `bindings`, and `values` with the inputs and initialisers.
// A dimension that has neither number nor name is called INPUT.AXIS, so that it can be bound, too.

import type { Problem } from '../base/problem.ts';
import type { ImportState } from './import-state.ts';
import { elementCount, shapeText, unknownElements, type Value } from './model.ts';

export function bind(state: ImportState, problems: Problem[]): string {
  const { model, bind, defaults, path } = state;
  const where = new Map<string, string>();
  const nameOf = (input: string, axis: number, dimension: string | undefined): string => dimension ?? `${input}.${axis}`;
  for (const { name, dimensions } of model.inputs) {
    for (const [axis, dimension] of dimensions.entries()) {
      if (typeof dimension === 'number') continue;
      const symbol = nameOf(name, axis, dimension);
      if (!where.has(symbol)) where.set(symbol, name);
    }
  }

  const known = [...where.keys()];
  const given = new Map([...Object.entries(defaults).filter(([name]) => where.has(name)), ...Object.entries(bind)]);
  for (const [name, size] of given) {
    if (!where.has(name)) problems.push({ kind: 'onnx-binding', name, reason: 'no input has a dimension of that name', known });
    else if (!Number.isSafeInteger(size) || size < 1) {
      problems.push({ kind: 'onnx-binding', name, reason: `${size} is not a size; sizes are whole numbers from 1`, known });
    }
  }
  const unbound = known.filter((name) => !given.has(name));
  if (unbound.length > 0) {
    const example = `cimbook inspect ${path} --bind ${unbound.map((name) => `${name}=1`).join(',')}`;
    problems.push({ kind: 'onnx-unbound', dimensions: unbound.map((name) => ({ name, tensor: where.get(name) ?? '' })), example });
  }
  if (problems.length > 0) return '';

  state.bindings = Object.fromEntries([...given].sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const { name, dtype, dimensions } of model.inputs) {
    const shape = dimensions.map((dimension, axis) =>
      typeof dimension === 'number' ? dimension : (given.get(nameOf(name, axis, dimension)) ?? 0),
    );
    if (!Number.isSafeInteger(elementCount(shape))) {
      problems.push({
        kind: 'onnx-value',
        value: name,
        reason: `has shape ${shapeText(shape)}, more elements than can be counted`,
        next: 'Bind smaller sizes.',
      });
    }
    // An input without elements (a cache of no tokens) is never there.
    const empty = elementCount(shape) === 0;
    state.values.set(name, { id: name, dtype, shape, constant: empty, elements: empty ? () => [] : unknownElements });
  }
  for (const { name, dtype, shape, elements } of model.initializers) {
    state.values.set(name, { id: name, dtype, shape, constant: true, elements } satisfies Value);
  }
  return known.length === 0 ? 'no symbolic dimensions' : known.map((name) => `${name}=${given.get(name)}`).join(', ');
}
