// simulate: Program + Hardware -> Trace, and nothing else. A discrete-event machine (docs/machine.md):
// blocks run one after another; within one, every chunk of every meta-operator takes its turn on the
// resources it needs, in an order that only the program decides. Knows nothing of plans and costs.

import { failOn, internal } from '../base/problem.ts';
import type { Cycles } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { blocksOf } from '../program/blocks.ts';
import { indexProgram, type ProgramIndex } from '../program/geometry.ts';
import type { MetaOp, Program } from '../program/program.ts';
import { hasLoop, Signatures } from '../program/signature.ts';
import { type TaskGraph, taskGraph } from '../program/tasks.ts';
import { verifyProgram } from '../program/verify.ts';
import { type BlockRun, runBlock } from './engine.ts';
import { arraysTouched, portsOf, type Stream, streamsOf } from './jobs.ts';
import { COMPONENTS, type Component, type SegmentTrace, type Span, type StatementTrace, type Trace } from './trace.ts';

export interface SimulateOptions {
  /** Every job as it ends; a long run has millions. */
  readonly onSpan?: (span: Span) => void;
  /** The caller has run `verifyProgram` on this program and chip. */
  readonly verified?: boolean;
}

/** What happened when the program ran. Throws the verifier's problems if the program is not right. */
export function simulate(program: Program, hardware: Hardware, options: SimulateOptions = {}): Trace {
  if (options.verified !== true) failOn(verifyProgram(program, hardware));
  const index = indexProgram(program);
  const memoryMode = new Set<number>();
  const ledger = emptyLedger();
  const bytes = { externalRead: 0, externalWrite: 0, buffer: 0, memoryArrays: 0, weightsFetched: 0 };
  const busy = new Map<string, Cycles>();
  const segments: SegmentTrace[] = [];
  let now: Cycles = 0;
  let memoryCycles = 0;
  let events = 0;

  /** Blocks that have run, by what they do: a block takes the same time whenever it begins. */
  const signatures = hasLoop(program) ? new Signatures(index) : undefined;
  const runs = new Map<string, { graph: TaskGraph; streams: readonly (readonly Stream[])[]; block: BlockRun; begin: Cycles }>();
  const prepare = (statements: readonly MetaOp[], offset: number) => {
    const graph = taskGraph(statements, index);
    const ports = portsOf(statements, index);
    return {
      graph,
      streams: statements.map((op, s) => streamsOf(op, graph.activities[s] ?? lost(s), `${s + offset}`, ports, index, hardware)),
    };
  };

  const run = (segment: number, statements: readonly MetaOp[], offset: number): readonly StatementTrace[] => {
    if (statements.length === 0) return [];
    const { onSpan } = options;
    const signature = onSpan === undefined ? signatures?.of(statements) : undefined;
    const known = signature === undefined ? undefined : runs.get(signature);
    const { graph, streams } = known ?? prepare(statements, offset);
    const onJob =
      onSpan &&
      ((statement: number, resource: string, start: Cycles, end: Cycles) => {
        onSpan({ segment, statement: statement + offset, label: labelOf(statements[statement] ?? lost(statement)), resource, start, end });
      });
    const block = known === undefined ? runBlock(graph, streams, now, onJob) : later(known.block, now - known.begin);
    if (signature !== undefined && known === undefined) runs.set(signature, { graph, streams, block, begin: now });
    now = block.end;
    events += block.events;
    for (const stream of streams.flat()) {
      ledger[stream.component] += stream.energy;
      if (stream.traffic !== undefined) bytes[stream.traffic.kind] += stream.traffic.bytes;
    }
    for (const op of statements) if (op.kind === 'CM.switch') setMode(memoryMode, op.arrays, op.to === 'TOM');
    return statements.map((op, s) =>
      summarise(op, streams[s] ?? [], block.busy[s] ?? [], busy, index, {
        start: block.starts[s] ?? now,
        end: block.ends[s] ?? now,
        jobs: graph.activities[s]?.chunks ?? 0,
      }),
    );
  };

  for (const { id, boundary, parallel } of blocksOf(program)) {
    const boundaryStart = now;
    const boundaryTrace = run(id, boundary, 0);
    const start = now;
    const statements = run(id, parallel, boundary.length);
    segments.push({
      id,
      boundaryStart,
      start,
      end: now,
      boundary: boundaryTrace,
      statements,
      memoryMode: [...memoryMode].sort((a, b) => a - b),
    });
    memoryCycles += memoryMode.size * (now - boundaryStart);
  }
  ledger.leakage += now * hardware.energy.leakagePerCycle;
  ledger.refresh += now * hardware.energy.refreshPerCycle;
  return {
    noun: 'trace',
    schemaVersion: 1,
    model: program.model,
    hardware: { name: hardware.name, hash: hardware.hash, arrays: hardware.arrays },
    makespanCycles: now,
    clockHz: hardware.clockHz,
    segments,
    resources: [...busy]
      .map(([id, busyCycles]) => ({ id, busyCycles }))
      .sort((a, b) => b.busyCycles - a.busyCycles || (a.id < b.id ? -1 : 1)),
    bytes,
    energyPicojoules: ledger,
    memoryModeShare: now === 0 ? 0 : memoryCycles / (now * hardware.arrays),
    events,
  };
}

/** The same run begun `by` cycles later. */
function later(block: BlockRun, by: Cycles): BlockRun {
  return { ...block, end: block.end + by, starts: block.starts.map((start) => start + by), ends: block.ends.map((end) => end + by) };
}

function summarise(
  op: MetaOp,
  streams: readonly Stream[],
  cycles: readonly Cycles[],
  total: Map<string, Cycles>,
  index: ProgramIndex,
  when: { readonly start: Cycles; readonly end: Cycles; readonly jobs: number },
): StatementTrace {
  const perResource = new Map<string, Cycles>();
  for (const [i, stream] of streams.entries()) {
    const name = publicName(stream.resource);
    perResource.set(name, (perResource.get(name) ?? 0) + (cycles[i] ?? 0));
  }
  for (const [name, value] of perResource) total.set(name, (total.get(name) ?? 0) + value);
  return {
    kind: op.kind,
    label: labelOf(op),
    start: Math.min(when.start, when.end),
    end: when.end,
    jobs: when.jobs,
    busy: [...perResource].map(([resource, value]) => ({ resource, cycles: value })),
    arrays: arraysTouched(op, index),
  };
}

/** A statement's own compute or write arrays go under one name in summaries. */
function publicName(resource: string): string {
  if (resource.startsWith('compute ')) return 'arrays computing';
  if (resource.startsWith('write ')) return 'arrays being written';
  if (resource.startsWith('arrays ')) return 'memory-mode arrays';
  return resource;
}

function labelOf(op: MetaOp): string {
  switch (op.kind) {
    case 'CM.switch':
      return op.to;
    case 'MEM.move':
      return `${op.from.join(', ')} to ${op.to.join(', ')}`;
    default:
      return op.operator;
  }
}

function setMode(memoryMode: Set<number>, arrays: readonly number[], memory: boolean): void {
  for (const array of arrays) {
    if (memory) memoryMode.add(array);
    else memoryMode.delete(array);
  }
}

function emptyLedger(): Record<Component, number> {
  return Object.fromEntries(COMPONENTS.map((component) => [component, 0])) as Record<Component, number>;
}

function lost(statement: number): never {
  throw internal(`statement ${statement} has no activity`);
}
