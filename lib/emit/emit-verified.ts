// emitVerified: Graph + Plan + chip -> a program without problems, with pauses and, in a notebook, a bar.

import { finishWithPauses, type Pauses } from '../base/pauses.ts';
import { failOn } from '../base/problem.ts';
import { PASSING, progress } from '../base/progress.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import type { Plan } from '../optimizer/plan.ts';
import type { Program } from '../program/program.ts';
import { verifySteps } from '../program/verify.ts';
import { type EmitOptions, emitSteps } from './emit.ts';

export interface EmitVerifiedOptions extends EmitOptions {
  /** false leaves the verifier out. */
  readonly verify?: boolean;
  readonly pauses: Pauses;
  /** Told the share done, 0 .. 1. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** Verifying takes about three times as long. */
const EMITTING = 0.25;

/** Throws what `emit` throws, the verifier's problems, and the reason of the pauses' signal. */
export async function emitVerified(graph: Graph, plan: Plan, hardware: Hardware, options: EmitVerifiedOptions): Promise<Program> {
  const { again = false, verify = true, pauses, onProgress } = options;
  const bar = progress(`Emitting and verifying ${graph.name}`, PASSING);
  const tell = (share: number): void => {
    bar.update(share);
    onProgress?.(share);
  };
  const emitting = verify ? EMITTING : 1;
  try {
    const program = await finishWithPauses(emitSteps(graph, plan, hardware, { again }), pauses, (share) => tell(emitting * share));
    if (!verify) return program;
    failOn(await finishWithPauses(verifySteps(program, hardware), pauses, (share) => tell(emitting + (1 - emitting) * share)));
    return program;
  } finally {
    bar.end();
  }
}
