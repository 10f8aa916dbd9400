// Which memory-mode arrays hold which operands: a product's own hold what it reads and what rides with it; one that is a
// producer's output memory, too, holds what that producer makes, at first or second hand (a pool between them).
// Steps -> arrays per read.

import type { Read } from '../dataflow/steps.ts';
import type { ArrayId } from '../optimizer/plan.ts';
import type { TensorId } from '../program/program.ts';
import type { Step } from './steps.ts';

/** Arrays of every read that has some. */
export type InputMemory = ReadonlyMap<Read, readonly ArrayId[]>;

/** Of all steps of one segment. */
export function inputMemory(steps: readonly Step[]): InputMemory {
  const makers = productsBehind(steps);
  const ownerOf = new Map(steps.flatMap(({ product }) => (product?.memoryOut ?? []).map((array) => [array, product?.id] as const)));
  const memory = new Map<Read, ArrayId[]>();
  const own = new Map<Step, ArrayId[]>();
  for (const step of steps) {
    const shared = new Set(step.product?.sharedIn);
    for (const array of step.product?.memoryIn ?? []) {
      const owner = shared.has(array) ? ownerOf.get(array) : undefined;
      const read = owner === undefined ? undefined : step.reads.find(({ tensor }) => makers.get(tensor.id)?.has(owner));
      if (read === undefined) note(own, step, array);
      else note(memory, read, array);
    }
  }
  const products = productsOf(steps);
  for (const step of steps) {
    const arrays = own.get(products.get(step) ?? step) ?? [];
    for (const [r, read] of step.reads.entries()) {
      const shared = memory.get(read);
      // The stream of a product may use both; everything else stays with one kind, so that each array has one owner.
      if (shared === undefined && arrays.length > 0) memory.set(read, arrays);
      else if (shared !== undefined && r === 0) memory.set(read, [...arrays, ...shared]);
    }
  }
  return memory;
}

function note<K>(map: Map<K, ArrayId[]>, key: K, array: ArrayId): void {
  const arrays = map.get(key);
  if (arrays === undefined) map.set(key, [array]);
  else arrays.push(array);
}

/** The product whose memory arrays serve a step: itself, or the last one that a vector operator depends on. */
function productsOf(steps: readonly Step[]): ReadonlyMap<Step, Step> {
  const products = new Map<Step, Step>();
  const makers = new Map<TensorId, Step>();
  for (const step of steps) {
    const upstream = step.reads.map(({ tensor }) => products.get(makers.get(tensor.id) ?? step));
    const last = step.product === undefined ? steps.findLast((candidate) => upstream.includes(candidate)) : step;
    const product = last ?? steps.find((candidate) => candidate.product !== undefined);
    if (product !== undefined) products.set(step, product);
    makers.set(step.output.id, step);
  }
  return products;
}

/** Tensor -> the products that make it, or what it is made from by vector operators alone. */
function productsBehind(steps: readonly Step[]): ReadonlyMap<TensorId, ReadonlySet<string>> {
  const behind = new Map<TensorId, Set<string>>();
  for (const { product, output, reads } of steps) {
    const makers = behind.get(output.id) ?? new Set();
    if (product !== undefined) makers.add(product.id);
    else for (const { tensor } of reads) for (const maker of behind.get(tensor.id) ?? []) makers.add(maker);
    behind.set(output.id, makers);
  }
  return behind;
}
