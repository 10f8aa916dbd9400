// runProgram: Program + chip + quantised network + inputs -> the numbers the chip computes. Every instruction is executed,
// chunk by chunk in the order in which the timed machine serves its resources, on storage in which data really lies; so a
// wrong program gives wrong numbers. Source: Zhao et al. 2025, sec. 4.4, for what the meta-operators mean.

import { finish, finishWithPauses, Pauses, type Steps } from '../../base/pauses.ts';
import { assertNever, fail, failOn } from '../../base/problem.ts';
import { cellSignal } from '../../base/progress.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { TensorId } from '../../ir/graph.ts';
import { blocksOf } from '../../program/blocks.ts';
import { type Activity, entry, progressAt } from '../../program/geometry.ts';
import type { MetaOp, MetaOpOf, Program, Region } from '../../program/program.ts';
import { taskGraph } from '../../program/tasks.ts';
import { verifySteps } from '../../program/verify.ts';
import { type NumberFormat, toInteger } from '../../workload/number-format.ts';
import type { QuantisedNetwork } from '../../workload/quantise.ts';
import type { Tile } from './cim-array.ts';
import { Context, type RunOptions } from './context.ts';
import { productStatement, type RunChunk, writeStatement } from './products.ts';
import { store } from './store.ts';
import { vectorStatement } from './vectors.ts';
import { ImageReader, type WeightImage } from './weight-image.ts';

export interface RunProgramOptions extends RunOptions {
  /** The caller has run `verifyProgram`, or wants to see what a wrong program computes. */
  readonly verified?: boolean;
  /** Where stored weights come from instead of the network. */
  readonly image?: WeightImage;
}

/** A tensor that a program made: integers in ONNX's row-major order, and what they mean. */
export interface IntegerTensor {
  readonly integers: Int32Array;
  readonly format: NumberFormat;
}

/**
 * The network's outputs, by name. `inputs`: real values of its inputs, row-major. Throws the verifier's problems, and `run`
 * for what cannot be computed.
 */
export function runProgram(
  program: Program,
  hardware: Hardware,
  network: QuantisedNetwork,
  inputs: Readonly<Record<TensorId, ArrayLike<number>>>,
  options: RunProgramOptions = {},
): Readonly<Record<TensorId, IntegerTensor>> {
  return finish(runProgramSteps(program, hardware, network, inputs, options));
}

/**
 * `runProgram` with pauses: other work goes on meanwhile, and the signal (in a notebook that of the running cell, unless given) ends it
 * between two chunks. Rejects as `runProgram` throws, and with the signal's reason.
 */
export function runProgramAsync(
  program: Program,
  hardware: Hardware,
  network: QuantisedNetwork,
  inputs: Readonly<Record<TensorId, ArrayLike<number>>>,
  { signal, ...options }: RunProgramOptions & { readonly signal?: AbortSignal } = {},
): Promise<Readonly<Record<TensorId, IntegerTensor>>> {
  return finishWithPauses(runProgramSteps(program, hardware, network, inputs, options), new Pauses(signal ?? cellSignal()));
}

/** `runProgram`, a step a chunk. */
export function* runProgramSteps(
  program: Program,
  hardware: Hardware,
  network: QuantisedNetwork,
  inputs: Readonly<Record<TensorId, ArrayLike<number>>>,
  options: RunProgramOptions = {},
): Steps<Readonly<Record<TensorId, IntegerTensor>>> {
  if (!options.verified) failOn(yield* verifySteps(program, hardware));
  const context = new Context(program, hardware, network, options);
  checkTensors(program, context);
  giveInputs(program, context, inputs);
  const image = options.image && new ImageReader(options.image, program);
  for (const [i, op] of (program.before ?? []).entries())
    yield* runGroup(
      [op],
      context,
      image && ((write, _, unsigned) => image.tiles(write, { segment: 0, at: 'before', statement: i }, unsigned)),
    );
  for (const { id, boundary, parallel } of blocksOf(program)) {
    yield* runGroup(
      boundary,
      context,
      image && ((op, statement, unsigned) => image.tiles(op, { segment: id, at: 'boundary', statement }, unsigned)),
    );
    yield* runGroup(
      parallel,
      context,
      image && ((op, statement, unsigned) => image.tiles(op, { segment: id, at: 'segment', statement }, unsigned)),
    );
  }
  return takeOutputs(program, context);
}

/** The tiles that the n-th statement of a group writes, from an image. */
type Imaged = (op: MetaOpOf<'CIM.write'>, statement: number, unsigned: boolean) => readonly Tile[];

/** Statements that run together: all their chunks, in an order that keeps every dependence. */
function* runGroup(statements: readonly MetaOp[], context: Context, imaged?: Imaged): Steps<void> {
  const { activities, firstTask, order, cyclic } = taskGraph(statements, context.index);
  if (cyclic.length > 0) {
    const where = cyclic.slice(0, 4).map((s) => `${statements[s]?.kind} ${s + 1}`);
    const next = 'Enlarge the windows between them or break the cycle.';
    fail({ kind: 'program', rule: 'cyclic-wait', where: where.join(', '), reason: 'wait for each other for ever', next });
  }
  const statementOf = new Int32Array(firstTask.at(-1) ?? 0);
  for (let s = 0; s < statements.length; s++) statementOf.fill(s, firstTask[s]!, firstTask[s + 1]!);
  const running = new Map<number, RunChunk>();
  for (const task of order) {
    const s = statementOf[task]!;
    const chunk = task - firstTask[s]!;
    let run = running.get(s);
    if (run === undefined) {
      run = prepare(statements[s]!, activities[s]!, context, imaged && ((op, unsigned) => imaged(op, s, unsigned)));
      running.set(s, run);
    }
    run(chunk);
    yield;
    // Prepared statements hold whole tensors.
    if (chunk === activities[s]!.chunks - 1) running.delete(s);
  }
}

function prepare(
  op: MetaOp,
  activity: Activity,
  context: Context,
  imaged?: (op: MetaOpOf<'CIM.write'>, unsigned: boolean) => readonly Tile[],
): RunChunk {
  switch (op.kind) {
    case 'CM.switch':
      return () => {
        for (const array of op.arrays) context.storage.arrays[array]!.isMemory = op.to === 'TOM';
      };
    case 'CIM.write':
      return writeStatement(op, activity, context, imaged && ((unsigned) => imaged(op, unsigned)));
    case 'CIM.mvm':
      return productStatement(op, activity, context);
    case 'VEC.run':
      return vectorStatement(op, activity, context);
    case 'MEM.move':
      return moveStatement(op, activity, context);
    default:
      return assertNever(op);
  }
}

function moveStatement(op: MetaOpOf<'MEM.move'>, activity: Activity, context: Context): RunChunk {
  const scratch = context.scratch(activity);
  const tensor = entry(context.index.regions, op.to[0] ?? '').tensor;
  return (chunk) => {
    context.load(activity, chunk, scratch);
    store(
      activity.writes,
      progressAt(activity, chunk),
      progressAt(activity, chunk + 1),
      scratch.get(tensor) ?? new Int32Array(0),
      0,
      context,
    );
  };
}

/** Every tensor's integers fit into the bits the program gives them. */
function checkTensors({ tensors, operators, precision }: Program, { network, tensors: known }: Context): void {
  const { weightBits, activationBits } = network.precision;
  if (precision.weightBits !== weightBits || precision.activationBits !== activationBits) {
    const reason = `it is for ${precision.weightBits}-bit weights and ${precision.activationBits}-bit activations, the network has ${weightBits} and ${activationBits}`;
    fail({ kind: 'run', where: 'program', reason, next: "Quantise the network with the program's precision." });
  }
  const partials = new Set(operators.flatMap((operator) => operator.partials.map(({ tensor }) => tensor)));
  for (const { id, bits } of tensors) {
    if (partials.has(id)) continue;
    const format = network.formats[id];
    if (format === undefined || !known.has(id)) {
      fail({ kind: 'run', where: `tensor '${id}'`, reason: 'is not in the model', next: 'Give the model the program was compiled from.' });
    } else if (format.highest - format.lowest >= 2 ** bits) {
      const reason = `holds integers from ${format.lowest} to ${format.highest}, and the program gives it ${bits} bits`;
      fail({ kind: 'run', where: `tensor '${id}'`, reason, next: 'Compile the model with as many activation bits as it needs.' });
    }
  }
}

/** Puts the network's inputs into every external region that holds all of one's positions. */
function giveInputs(program: Program, context: Context, inputs: Readonly<Record<TensorId, ArrayLike<number>>>): void {
  for (const region of program.regions) {
    const tensor = entry(context.index.tensors, region.tensor);
    const given = tensor.role === 'input' || tensor.role === 'state';
    if (!given || region.place.kind !== 'external' || region.window < tensor.positions) continue;
    const { elementOf } = context.place(tensor.id);
    const format = context.format(tensor.id);
    const values = integersOf(tensor.id, inputs, elementOf.length, format);
    const numbers = new Int32Array(values.length);
    for (let index = 0; index < values.length; index++) numbers[elementOf[index]!] = values[index]!;
    context.storage.write(region, tensor, region.features, 0, tensor.positions, numbers);
  }
}

function integersOf(id: TensorId, inputs: Readonly<Record<TensorId, ArrayLike<number>>>, size: number, format: NumberFormat): Int32Array {
  const given = inputs[id];
  if (given === undefined || given.length !== size) {
    const reason = given === undefined ? 'is not given' : `has ${given.length} elements`;
    fail({ kind: 'run', where: `input '${id}'`, reason, next: `Give ${size} numbers.` });
  }
  return Int32Array.from(given ?? [], (value) => toInteger(value, format));
}

/** Outputs as they lie in external memory; a view's elements are those of its source, in the same order. Constants are not computed. */
function takeOutputs(program: Program, context: Context): Record<TensorId, IntegerTensor> {
  const outputs: Record<TensorId, IntegerTensor> = {};
  for (const id of context.network.graph.outputs) {
    const source = context.source(id);
    const manifest = context.index.tensors.get(source);
    if (manifest === undefined) continue;
    const { indexOf } = context.place(source);
    const format = context.format(source);
    const numbers = new Int32Array(indexOf.length);
    const isHome = ({ tensor, place, window }: Region): boolean =>
      tensor === source && place.kind === 'external' && window === manifest.positions;
    for (const region of program.regions.filter(isHome)) {
      context.storage.read(region, manifest, region.features, 0, manifest.positions, format.lowest < 0, numbers);
    }
    const integers = new Int32Array(numbers.length);
    for (let element = 0; element < numbers.length; element++) integers[indexOf[element]!] = numbers[element]!;
    outputs[id] = { integers, format };
  }
  return outputs;
}
