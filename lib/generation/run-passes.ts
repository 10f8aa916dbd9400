// runPasses: the passes of a generation, in order: prefill, and tokens at a few lengths of the cache, by one plan for all of them
// where weights can stay. How a pass is compiled and what is kept of it is the caller's.

import { growing } from '../base/progress.ts';
import type { Cycles } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import { decodeOf, type Pass, prefillOf, type Workload } from '../workload/workload.ts';
import type { CompiledPass, Resident } from './compile-pass.ts';
import { sampleContexts } from './contexts.ts';
import { pays, type TokensTogether } from './resident-tokens.ts';
import { tileBoundaries } from './tile-boundaries.ts';

/** What the prompt's pass is of `onProgress`. */
const PREFILL = 0.2;

/** Largest estimated error of the sum over all tokens, relative, unless another is asked for. */
export const TOLERANCE = 0.0005;

export interface PassWork<Ran> {
  readonly graphOf: (pass: Pass) => Graph;
  /** `planTogether` of the first and the last token. */
  readonly together: (first: Pass, last: Pass, tokens: number) => Promise<TokensTogether | undefined>;
  /** `compilePass` of a token by itself. */
  readonly alone: (pass: Pass) => Promise<CompiledPass>;
  /** Asked for each pass at most once. `isEnd`: prefill, or a token that begins or ends a line. `onShare` is told how much of it is done. */
  readonly run: (pass: Pass, isEnd: boolean, onShare: (done: number) => void, resident?: Resident) => Promise<Ran>;
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface RanPasses<Ran> {
  readonly prefill: Ran;
  /** By ascending length of the cache, `context`; empty if no token is generated. */
  readonly decode: readonly { readonly context: number; readonly ran: Ran }[];
  readonly estimatedError: number;
}

/** Throws what `work` throws. */
export async function runPasses<Ran extends { readonly cycles: Cycles }>(
  workload: Required<Workload>,
  hardware: Hardware,
  tolerance: number,
  { graphOf, together, alone, run, onProgress }: PassWork<Ran>,
): Promise<RanPasses<Ran>> {
  const tokens = workload.generate;
  const [first, last] = [decodeOf(workload, 0), decodeOf(workload, tokens - 1)];
  // What is impossible shows before anything takes time.
  const boundaries = tokens === 0 ? [] : tileBoundaries(first.past, graphOf(first), last.past, graphOf(last), hardware);
  const told = growing(onProgress);
  const prefill = await run(prefillOf(workload), true, (share) => told(tokens === 0 ? share : PREFILL * share));
  told(tokens === 0 ? 1 : PREFILL);
  if (tokens === 0) return { prefill, decode: [], estimatedError: 0 };
  const found = tokens === 1 ? undefined : await together(first, last, tokens);
  const plan = found && pays(found, await alone(last), tokens, hardware) ? found.plan : undefined;
  const ran = new Map<number, Ran>();
  // Nobody knows how many it will be: each is a fifth of what is left.
  const doneWith = (passes: number): number => 1 - (1 - PREFILL) * 0.8 ** passes;
  const ofToken = (share: number): void => told(doneWith(ran.size + share));
  // The first token writes all weights: it is no point on the others' line.
  if (plan !== undefined) ran.set(first.past, await run(first, true, ofToken, { plan, again: false }));
  const begin = plan === undefined ? first.past : first.past + 1;
  const measure = async (past: number): Promise<Cycles> => {
    const isEnd = past === begin || past === last.past;
    const pass = await run({ kind: 'decode', sequence: 1, past }, isEnd, ofToken, plan && { plan, again: true });
    ran.set(past, pass);
    ofToken(0);
    return pass.cycles;
  };
  const { estimatedError } = await sampleContexts({ first: begin, last: last.past, boundaries, tolerance, measure });
  told(1);
  const decode = [...ran].map(([context, each]) => ({ context, ran: each })).sort((a, b) => a.context - b.context);
  return { prefill, decode, estimatedError };
}
