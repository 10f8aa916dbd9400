// simulate: Program + Hardware -> Trace, and nothing else. A discrete-event machine (docs/machine.md):
// blocks run one after another; within one, every chunk of every meta-operator takes its turn on the
// resources it needs, in an order that only the program decides. Knows nothing of plans and costs.

import { failOn, internal } from '../base/problem.ts';
import { PASSING, progress } from '../base/progress.ts';
import type { Cycles } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Block } from '../program/blocks.ts';
import { indexProgram, type ProgramIndex } from '../program/geometry.ts';
import type { MetaOp, Program, Statement } from '../program/program.ts';
import { hasLoop, Signatures } from '../program/signature.ts';
import { partsOf, type Renaming, renaming, type Turn } from '../program/turns.ts';
import { verifyProgram } from '../program/verify.ts';
import { Account } from './account.ts';
import { type GroupRun, type KnownBlocks, knownBlocks, NOTHING, runGroup } from './group.ts';
import type { SegmentTrace, Span, StatementTrace, Trace } from './trace.ts';

export interface SimulateOptions {
  /** Every job as it ends; a long run has millions. */
  readonly onSpan?: (span: Span) => void;
  /** Told the share of the program's blocks that have run; a notebook shows a bar besides. */
  readonly onProgress?: (done: number) => void;
  /** The caller has run `verifyProgram` on this program and chip. */
  readonly verified?: boolean;
  /** false leaves the trace's segments out, for runs of which only the totals are wanted. */
  readonly segments?: boolean;
  /** Blocks that ran before on this chip, for programs that have much in common; those that run are added. */
  readonly knownBlocks?: KnownBlocks;
}

/** What happened when the program ran. Throws the verifier's problems if the program is not right. */
export function simulate(program: Program, hardware: Hardware, options: SimulateOptions = {}): Trace {
  if (options.verified !== true) failOn(verifyProgram(program, hardware));
  const index = indexProgram(program);
  const bar = progress(`Simulating ${program.model.name}`, PASSING);
  const blocksInAll = countBlocks(program.body);
  const machine = new Machine(program, index, hardware, options, (ran) => {
    const share = Math.min(1, ran / blocksInAll);
    bar.update(share);
    options.onProgress?.(share);
  });
  /** By kind of turn, the last one that was run: in the modes it began with, the others of its kind go the same way. */
  const records = new Map<string, TurnRecord>();
  try {
    for (const { blocks, turn } of partsOf(program, index)) {
      const known = turn && options.onSpan === undefined ? records.get(turn.kind) : undefined;
      if (turn !== undefined && known !== undefined && machine.isInModes(known.modes)) machine.repeat(known, turn);
      else {
        const modes = machine.modes();
        const ran = machine.run(blocks());
        if (turn !== undefined) records.set(turn.kind, { turn, modes, ran });
      }
    }
    return machine.trace();
  } finally {
    bar.end();
  }
}

/** Blocks that run, each turn of a loop counted. */
function countBlocks(statements: readonly Statement[]): number {
  let count = 0;
  for (const statement of statements) {
    if (statement.kind === 'parallel') count++;
    else if (statement.kind === 'loop') count += statement.count * countBlocks(statement.body);
  }
  return count;
}

/** A turn of a loop that was run. */
interface TurnRecord {
  readonly turn: Turn;
  /** Arrays in memory mode when it began. */
  readonly modes: readonly number[];
  readonly ran: readonly RanBlock[];
}

interface RanBlock {
  readonly id: number;
  readonly boundary: RanGroup;
  readonly parallel: RanGroup;
  /** Arrays in memory mode when it ended. */
  readonly modes: readonly number[];
}

interface RanGroup {
  readonly statements: readonly MetaOp[];
  readonly run: GroupRun;
}

/** The chip while a program runs, and what is noted of it. */
class Machine {
  private readonly account = new Account();
  private readonly busy = new Map<string, Cycles>();
  private readonly segments: SegmentTrace[] = [];
  private readonly memoryMode = new Set<number>();
  private now: Cycles = 0;
  private memoryCycles = 0;
  private events = 0;
  private readonly known: KnownBlocks;
  private readonly signatures: Signatures | undefined;
  private readonly program: Program;
  private readonly index: ProgramIndex;
  private readonly hardware: Hardware;
  private readonly options: SimulateOptions;
  private readonly onBlock: (ran: number) => void;
  private blocksRun = 0;

  constructor(program: Program, index: ProgramIndex, hardware: Hardware, options: SimulateOptions, onBlock: (ran: number) => void) {
    this.program = program;
    this.index = index;
    this.hardware = hardware;
    this.options = options;
    this.onBlock = onBlock;
    this.known = options.knownBlocks ?? knownBlocks(hardware);
    if (this.known.hardware !== hardware) throw internal('the blocks that are known ran on another chip');
    this.signatures = hasLoop(program) && options.onSpan === undefined ? new Signatures(index) : undefined;
  }

  /** Arrays in memory mode, in order. */
  modes(): readonly number[] {
    return [...this.memoryMode].sort((a, b) => a - b);
  }

  isInModes(modes: readonly number[]): boolean {
    return modes.length === this.memoryMode.size && modes.every((array) => this.memoryMode.has(array));
  }

  run(blocks: Iterable<Block>): readonly RanBlock[] {
    const ran: RanBlock[] = [];
    for (const { id, boundary, parallel } of blocks) {
      const begin = this.now;
      const before = { statements: boundary, run: this.runOf(id, boundary, 0) };
      const atBoundary = this.pass(before, AS_NAMED);
      const start = this.now;
      const during = { statements: parallel, run: this.runOf(id, parallel, boundary.length) };
      const statements = this.pass(during, AS_NAMED);
      const modes = this.modes();
      this.note({ id, boundaryStart: begin, start, end: this.now, boundary: atBoundary, statements, memoryMode: modes });
      ran.push({ id, boundary: before, parallel: during, modes });
    }
    return ran;
  }

  /** Runs a turn like the one that is recorded: everything happens as then, only later and with other names. */
  repeat({ turn: recorded, ran }: TurnRecord, turn: Turn): void {
    const names = renaming(recorded, turn);
    const blocks = turn.first - recorded.first;
    for (const { id, boundary, parallel, modes } of ran) {
      const boundaryStart = this.now;
      const atBoundary = this.pass(boundary, names);
      const start = this.now;
      const statements = this.pass(parallel, names);
      this.note({ id: id + blocks, boundaryStart, start, end: this.now, boundary: atBoundary, statements, memoryMode: modes });
    }
  }

  trace(): Trace {
    const { hardware, program, now, account } = this;
    const energyPicojoules = account.energyPicojoules();
    energyPicojoules.leakage += now * hardware.energy.leakagePerCycle;
    energyPicojoules.refresh += now * hardware.energy.refreshPerCycle;
    return {
      noun: 'trace',
      schemaVersion: 1,
      model: program.model,
      hardware: { name: hardware.name, hash: hardware.hash, arrays: hardware.arrays },
      makespanCycles: now,
      clockHz: hardware.clockHz,
      segments: this.segments,
      resources: [...this.busy]
        .map(([id, busyCycles]) => ({ id, busyCycles }))
        .sort((a, b) => b.busyCycles - a.busyCycles || (a.id < b.id ? -1 : 1)),
      bytes: account.traffic(),
      energyPicojoules,
      memoryModeShare: now === 0 ? 0 : this.memoryCycles / (now * hardware.arrays),
      events: this.events,
    };
  }

  /** How the statements run together; the same whenever they begin. */
  private runOf(segment: number, statements: readonly MetaOp[], offset: number): GroupRun {
    if (statements.length === 0) return NOTHING;
    const signature = this.signatures?.of(statements);
    const known = signature === undefined ? undefined : this.known.runs.get(signature);
    if (known !== undefined) return known;
    const { onSpan } = this.options;
    const begin = this.now;
    const run = runGroup(
      statements,
      this.index,
      this.hardware,
      offset,
      onSpan &&
        ((s, resource, start, end) => {
          const label = labelOf(statements[s] ?? lost(s), AS_NAMED);
          onSpan({ segment, statement: s + offset, label, resource, start: begin + start, end: begin + end });
        }),
    );
    if (signature !== undefined) this.known.runs.set(signature, run);
    return run;
  }

  /** Lets the time of a group pass. */
  private pass({ statements, run }: RanGroup, names: Renaming): readonly StatementTrace[] {
    const begin = this.now;
    this.now += run.duration;
    this.events += run.events;
    this.account.add(run.charges);
    for (const { resource, cycles } of run.busy) this.busy.set(resource, (this.busy.get(resource) ?? 0) + cycles);
    for (const op of statements) if (op.kind === 'CM.switch') setMode(this.memoryMode, op.arrays, op.to === 'TOM');
    if (this.options.segments === false) return [];
    return statements.map((op, s) => {
      const { start, end, jobs, busy, arrays } = run.statements[s] ?? lost(s);
      return { kind: op.kind, label: labelOf(op, names), start: begin + start, end: begin + end, jobs, busy, arrays };
    });
  }

  private note(trace: SegmentTrace): void {
    this.onBlock(++this.blocksRun);
    this.memoryCycles += trace.memoryMode.length * (trace.end - trace.boundaryStart);
    if (this.options.segments !== false) this.segments.push(trace);
  }
}

function labelOf(op: MetaOp, { operator, region }: Renaming): string {
  switch (op.kind) {
    case 'CM.switch':
      return op.to;
    case 'MEM.move':
      return `${op.from.map(region).join(', ')} to ${op.to.map(region).join(', ')}`;
    default:
      return operator(op.operator);
  }
}

const AS_NAMED: Renaming = { operator: (id) => id, region: (id) => id };

function setMode(memoryMode: Set<number>, arrays: readonly number[], memory: boolean): void {
  for (const array of arrays) {
    if (memory) memoryMode.add(array);
    else memoryMode.delete(array);
  }
}

function lost(statement: number): never {
  throw internal(`statement ${statement} has no activity`);
}
