// Flags that several commands share, and how they become a Graph, a chip and options.

import { fail } from '../base/problem.ts';
import { either } from '../base/wording.ts';
import { importPrefill } from '../generation/graphs.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { loadHardware } from '../hardware/read.ts';
import type { Graph } from '../ir/graph.ts';
import { importOnnx } from '../onnx/import-onnx.ts';
import { FORMS, type Form } from '../optimizer/optimizer.ts';
import type { CostName, Objective } from '../optimizer/plan.ts';
import type { ScheduleOptions } from '../optimizer/schedule.ts';
import { BATCH_DIMENSION, parseBindings } from '../workload/bindings.ts';
import type { Workload } from '../workload/workload.ts';
import { type Arguments, type Flag, wholeNumber } from './arguments.ts';

export const JSON_FLAG = { json: { help: 'print one JSON object (schemaVersion 1) instead of text' } } satisfies Record<string, Flag>;

export const BIND_FLAGS = {
  bind: { value: 'NAME=N,...', help: 'sizes of the symbolic dimensions, for example batch=8' },
  batch: { value: 'N', help: 'samples in a batch: binds the dimension named batch', default: '1' },
} satisfies Record<string, Flag>;

export const WORKLOAD_FLAGS = {
  prompt: { value: 'N', help: "tokens of a language model's prompt: binds its sequence and past for one pass over them (prefill)" },
  generate: { value: 'N', help: 'tokens generated behind the prompt: a pass each, with a KV cache that grows (needs --prompt)' },
} satisfies Record<string, Flag>;

export const PRECISION_FLAGS = {
  'weight-bits': { value: 'N', help: 'bits of a weight', default: '8' },
  'activation-bits': { value: 'N', help: 'bits of an activation', default: '8' },
} satisfies Record<string, Flag>;

export const HARDWARE_FLAG = { hw: { value: 'FILE', help: 'the chip: a hardware file such as hw/dynaplasia.json' } } satisfies Record<
  string,
  Flag
>;

export const SCHEDULE_FLAGS = {
  optimizer: {
    value: 'NAME',
    help: "cmswitch; joint (the whole run on the machine's cost: staging, data kept on chip); cim-mlc, puma or occ; or static:R (floor(arrays * R) arrays compute for the whole run; static:1 is all compute)",
    default: 'cmswitch',
  },
  form: {
    value: 'NAME',
    help: "of cim-mlc, puma and occ: as-published (their own objective) or same-cost (the same policy, judged by the paper's cost)",
    default: 'as-published',
  },
  solver: { value: 'NAME', help: 'exact, highs, or glpk (glpk.js, GPL-3.0, optional)', default: 'exact' },
  cost: {
    value: 'NAME',
    help: "what decisions are judged by and the plan's figures are stated in: paper (Eq. (1)-(10), cycles) or machine (cycles and energy, staging, data kept on chip); joint has the machine's only",
    default: "the optimizer's own; machine for energy, edp and a power cap",
  },
  objective: {
    value: 'NAME',
    help: 'what is minimised over the whole run: latency (cycles), energy (pJ) or edp (their product)',
    default: 'latency',
  },
  'power-cap': { value: 'W', help: 'most power drawn on average over the run, in watts, leakage and refresh included', default: 'none' },
  prefetch: { help: 'write weights of the next segment ahead, into arrays nothing else uses meanwhile (joint always does)' },
  'compute-only': { help: 'no array may be memory: the difference is what switching brings' },
  seed: { value: 'N', help: 'seed of random choices; recorded in the plan', default: '0' },
} satisfies Record<string, Flag>;

export const RUNS_FLAG = {
  runs: {
    value: 'N',
    help: 'the network runs N times, one batch after another, and weights that nothing overwrites stay on the chip',
    default: '1',
  },
} satisfies Record<string, Flag>;

/** How often the network runs. Of a generation, every token is a run, so that it has no others. */
export function runsOf(args: Arguments, request: GenerationRequest | undefined): number {
  const runs = wholeNumber(args.text('runs') ?? '1', 'runs', 1);
  if (runs > 1 && request !== undefined)
    fail({ kind: 'usage', message: '--runs with --generate', next: 'Every generated token is a run already; leave one of them out.' });
  return runs;
}

/** A language model with what is asked of it: --prompt and --generate, --batch, and --bind for other dimensions. */
export interface GenerationRequest {
  readonly model: string;
  readonly workload: Workload;
  readonly bind: Readonly<Record<string, number>>;
}

/** What --prompt and --generate ask for; undefined without them. */
export function generationRequest(model: string, args: Arguments, given: readonly string[]): GenerationRequest | undefined {
  const [prompt, generate] = [args.text('prompt'), args.text('generate')];
  if (prompt === undefined) {
    if (generate !== undefined)
      fail({ kind: 'usage', message: '--generate without --prompt', next: 'Say how many tokens come first, for example --prompt 64.' });
    return undefined;
  }
  const { [BATCH_DIMENSION]: bound, ...bind } = bindingsOf(args);
  if (bound !== undefined && isGiven('batch', given)) batchTwice();
  return {
    model,
    workload: {
      batch: bound ?? batchOf(args),
      prompt: wholeNumber(prompt, 'prompt', 1),
      ...(generate !== undefined && { generate: wholeNumber(generate, 'generate', 0) }),
    },
    bind,
  };
}

/**
 * The model with --bind and --batch applied; with --prompt, the pass over the prompt. --batch binds the dimension named
 * `batch` where the model has one and --bind does not; given explicitly for a model without one, it is refused.
 */
export function loadModel(path: string, args: Arguments, given: readonly string[]): Graph {
  const request = generationRequest(path, args, given);
  if (request !== undefined) return importPrefill(path, request.workload, request.bind);
  const bind = bindingsOf(args);
  const batch = batchOf(args);
  const asked = isGiven('batch', given);
  if (asked && BATCH_DIMENSION in bind) batchTwice();
  return importOnnx(path, asked ? { bind: { ...bind, [BATCH_DIMENSION]: batch } } : { bind, defaults: { [BATCH_DIMENSION]: batch } });
}

/** What a command that compiles begins with: the passes of a generation if one is asked for, else the model and the milliseconds it took to load. */
export function loadRun(
  args: Arguments,
  given: readonly string[],
): { readonly request: GenerationRequest } | { readonly request?: undefined; readonly graph: Graph; readonly load: number } {
  const path = args.operands[0] ?? '';
  const request = generationRequest(path, args, given);
  if (request?.workload.generate) return { request };
  const start = performance.now();
  const graph = loadModel(path, args, given);
  return { graph, load: performance.now() - start };
}

function bindingsOf(args: Arguments): Readonly<Record<string, number>> {
  const text = args.text('bind');
  return text === undefined ? {} : parseBindings(text);
}

function batchOf(args: Arguments): number {
  return wholeNumber(args.text('batch') ?? '1', 'batch', 1);
}

function isGiven(flag: string, given: readonly string[]): boolean {
  return given.some((arg) => arg === `--${flag}` || arg.startsWith(`--${flag}=`));
}

function batchTwice(): never {
  return fail({ kind: 'usage', message: '--batch and --bind batch=... are both given', next: 'Give one of them.' });
}

export function loadChip(args: Arguments): Hardware {
  const path = args.text('hw');
  if (path === undefined)
    return fail({ kind: 'usage', message: 'no chip is given', next: 'Add --hw FILE, for example --hw hw/dynaplasia.json.' });
  return loadHardware(path, precisionOf(args));
}

export function precisionOf(args: Arguments): { weightBits: number; activationBits: number } {
  return {
    weightBits: wholeNumber(args.text('weight-bits') ?? '8', 'weight-bits', 1),
    activationBits: wholeNumber(args.text('activation-bits') ?? '8', 'activation-bits', 1),
  };
}

function formOf(name: string): Form {
  const form = FORMS.find((known) => known === name);
  return form ?? fail({ kind: 'usage', message: `unknown form '${name}'`, next: `Use ${either(FORMS)}.` });
}

function watts(text: string): number {
  const value = /^\d*\.?\d+(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && Number.isFinite(value)))
    fail({ kind: 'usage', message: `--power-cap ${text} is not a positive number of watts`, next: 'For example --power-cap 0.5.' });
  return value;
}

/** schedule checks the other names itself. */
export function scheduleOptions(args: Arguments): ScheduleOptions {
  const cost = args.given('cost');
  const cap = args.given('power-cap');
  return {
    ...(cost !== undefined && { cost: cost as CostName }),
    ...(cap !== undefined && { powerCapWatts: watts(cap) }),
    prefetch: args.on('prefetch'),
    computeOnly: args.on('compute-only'),
    optimizer: args.text('optimizer') ?? 'cmswitch',
    form: formOf(args.text('form') ?? 'as-published'),
    solver: args.text('solver') ?? 'exact',
    objective: (args.text('objective') ?? 'latency') as Objective,
    seed: wholeNumber(args.text('seed') ?? '0', 'seed', 0),
  };
}
