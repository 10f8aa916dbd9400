// NodeView: what an operator rule may know of a node: its attributes, and its inputs' types, shapes and known values.
// A rule that can't go on calls `refuse`; the pass that asked turns it into a problem naming the node.

import type { onnx } from 'onnx-proto';
import type { DType } from '../ir/graph.ts';
import { attributeOf, tensorAttribute } from './attribute.ts';
import { dtypeOf, typeName } from './dtype.ts';
import { elementCount, MOST_FOLDED, type OnnxNode, type StoredTensor, shapeText, unknownElements, type Value } from './model.ts';

/** Why a node can't be imported. */
export class Refusal extends Error {
  readonly next: string;

  constructor(reason: string, next: string) {
    super(reason);
    this.name = 'Refusal';
    this.next = next;
  }
}

/** Elements that folding may still make in this import, so that no file can fill the memory. */
export interface FoldBudget {
  left: number;
  /** Elements of one value; MOST_FOLDED if absent. */
  readonly most?: number;
}

export const FOLD_BUDGET = 1 << 24;

export class NodeView {
  readonly node: OnnxNode;
  readonly opset: number;
  readonly #value: (name: string) => Value | undefined;
  readonly #budget: FoldBudget;

  constructor(node: OnnxNode, opset: number, value: (name: string) => Value | undefined, budget: FoldBudget) {
    this.node = node;
    this.opset = opset;
    this.#value = value;
    this.#budget = budget;
  }

  /** Number of inputs listed, omitted ones included. */
  get inputs(): number {
    return this.node.inputs.length;
  }

  refuse(reason: string, next = 'Check the model with onnx.checker.'): never {
    throw new Refusal(reason, next);
  }

  /** Input `i`, or undefined if it is left out. */
  optional(i: number): Value | undefined {
    const name = this.node.inputs[i] ?? '';
    return name === '' ? undefined : this.#value(name);
  }

  value(i: number): Value {
    return this.optional(i) ?? this.refuse(`its input ${i} is missing`);
  }

  shape(i: number): readonly number[] {
    return this.value(i).shape;
  }

  rank(i: number): number {
    return this.value(i).shape.length;
  }

  dtype(i: number): DType {
    return this.value(i).dtype;
  }

  /** All inputs given. */
  values(): Value[] {
    return this.node.inputs.flatMap((_, i) => this.optional(i) ?? []);
  }

  /** Elements of input `i`, which must not depend on the network's input; undefined if it is left out. */
  optionalElements(i: number): readonly number[] | undefined {
    const value = this.optional(i);
    if (value === undefined) return undefined;
    const elements = value.elements();
    if (elements !== undefined) return elements;
    const reason = value.constant ? 'and its values are not in the file' : 'and it is only known when the network runs';
    return this.refuse(
      `its output's shape depends on input ${i} ('${value.id}', ${shapeText(value.shape)}), ${reason}`,
      'Export the model with fixed shapes, or without the steps that select by value, such as the post-processing of a detector.',
    );
  }

  elements(i: number): readonly number[] {
    return this.optionalElements(i) ?? this.refuse(`its input ${i} is missing`);
  }

  /** The output's elements if all inputs' are known and they are few enough to be shape arithmetic. */
  fold(shape: readonly number[], compute: (inputs: readonly (readonly number[])[]) => readonly number[]): readonly number[] | undefined {
    const count = elementCount(shape);
    if (count > (this.#budget.most ?? MOST_FOLDED) || count > this.#budget.left) return undefined;
    const known: (readonly number[])[] = [];
    for (const value of this.values()) {
      const elements = value.elements();
      if (elements === undefined) return undefined;
      known.push(elements);
    }
    this.#budget.left -= count;
    return compute(known);
  }

  /** Whether somebody may read output `i`. */
  makes(i: number): boolean {
    return (this.node.outputs[i] ?? '') !== '';
  }

  /** A value between two operators of this node that the ONNX graph doesn't have; of input 0's type unless told otherwise. */
  between(name: string, shape: readonly number[], dtype = this.dtype(0)): Value {
    let id = `${this.node.outputs.find((output) => output !== '') ?? this.node.id}.${name}`;
    while (this.#value(id) !== undefined) id += '_';
    return { id, dtype, shape, constant: false, elements: unknownElements };
  }

  int(name: string, otherwise: number): number {
    const value = this.#attribute(name)?.i;
    return value === undefined || value === null ? otherwise : Number(value);
  }

  /** Undefined if the attribute is absent. */
  ints(name: string): readonly number[] | undefined {
    return this.#attribute(name)?.ints?.map(Number);
  }

  float(name: string, otherwise: number): number {
    return this.#attribute(name)?.f ?? otherwise;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#attribute(name)?.floats ?? undefined;
  }

  text(name: string, otherwise: string): string {
    const bytes = this.#attribute(name)?.s;
    return bytes ? Buffer.from(bytes).toString('utf8') : otherwise;
  }

  has(name: string): boolean {
    return this.node.attributes.some((attribute) => attribute.name === name);
  }

  /** The element type an attribute names by its number; undefined if the attribute is absent. */
  elementType(name: string): DType | undefined {
    if (!this.has(name)) return undefined;
    const number = this.int(name, 0);
    return dtypeOf(number) ?? this.refuse(`it makes ${typeName(number)}, which is not supported`);
  }

  tensor(name: string): StoredTensor | undefined {
    const tensor = this.#read(name, () => tensorAttribute(this.node, name));
    if (tensor !== undefined && 'reason' in tensor) return this.refuse(`its attribute '${name}' ${tensor.reason}`);
    return tensor;
  }

  #attribute(name: string): onnx.IAttributeProto | undefined {
    return this.#read(name, () => attributeOf(this.node, name));
  }

  /** What onnx-proto makes of an attribute; whatever it throws means that the bytes are not one. */
  #read<T>(name: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      return this.refuse(
        `its attribute '${name}' can't be read (${error instanceof Error ? error.message : 'unknown error'})`,
        'Export the model again.',
      );
    }
  }

  /** `axis` counted from the front; refuses one that isn't in 0 .. rank-1 (or -rank .. -1). */
  axis(axis: number, rank: number): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank) this.refuse(`its axis ${axis} is not one of the ${rank} of its input`);
    return axis < 0 ? axis + rank : axis;
  }

  /** Axes counted from the front, ascending; refuses doubles. */
  axes(axes: readonly number[], rank: number): number[] {
    const found = new Set(axes.map((axis) => this.axis(axis, rank)));
    if (found.size !== axes.length) this.refuse(`its axes [${axes.join(', ')}] name one axis twice`);
    return [...found].sort((a, b) => a - b);
  }
}
