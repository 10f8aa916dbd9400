// simulate: Program + Hardware -> Trace, and nothing else. A discrete-event machine (docs/machine.md):
// blocks run one after another; within one, every chunk of every meta-operator takes its turn on the
// resources it needs, in an order that only the program decides. Knows nothing of plans and costs.

import { finish, type Steps } from '../base/pauses.ts';
import { failOn, internal } from '../base/problem.ts';
import { PASSING, progress } from '../base/progress.ts';
import type { Cycles } from '../base/units.ts';
import { type Hardware, PRICES } from '../hardware/hardware.ts';
import { type Block, countBlocks } from '../program/blocks.ts';
import { indexProgram, type ProgramIndex } from '../program/geometry.ts';
import type { MetaOp, Program } from '../program/program.ts';
import { hasLoop, Signatures } from '../program/signature.ts';
import type { KnownGraphs } from '../program/tasks.ts';
import { partsOf, type Renaming, renaming, type Turn } from '../program/turns.ts';
import { verifySteps } from '../program/verify.ts';
import { Account, energyOf, namedUsage, type Usage } from './account.ts';
import { energyRange } from './energy-range.ts';
import { flowsOf } from './flows.ts';
import { type GroupRun, type KnownBlocks, knownBlocks, NOTHING, publicName, runGroup, tells } from './group.ts';
import type { Job, JobLog } from './job-log.ts';
import type { Flow, OperatorTrace, SegmentTrace, Span, StatementTrace, Stretch, Trace } from './trace.ts';

export interface SimulateOptions {
  /** Every job, block by block; a long run has millions. */
  readonly onSpan?: (span: Span) => void;
  /** Told the share of the program's blocks that have run; a notebook shows a bar besides. */
  readonly onProgress?: (done: number) => void;
  /** Data that jobs of a block hand to each other, behind the block's spans. */
  readonly onFlow?: (flow: Flow) => void;
  /** Whether the trace has the critical path; takes about as long as the run itself. */
  readonly criticalPath?: boolean;
  /** The caller has run `verifyProgram` on this program and chip. */
  readonly verified?: boolean;
  /** false leaves the trace's segments out, for runs of which only the totals are wanted. */
  readonly segments?: boolean;
  /** Blocks that ran before on this chip, for programs that have much in common; those that run are added. */
  readonly knownBlocks?: KnownBlocks;
  /** Of this program, such as the verifier has left; those made are added. */
  readonly knownGraphs?: KnownGraphs;
}

/** What happened when the program ran. Throws the verifier's problems if the program is not right. */
export function simulate(program: Program, hardware: Hardware, options: SimulateOptions = {}): Trace {
  return finish(simulateSteps(program, hardware, options));
}

/** `simulate`, a step a block. */
export function* simulateSteps(program: Program, hardware: Hardware, options: SimulateOptions = {}): Steps<Trace> {
  return (yield* runProgram(program, hardware, options, [])) ?? missing();
}

/**
 * The trace, without segments, that the program would have if its loops had `turns` turns (one number a loop, in order), at
 * least as many as they have. Exact: undefined unless all turns but the first do the same, so that more of them do, too.
 */
export function simulateLonger(
  program: Program,
  hardware: Hardware,
  turns: readonly number[],
  options: Omit<SimulateOptions, 'onSpan' | 'onFlow' | 'criticalPath' | 'segments'> = {},
): Trace | undefined {
  return finish(simulateLongerSteps(program, hardware, turns, options));
}

/** `simulateLonger`, a step a block. */
export function simulateLongerSteps(
  program: Program,
  hardware: Hardware,
  turns: readonly number[],
  options: Parameters<typeof simulateLonger>[3] = {},
): Steps<Trace | undefined> {
  return runProgram(program, hardware, { ...options, segments: false }, turns);
}

function* runProgram(program: Program, hardware: Hardware, options: SimulateOptions, turns: readonly number[]): Steps<Trace | undefined> {
  if (options.verified !== true) failOn(yield* verifySteps(program, hardware));
  const index = indexProgram(program);
  const bar = progress(`Simulating ${program.model.name}`, PASSING);
  const machine = new Machine(program, index, hardware, options, (share) => {
    bar.update(share);
    options.onProgress?.(share);
  });
  /** By kind of turn, the last one that was run: in the modes it began with, the others of its kind go the same way. */
  const records = new Map<string, TurnRecord>();
  const more = moreTurns(program, turns);
  try {
    for (const { blocks, turn } of partsOf(program, index)) {
      yield machine.share;
      const known = turn && !isWatched(options) ? records.get(turn.kind) : undefined;
      let repeated = known;
      if (turn !== undefined && known !== undefined && machine.isInModes(known.modes)) machine.repeat(known, turn);
      else {
        const modes = machine.modes();
        const ran = yield* machine.run(blocks());
        repeated = turn && { turn, modes, ran };
        if (repeated !== undefined) records.set(repeated.turn.kind, repeated);
      }
      const last = turn && more.after(turn);
      if (last !== undefined && last.left > 0) {
        if (repeated === undefined || last.kinds.size > 1 || !machine.isInModes(repeated.modes)) return undefined;
        machine.repeatWithoutSegments(repeated, last.left);
        last.left = 0;
      }
    }
    return more.isDone() ? machine.trace() : undefined;
  } finally {
    bar.end();
  }
}

/** Turns to be added behind the last one of each loop. */
function moreTurns({ body }: Program, turns: readonly number[]) {
  const loops = body.flatMap((statement, number) => (statement.kind === 'loop' ? [{ number, count: statement.count }] : []));
  const left = new Map(
    loops.map(({ number, count }, i) => [
      `${number}`,
      { count, seen: 1, kinds: new Set<string>(), left: Math.max(0, (turns[i] ?? count) - count) },
    ]),
  );
  return {
    /** What is to be added if this turn is its loop's last. */
    after: ({ kind }: Turn) => {
      const loop = left.get(kind.split('.')[0] ?? '');
      if (loop === undefined) return undefined;
      loop.kinds.add(kind);
      return ++loop.seen === loop.count ? loop : undefined;
    },
    isDone: (): boolean => [...left.values()].every((loop) => loop.left === 0),
  };
}

function missing(): never {
  throw internal('a program was run for longer than it is');
}

/** Whoever watches sees every job of every turn. */
function isWatched({ onSpan, onFlow }: SimulateOptions): boolean {
  return onSpan !== undefined || onFlow !== undefined;
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
  readonly segment: number;
  /** Statements of the segment before it. */
  readonly offset: number;
  readonly statements: readonly MetaOp[];
  readonly run: GroupRun;
}

/** The chip while a program runs, and what is noted of it. */
class Machine {
  private readonly account = new Account();
  private readonly busy = new Map<string, Cycles>();
  private readonly segments: SegmentTrace[] = [];
  private readonly path: Stretch[] = [];
  /** Of operators, and of what stands for none. */
  private readonly usage = new Map<string, { readonly kind: OperatorTrace['kind']; readonly id: string; readonly usage: Usage }>();
  private readonly memoryMode = new Set<number>();
  private now: Cycles = 0;
  private memoryCycles = 0;
  private boundaryCycles: Cycles = 0;
  private events = 0;
  private readonly known: KnownBlocks;
  private readonly signatures: Signatures | undefined;
  private readonly program: Program;
  private readonly index: ProgramIndex;
  private readonly hardware: Hardware;
  private readonly options: SimulateOptions;
  private readonly onBlock: (share: number) => void;
  private readonly blocksInAll: number;
  private blocksRun = 0;
  /** Of the program's blocks, those that have run. */
  share = 0;

  constructor(program: Program, index: ProgramIndex, hardware: Hardware, options: SimulateOptions, onBlock: (share: number) => void) {
    this.program = program;
    this.index = index;
    this.hardware = hardware;
    this.options = options;
    this.onBlock = onBlock;
    this.blocksInAll = countBlocks(program.body);
    this.known = options.knownBlocks ?? knownBlocks(hardware);
    for (const op of program.before ?? []) if (op.kind === 'CM.switch') setMode(this.memoryMode, op.arrays, op.to === 'TOM');
    if (this.known.hardware !== hardware) throw internal('the blocks that are known ran on another chip');
    const pays = hasLoop(program) || options.knownBlocks !== undefined;
    this.signatures = pays && !isWatched(options) ? new Signatures(index) : undefined;
  }

  /** Arrays in memory mode, in order. */
  modes(): readonly number[] {
    return [...this.memoryMode].sort((a, b) => a - b);
  }

  isInModes(modes: readonly number[]): boolean {
    return modes.length === this.memoryMode.size && modes.every((array) => this.memoryMode.has(array));
  }

  *run(blocks: Iterable<Block>): Steps<readonly RanBlock[]> {
    const ran: RanBlock[] = [];
    for (const { id, boundary, parallel } of blocks) {
      const begin = this.now;
      const before = { segment: id, offset: 0, statements: boundary, run: this.runOf(id, boundary, 0) };
      const atBoundary = this.pass(before, AS_NAMED);
      const start = this.now;
      const during = { segment: id, offset: boundary.length, statements: parallel, run: this.runOf(id, parallel, boundary.length) };
      const statements = this.pass(during, AS_NAMED);
      const modes = this.modes();
      this.note({ id, boundaryStart: begin, start, end: this.now, boundary: atBoundary, statements, memoryMode: modes });
      ran.push({ id, boundary: before, parallel: during, modes });
      yield this.share;
    }
    return ran;
  }

  /** Runs a turn like the one that is recorded: everything happens as then, only later and with other names. */
  repeat({ turn: recorded, ran }: TurnRecord, turn: Turn): void {
    const names = renaming(recorded, turn);
    const blocks = turn.first - recorded.first;
    for (const { id, boundary, parallel, modes } of ran) {
      const boundaryStart = this.now;
      const atBoundary = this.pass(boundary, names, blocks);
      const start = this.now;
      const statements = this.pass(parallel, names, blocks);
      this.note({ id: id + blocks, boundaryStart, start, end: this.now, boundary: atBoundary, statements, memoryMode: modes });
    }
  }

  /** Runs a recorded turn `times` times more; it ends in the modes it began with. */
  repeatWithoutSegments({ ran }: TurnRecord, times: number): void {
    for (const { boundary, parallel, modes } of ran) {
      const boundaryCycles = times * boundary.run.duration;
      const cycles = boundaryCycles + times * parallel.run.duration;
      this.boundaryCycles += boundaryCycles;
      this.memoryCycles += modes.length * cycles;
      for (const { run } of [boundary, parallel]) this.chargeGroup(run, times);
    }
  }

  trace(): Trace {
    const { hardware, program, now, account } = this;
    const byTime: Usage = new Float64Array(PRICES.length);
    for (const price of ['leakagePerCycle', 'refreshPerCycle'] as const) {
      byTime[PRICES.indexOf(price)] = now;
      account.usage[PRICES.indexOf(price)] = now;
    }
    const rows = [...this.usage.values(), { kind: 'static', id: 'leakage and refresh', usage: byTime } as const];
    return {
      noun: 'trace',
      schemaVersion: 1,
      model: program.model,
      hardware: { name: hardware.name, hash: hardware.hash, arrays: hardware.arrays },
      makespanCycles: now,
      boundaryCycles: this.boundaryCycles,
      clockHz: hardware.clockHz,
      segments: this.segments,
      resources: [...this.busy]
        .map(([id, busyCycles]) => ({ id, busyCycles }))
        .sort((a, b) => b.busyCycles - a.busyCycles || (a.id < b.id ? -1 : 1)),
      bytes: account.traffic(),
      energyPicojoules: energyOf(account.usage, hardware.energy),
      usage: namedUsage(account.usage),
      energyRangePicojoules: energyRange(account.usage, hardware),
      operators:
        this.options.segments === false
          ? []
          : rows.map(({ kind, id, usage }) => ({
              id,
              kind,
              macs: usage[PRICES.indexOf('mac')]!,
              energyPicojoules: energyOf(usage, hardware.energy),
            })),
      ...(this.options.criticalPath === true && { criticalPath: this.path }),
      ...(hardware.areaSquareMillimetres !== undefined && { areaSquareMillimetres: hardware.areaSquareMillimetres }),
      memoryModeShare: now === 0 ? 0 : this.memoryCycles / (now * hardware.arrays),
      events: this.events,
    };
  }

  /** How the statements run together; the same whenever they begin. */
  private runOf(segment: number, statements: readonly MetaOp[], offset: number): GroupRun {
    if (statements.length === 0) return NOTHING;
    const signature = this.signatures?.of(statements);
    const known = signature === undefined ? undefined : this.known.runs.get(signature);
    const asked = { statements: this.options.segments !== false, path: this.options.criticalPath === true };
    if (known !== undefined && tells(known, asked)) return known;
    const onJobs = isWatched(this.options) ? (log: JobLog) => this.show(log, statements, segment, offset) : undefined;
    const { knownGraphs } = this.options;
    const run = runGroup(statements, this.index, this.hardware, { offset, ...asked, knownGraphs, onJobs });
    if (signature !== undefined) this.known.runs.set(signature, run);
    return run;
  }

  /** Tells of the jobs of a group that begins now. */
  private show(log: JobLog, statements: readonly MetaOp[], segment: number, offset: number): void {
    const { onSpan, onFlow } = this.options;
    const begin = this.now;
    const spanOf = ({ statement, stream, chunk, start, end }: Job): Span => {
      const { resource, phase, arrays } = stream;
      const label = labelOf(statements[statement] ?? lost(statement), AS_NAMED);
      return { segment, statement: statement + offset, label, resource, chunk, phase, arrays, start: begin + start, end: begin + end };
    };
    if (onSpan !== undefined) for (const job of log.jobs) if (job.end > job.start) onSpan(spanOf(job));
    if (onFlow !== undefined) for (const { from, to } of flowsOf(log)) onFlow({ from: spanOf(from), to: spanOf(to) });
  }

  /** Lets the time of a group pass. */
  private pass({ statements, run, segment, offset }: RanGroup, names: Renaming, blocks = 0): readonly StatementTrace[] {
    const begin = this.now;
    for (const { statement, resource, start, end } of run.path ?? []) {
      const label = labelOf(statements[statement] ?? lost(statement), names);
      this.path.push({
        segment: segment + blocks,
        statement: statement + offset,
        label,
        resource: publicName(resource),
        start: begin + start,
        end: begin + end,
      });
    }
    this.chargeGroup(run, 1);
    for (const op of statements) if (op.kind === 'CM.switch') setMode(this.memoryMode, op.arrays, op.to === 'TOM');
    if (this.options.segments === false) return [];
    return statements.map((op, s) => {
      const { start, end, jobs, busy, arrays, usage } = run.statements?.[s] ?? lost(s);
      this.charge(op, names, usage);
      return { kind: op.kind, label: labelOf(op, names), start: begin + start, end: begin + end, jobs, busy, arrays };
    });
  }

  /** Adds what a statement took to its operator's. */
  private charge(op: MetaOp, names: Renaming, usage: Usage): void {
    const kind = op.kind === 'MEM.move' ? 'moves' : op.kind === 'CM.switch' ? 'switches' : 'operator';
    const id = 'operator' in op ? names.operator(op.operator) : kind;
    const key = `${kind} ${id}`;
    let sum = this.usage.get(key);
    if (sum === undefined) {
      sum = { kind, id, usage: new Float64Array(PRICES.length) };
      this.usage.set(key, sum);
    }
    for (let i = 0; i < usage.length; i++) sum.usage[i]! += usage[i]!;
  }

  private chargeGroup(run: GroupRun, times: number): void {
    this.now += times * run.duration;
    this.events += times * run.events;
    this.account.add(run.charges, times);
    for (const { resource, cycles } of run.busy) this.busy.set(resource, (this.busy.get(resource) ?? 0) + times * cycles);
  }

  private note(trace: SegmentTrace): void {
    this.share = Math.min(1, ++this.blocksRun / this.blocksInAll);
    this.onBlock(this.share);
    this.memoryCycles += trace.memoryMode.length * (trace.end - trace.boundaryStart);
    this.boundaryCycles += trace.start - trace.boundaryStart;
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
