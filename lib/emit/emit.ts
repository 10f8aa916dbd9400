// emit: Plan -> Program. For each segment the boundary (switches, weights) and one parallel block; data
// goes where `memory` (across segments) and `streams` (within one) put it. The plan decides modes and
// arrays; addresses and chunks are decided here, the same way for every optimizer.

import { finish, type Steps } from '../base/pauses.ts';
import { failOn, internal } from '../base/problem.ts';
import type { Range } from '../base/shapes.ts';
import { ceilDiv } from '../base/units.ts';
import { allFeatures, manifestOf } from '../dataflow/manifest.ts';
import { type Read, tensorBytes } from '../dataflow/steps.ts';
import { type Room, shareStreams } from '../dataflow/streams.ts';
import { demandsOn, windowPositions } from '../dataflow/windows.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { foldGraph } from '../ir/fold.ts';
import type { Graph } from '../ir/graph.ts';
import { timesOf } from '../optimizer/folding.ts';
import type { OperatorPlan, Plan, SegmentPlan } from '../optimizer/plan.ts';
import { residentPieces } from '../optimizer/residents.ts';
import { meet, union, without } from '../program/geometry.ts';
import type { ManifestTensor, MetaOp, Place, Program, Region, RegionId, Statement, TensorId } from '../program/program.ts';
import { inputMemory } from './input-memory.ts';
import { KeptMemory } from './memory.ts';
import { OperandPlaces } from './operand-places.ts';
import { type Life, type Lives, livesOf, type Step, stepsOf } from './steps.ts';
import { movePace, movePaceOf, type Stream, together } from './streams.ts';
import { unfold } from './unfold.ts';
import { WindowPlaces, type WindowRoom } from './window-places.ts';

export interface EmitOptions {
  /** The network has run on the chip before, by the same plan: weights that nothing has overwritten are not written again. */
  readonly again?: boolean;
}

/** The program of a plan. Throws `plan` for a relaxed plan, whose arrays are not whole copies. */
export function emit(graph: Graph, plan: Plan, hardware: Hardware, options: EmitOptions = {}): Program {
  return finish(emitSteps(graph, plan, hardware, options));
}

/** `emit`, a step a segment. */
export function* emitSteps(graph: Graph, plan: Plan, hardware: Hardware, { again = false }: EmitOptions = {}): Steps<Program> {
  failOn(
    plan.segments
      .flatMap(({ operators }) => operators)
      .filter(({ copies }) => !Number.isInteger(copies))
      .map(({ id, copies }) => ({
        kind: 'plan',
        where: `operator ${id}`,
        reason: `${copies} copies of its weights cannot be written`,
        next: 'Schedule without `relaxed`.',
      })),
  );
  const { graph: folded } = foldGraph(
    graph,
    plan.repeats.map(({ block }) => block),
  );
  const manifest = manifestOf(
    folded,
    plan.segments.flatMap(({ operators }) => operators),
    plan.precision,
  );
  const steps = stepsOf(plan, manifest);
  const operands = new OperandPlaces(plan, folded, manifest);
  const lives = livesOf(steps, manifest, operands.inPlace);
  const emitter = new Emitter(plan, hardware, lives, manifest.tensors, operands);
  const stored = new Set(steps.flat().flatMap(({ product, stationary }) => (product && !stationary ? [product.parent] : [])));
  const stays = ({ parent }: OperatorPlan, { id }: SegmentPlan): boolean => stored.has(parent) && timesOf(plan, id) === 1;
  const before = again ? emitter.continueFrom(residentPieces(plan.segments, stays)) : undefined;
  const segments = [];
  for (const [i, segment] of plan.segments.entries()) {
    segments.push({ regionsBefore: emitter.regions.length, ...emitter.segment(segment, steps[i] ?? []) });
    yield (i + 1) / plan.segments.length;
  }
  const whole =
    plan.repeats.length === 0
      ? { manifest, regions: emitter.regions, body: segments.flatMap(({ statements }) => statements) }
      : unfold(graph, plan, manifest, emitter.regions, segments);
  return {
    noun: 'program',
    schemaVersion: 1,
    model: plan.model,
    hardware: plan.hardware,
    precision: plan.precision,
    tensors: whole.manifest.tensors,
    operators: whole.manifest.operators,
    regions: whole.regions,
    ...(before && { before }),
    body: whole.body,
  };
}

/** The segment's part of what each tensor's regions are written by and read from. */
interface Wiring {
  readonly reads: Map<Step, RegionId[]>;
  readonly writes: Map<TensorId, Region[]>;
  readonly moves: MetaOp[];
}

class Emitter {
  readonly regions: Region[] = [];
  private readonly homes = new Map<TensorId, readonly Region[]>();
  private readonly memory: KeptMemory;
  private readonly operands: OperandPlaces;
  private readonly plan: Plan;
  /** Pieces by id, and those whose weights were written ahead of their segment. */
  private readonly products: ReadonlyMap<string, OperatorPlan>;
  private readonly written = new Set<string>();
  private memoryMode: ReadonlySet<number> = new Set();
  private readonly hardware: Hardware;
  private readonly lives: Lives;

  constructor(plan: Plan, hardware: Hardware, lives: Lives, tensors: readonly ManifestTensor[], operands: OperandPlaces) {
    this.hardware = hardware;
    this.lives = lives;
    this.operands = operands;
    this.memory = new KeptMemory(plan, hardware);
    this.plan = plan;
    this.products = new Map(plan.segments.flatMap(({ operators }) => operators).map((product) => [product.id, product]));
    for (const tensor of tensors) if (this.life(tensor.id).first < 0) this.settle(tensor);
  }

  /** How the run before left the chip: in the modes of the last segment, with these pieces in their arrays. */
  continueFrom(pieces: ReadonlySet<string>): NonNullable<Program['before']> {
    const before: NonNullable<Program['before']>[number][] = [];
    const modes = this.plan.segments.at(-1)?.memoryMode ?? [];
    if (modes.length > 0) before.push({ kind: 'CM.switch', to: 'TOM', arrays: modes });
    this.memoryMode = new Set(modes);
    for (const id of pieces) {
      before.push({ kind: 'CIM.write', ...pieceFields(this.products.get(id) ?? lost(id)), from: [] });
      this.written.add(id);
    }
    return before;
  }

  /** `before`: what has to be done ahead of a loop that begins with the segment. */
  segment(segment: SegmentPlan, steps: readonly Step[]): { before: readonly Statement[]; statements: readonly Statement[] } {
    // Every turn of a loop begins with the modes the one before ended with; the first is brought there.
    const repeat = this.plan.repeats.find(({ first }) => first === segment.id);
    const ending = repeat && this.plan.segments[repeat.first + repeat.count - 1];
    const before = ending === undefined ? [] : this.switches(ending.memoryMode);
    const boundary: MetaOp[] = [...this.switches(segment.memoryMode), ...steps.flatMap((step) => this.weights(step))];
    const staged = segment.staged.filter(({ operator }) => !this.written.has(operator));
    const ahead = staged.map(
      ({ operator }): MetaOp => ({ kind: 'CIM.write', ...pieceFields(this.products.get(operator) ?? lost(operator)), from: [] }),
    );
    for (const { operator } of staged) this.written.add(operator);
    for (const { output } of steps) {
      const { last, leaves } = this.life(output.id);
      if ((last > segment.id || leaves) && !this.homes.has(output.id)) this.settle(output);
    }
    const wiring = this.wire(segment.id, steps);
    const work = steps.map((step) => this.statement(step, wiring));
    return { before, statements: [...boundary, { kind: 'parallel', body: [...wiring.moves, ...work, ...ahead] }] };
  }

  private switches(next: readonly number[]): readonly MetaOp[] {
    const target = new Set(next);
    const toMemory = next.filter((array) => !this.memoryMode.has(array));
    const toCompute = [...this.memoryMode].filter((array) => !target.has(array));
    this.memoryMode = target;
    return [
      ...(toCompute.length > 0 ? [{ kind: 'CM.switch', to: 'TOC', arrays: toCompute } as const] : []),
      ...(toMemory.length > 0 ? [{ kind: 'CM.switch', to: 'TOM', arrays: toMemory } as const] : []),
    ];
  }

  private weights({ product, stationary }: Step): readonly MetaOp[] {
    if (product === undefined || this.written.has(product.id) || this.operands.inPlace.has(product.id)) return [];
    const from = stationary === undefined ? [] : (this.homes.get(stationary.id) ?? []).map(({ id }) => id);
    return [{ kind: 'CIM.write', ...pieceFields(product), from }];
  }

  private statement(step: Step, wiring: Wiring): MetaOp {
    const from = wiring.reads.get(step) ?? [];
    const to = (wiring.writes.get(step.output.id) ?? [])
      .filter(({ features }) => nonEmpty(meet(features, step.outputs)))
      .map(({ id }) => id);
    if (step.product === undefined) return { kind: 'VEC.run', operator: step.operator.id, chunks: step.chunks, from, to };
    return { kind: 'CIM.mvm', ...pieceFields(step.product), chunks: step.chunks, from, to };
  }

  /** Decides where every tensor of the segment flows. */
  private wire(segment: number, steps: readonly Step[]): Wiring {
    const wiring: Wiring = { reads: new Map(), writes: new Map(), moves: [] };
    for (const { output } of steps) if (!wiring.writes.has(output.id)) wiring.writes.set(output.id, [...(this.homes.get(output.id) ?? [])]);
    for (const { output } of steps) {
      const tiles = this.operands.of(output.id, segment).map((place) => this.declare(output, allFeatures(output), output.positions, place));
      wiring.writes.set(output.id, [...(wiring.writes.get(output.id) ?? []), ...tiles]);
    }
    const found: Stream[] = [];
    const memory = inputMemory(steps);
    for (const step of steps) {
      const onChip = step.reads.flatMap(({ tensor }) => (this.homes.get(tensor.id) ?? []).filter(({ place }) => place.kind !== 'external'));
      wiring.reads.set(step, unique(onChip.map(({ id }) => id)));
      found.push(...step.reads.flatMap((read) => this.streamsOf(step, read, steps, memory.get(read) ?? [])));
    }
    const streams = together(found);
    const windows = this.memory.windowRoom(segment);
    const { shares } = shareStreams(streams, this.room(windows, steps), this.hardware);
    const places = new WindowPlaces(windows);
    for (const [i, stream] of streams.entries()) this.place(stream, shares[i] ?? { arrays: 0, buffer: 0 }, places, wiring);
    return wiring;
  }

  /** The parts of a read that are not on chip already: from outside, or made in this segment. */
  private streamsOf(step: Step, read: Read, steps: readonly Step[], memory: readonly number[]): readonly Stream[] {
    const { tensor } = read;
    const homes = this.homes.get(tensor.id) ?? [];
    const external = homes.find(({ place }) => place.kind === 'external');
    const missing = homes
      .filter(({ place }) => place.kind !== 'external')
      .reduce<readonly Range[]>((parts, home) => parts.flatMap((part) => without(part, home.features)), [read.features]);
    const makers = steps.filter(({ output }) => output.id === tensor.id);
    const here = union(makers.map(({ outputs }) => outputs));
    const local = missing.flatMap((part) => here.map((range) => meet(part, range)).filter(nonEmpty));
    const before = here.reduce<readonly Range[]>((parts, range) => parts.flatMap((part) => without(part, range)), missing);
    return [
      ...local.map((features) => this.stream(step, read, features, makers, steps, memory, undefined, this.homes.has(tensor.id))),
      ...before.map((features) => this.stream(step, read, features, [], steps, memory, external ?? lost(tensor.id), true)),
    ];
  }

  private stream(
    step: Step,
    read: Read,
    features: Range,
    makers: readonly Step[],
    steps: readonly Step[],
    memory: readonly number[],
    home: Region | undefined,
    leaves: boolean,
  ): Stream {
    const { tensor } = read;
    const demand = demandsOn(tensor.id, steps).get(step) ?? [];
    const producers = makers.length > 0 ? makers : [movePace(tensor, read)];
    const window = Math.max(...producers.map((producer) => windowPositions(producer, step, read.window, demand)));
    const part = (features.to - features.from) / (read.features.to - read.features.from);
    return {
      readers: [step],
      tensor,
      range: features,
      features: features.to - features.from,
      feedBytes: read.bytes * part,
      dataBytes: tensorBytes(tensor, features),
      window,
      windowBytes: Math.ceil((window * (features.to - features.from) * tensor.bits) / 8),
      group: memory[0] ?? -1,
      memory,
      arrays: memory.length,
      outside: home !== undefined,
      leaves,
      ...(home && { home }),
    };
  }

  private room({ bufferFrom, bufferTo, arrayFrom, arrayTo }: WindowRoom, steps: readonly Step[]): Room {
    let bufferTraffic = 0;
    let externalTraffic = 0;
    for (const step of steps) {
      for (const home of this.homes.get(step.output.id) ?? []) {
        const bytes = tensorBytes(step.output, meet(home.features, step.outputs));
        if (home.place.kind === 'buffer') bufferTraffic += bytes;
        if (home.place.kind === 'external') externalTraffic += bytes;
      }
      for (const read of step.reads) {
        for (const home of this.homes.get(read.tensor.id) ?? []) {
          const part = meet(home.features, read.features);
          if (home.place.kind === 'buffer') bufferTraffic += (read.bytes * (part.to - part.from)) / (read.features.to - read.features.from);
        }
      }
    }
    const computeCycles = Math.max(
      1,
      ...steps.map(({ product }) => (product === undefined ? 0 : ceilDiv(product.m, product.copies) * this.hardware.mvmCycles)),
    );
    return { bufferBytes: bufferTo - bufferFrom, bytesPerArray: arrayTo - arrayFrom, bufferTraffic, externalTraffic, computeCycles };
  }

  /** Regions for a stream's shares, and the statements that fill them. */
  private place(stream: Stream, shares: { readonly arrays: number; readonly buffer: number }, places: WindowPlaces, wiring: Wiring): void {
    const { tensor, range: features, window, home, readers } = stream;
    const readFrom = (regions: readonly RegionId[]): void => {
      for (const reader of readers) wiring.reads.set(reader, unique([...(wiring.reads.get(reader) ?? []), ...regions]));
    };
    const inside: Region[] = [];
    let from = features.from;
    const bytes = (count: number): number => Math.ceil((window * count * tensor.bits) / 8);
    if (shares.arrays > 0) {
      const place = places.inArrays(stream.memory, ceilDiv(bytes(shares.arrays), stream.memory.length));
      if (place !== undefined) inside.push(this.declare(tensor, { from, to: from + shares.arrays }, window, place));
      from += place === undefined ? 0 : shares.arrays;
    }
    if (shares.buffer > 0) {
      const place = places.inBuffer(bytes(shares.buffer));
      if (place !== undefined) inside.push(this.declare(tensor, { from, to: from + shares.buffer }, window, place));
      from += place === undefined ? 0 : shares.buffer;
    }
    const rest = { from, to: features.to };
    const ids = inside.map(({ id }) => id);
    if (home !== undefined) {
      if (inside.length > 0) wiring.moves.push({ kind: 'MEM.move', chunks: movePaceOf(stream).chunks, from: [home.id], to: ids });
      readFrom([...ids, ...(nonEmpty(rest) ? [home.id] : [])]);
      return;
    }
    const written = wiring.writes.get(tensor.id) ?? [];
    const external = written.find(
      (region) =>
        region.place.kind === 'external' &&
        region.window === tensor.positions &&
        region.features.from <= rest.from &&
        rest.to <= region.features.to,
    );
    const outside = nonEmpty(rest) ? [external ?? this.declare(tensor, rest, tensor.positions, { kind: 'external' })] : [];
    wiring.writes.set(tensor.id, unique([...written, ...inside, ...outside]));
    readFrom([...ids, ...outside.map(({ id }) => id)]);
  }

  private declare(tensor: ManifestTensor, features: Range, window: number, place: Place): Region {
    const region = { id: `r${this.regions.length}`, tensor: tensor.id, features, window, place };
    this.regions.push(region);
    return region;
  }

  /** Gives a tensor that outlives its segment a place for its whole life. */
  private settle(tensor: ManifestTensor): void {
    const life = this.life(tensor.id);
    let next = this.regions.length;
    const home = this.memory.homeOf(tensor, this.crossesLoop(life) ? { ...life, leaves: true } : life, () => `r${next++}`);
    this.homes.set(tensor.id, home);
    this.regions.push(...home);
  }

  /** Whether a tensor is made and used on different sides of a loop's border: then no turn may put it elsewhere. */
  private crossesLoop({ first, last }: Life): boolean {
    return this.plan.repeats.some((repeat) => {
      const inside = (segment: number): boolean => repeat.first <= segment && segment < repeat.first + repeat.count;
      return inside(first) !== inside(last) || (first < repeat.first && last >= repeat.first + repeat.count);
    });
  }

  private life(tensor: TensorId): Life {
    return this.lives.get(tensor) ?? lost(tensor);
  }
}

function pieceFields({ parent, piece, copies, compute }: OperatorPlan) {
  return { operator: parent, outputs: piece.outputs, inner: piece.inner, copies, arrays: compute };
}

function nonEmpty({ from, to }: Range): boolean {
  return to > from;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function lost(id: string): never {
  throw internal(`no place for tensor '${id}'`);
}
