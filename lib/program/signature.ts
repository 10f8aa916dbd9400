// What a block does, apart from names: two blocks with one signature take the same time and wait in the same way, whichever
// turn of a loop or program for the chip they belong to. Meta-operators -> text; regions and tensors are numbered as they come.

import { entry, type ProgramIndex } from './geometry.ts';
import { printArrays } from './print.ts';
import type { ManifestOperator, MetaOp, Place, Program, RegionId, TensorId } from './program.ts';

/** Makes signatures of one program's blocks. */
export class Signatures {
  private readonly index: ProgramIndex;
  /** Places and lists of arrays, which are the same objects in every turn of a loop. */
  private readonly texts = new Map<object, string>();
  private readonly operators = new Map<string, string>();

  constructor(index: ProgramIndex) {
    this.index = index;
  }

  of(ops: readonly MetaOp[]): string {
    const regions = new Map<RegionId, number>();
    const tensors = new Map<TensorId, number>();
    const tensor = (id: TensorId): string => {
      const known = tensors.get(id);
      if (known !== undefined) return `t${known}`;
      tensors.set(id, tensors.size);
      const { positions, features, bits } = entry(this.index.tensors, id);
      return `t${tensors.size - 1}(${positions},${features},${bits})`;
    };
    const region = (id: RegionId): string => {
      const known = regions.get(id);
      if (known !== undefined) return `r${known}`;
      regions.set(id, regions.size);
      const { features, window, place, tensor: of } = entry(this.index.regions, id);
      return `r${regions.size - 1}(${tensor(of)},${features.from}:${features.to},${window},${this.placeText(place)})`;
    };
    const operator = (id: string): string => {
      const declared = entry(this.index.operators, id);
      return `${this.shapeOf(declared)}${[...declared.inputs, ...declared.partials].map((use) => tensor(use.tensor)).join()}>${tensor(declared.output)}`;
    };
    return ops.map((op) => this.textOf(op, operator, region)).join(';');
  }

  private textOf(op: MetaOp, operator: (id: string) => string, region: (id: RegionId) => string): string {
    switch (op.kind) {
      case 'CM.switch':
        return `${op.to}${this.arraysText(op.arrays)}`;
      case 'MEM.move':
        return `move ${op.chunks} ${op.from.map(region).join()}>${op.to.map(region).join()}`;
      case 'VEC.run':
        return `run ${op.chunks} ${operator(op.operator)} ${op.from.map(region).join()}>${op.to.map(region).join()}`;
      case 'CIM.write':
      case 'CIM.mvm': {
        const { outputs, inner, copies, arrays } = op;
        const to = op.kind === 'CIM.mvm' ? `${op.chunks}>${op.to.map(region).join()}` : '';
        const piece = `${outputs.from}:${outputs.to},${inner.from}:${inner.to},${copies},${this.arraysText(arrays)}`;
        return `${op.kind} ${operator(op.operator)} ${piece} ${op.from.map(region).join()}${to}`;
      }
    }
  }

  /** An operator's shape without its tensors. */
  private shapeOf(operator: ManifestOperator): string {
    const known = this.operators.get(operator.id);
    if (known !== undefined) return known;
    const text = workOf(operator);
    this.operators.set(operator.id, text);
    return text;
  }

  private placeText(place: Place): string {
    const known = this.texts.get(place);
    if (known !== undefined) return known;
    const text =
      place.kind === 'external' ? 'x' : place.kind === 'buffer' ? `b${place.offset}` : `a${place.offset}+${this.arraysText(place.arrays)}`;
    this.texts.set(place, text);
    return text;
  }

  private arraysText(arrays: readonly number[]): string {
    const known = this.texts.get(arrays) ?? printArrays(arrays);
    this.texts.set(arrays, known);
    return known;
  }
}

/** All that tells operators apart but their names and their tensors. */
export function workOf({ matrix, vector, steps, inputs, partials }: ManifestOperator): string {
  const windows = inputs.map(({ use, window }) => [use, ...Object.values(window)]);
  return JSON.stringify([matrix, vector, steps.map((step) => step.class), windows, partials.map(({ upTo }) => upTo)]);
}

/** Whether a program has a loop, so that remembering signatures pays. */
export function hasLoop({ body }: Program): boolean {
  return body.some(({ kind }) => kind === 'loop');
}
