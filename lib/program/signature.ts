// What a block does, apart from names and addresses: two blocks with one signature take the same time and wait in the same way,
// whichever turn of a loop, piece of an operator or program for the chip they belong to. Meta-operators -> text; regions and
// tensors are numbered as they come.

import type { MatrixShape, Range } from '../base/shapes.ts';
import { entry, meet, type ProgramIndex } from './geometry.ts';
import { printArrays } from './print.ts';
import type { ManifestOperator, MetaOp, MetaOpOf, Place, Program, RegionId, TensorId } from './program.ts';

/** The part of a region's features that a meta-operator can meet, as far as it tells what happens. */
type Seen = (tensor: TensorId, features: Range) => Range;

const asDeclared: Seen = (_tensor, features) => features;

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
    const region = (id: RegionId, seen: Seen): string => {
      const { features, window, place, tensor: of } = entry(this.index.regions, id);
      const known = regions.get(id);
      const { from, to } = seen(of, features);
      if (known !== undefined) return `r${known}[${from}:${to}]`;
      regions.set(id, regions.size);
      return `r${regions.size - 1}[${from}:${to}](${tensor(of)},${window},${this.placeText(place)})`;
    };
    const operator = (id: string): string => {
      const declared = entry(this.index.operators, id);
      return `${this.shapeOf(declared)}${[...declared.inputs, ...declared.partials].map((use) => tensor(use.tensor)).join()}>${tensor(declared.output)}`;
    };
    return ops.map((op) => this.textOf(op, operator, region)).join(';');
  }

  private textOf(op: MetaOp, operator: (id: string) => string, region: (id: RegionId, seen: Seen) => string): string {
    const list = (ids: readonly RegionId[], seen: Seen = asDeclared): string => ids.map((id) => region(id, seen)).join();
    switch (op.kind) {
      case 'CM.switch':
        return `${op.to}${this.arraysText(op.arrays)}`;
      case 'MEM.move':
        return `move ${op.chunks} ${list(op.from)}>${list(op.to)}`;
      case 'VEC.run':
        return `run ${op.chunks} ${operator(op.operator)} ${list(op.from)}>${list(op.to)}`;
      case 'CIM.write':
      case 'CIM.mvm': {
        const { outputs, inner, copies, arrays } = op;
        const { matrix, seen } = this.pieceOf(op);
        const rows = `${inner.to - inner.from}${inner.to === matrix?.n ? '!' : ''}`;
        const columns = seen === asDeclared ? `${outputs.from}:${outputs.to}` : outputs.to - outputs.from;
        const to = op.kind === 'CIM.mvm' ? `${op.chunks}>${list(op.to, seen)}` : '';
        return `${op.kind} ${operator(op.operator)} ${columns},${rows},${copies},${this.arraysText(arrays)} ${list(op.from, seen)}${to}`;
      }
    }
  }

  /**
   * How a piece sees the features of its regions: those of tensors as wide as the output from its own first output on, so that
   * pieces of the same shape are alike. Of a product in groups the place of the outputs matters, too: which groups they meet.
   */
  private pieceOf({ operator: id, outputs }: MetaOpOf<'CIM.write' | 'CIM.mvm'>): {
    readonly matrix?: MatrixShape | undefined;
    readonly seen: Seen;
  } {
    const { matrix, inputs, output, partials } = entry(this.index.operators, id);
    if (matrix === undefined || matrix.groups > 1) return { matrix, seen: asDeclared };
    const whole = new Set(inputs.flatMap(({ use, tensor }) => (use === 'step' && this.isWide(tensor, matrix.k) ? [] : [tensor])));
    const own = (tensor: TensorId): boolean => tensor === output || partials.some((partial) => partial.tensor === tensor);
    return {
      matrix,
      seen: (tensor, features) => {
        if (whole.has(tensor) && !own(tensor)) return features;
        const { from, to } = meet(features, outputs);
        return { from: from - outputs.from, to: to - outputs.from };
      },
    };
  }

  private isWide(tensor: TensorId, features: number): boolean {
    return entry(this.index.tensors, tensor).features === features;
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
    const text = this.newPlaceText(place);
    this.texts.set(place, text);
    return text;
  }

  private newPlaceText(place: Place): string {
    if (place.kind === 'arrays') return `a${this.arraysText(place.arrays)}`;
    if (place.kind !== 'tiles') return place.kind;
    const { by, n, k, groups, copies, arrays } = place;
    return `${by} ${n},${k},${groups},${copies}${this.arraysText(arrays)}`;
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
