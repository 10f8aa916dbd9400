// Workloads of the paper's evaluation: a network on a batch, or a generation of many passes -> latency on both cost models.

import type { Lab } from './lab.ts';
import type { Setting } from './parameters.ts';
import type { Measured, Point } from './point.ts';

/** Runs of a network, each so many times; times need not be whole. */
export interface Workload {
  readonly model: string;
  readonly passes: readonly { readonly bind: Readonly<Record<string, number>>; readonly times: number }[];
}

/** Cycles of a workload and shares of them; what was not asked for is undefined. */
export interface Total {
  readonly paperCycles: number;
  readonly paperIntra: number;
  readonly paperWriteBack: number;
  readonly paperSwitch: number;
  readonly paperRewrite: number;
  readonly paperMemory: number;
  readonly machineCycles: number;
  readonly machineBoundary: number;
  readonly machineSwitch: number;
  readonly machineMemory: number;
}

export function onePass(model: string, bind: Readonly<Record<string, number>>): Workload {
  return { model, passes: [{ bind, times: 1 }] };
}

export function prefill(model: string, batch: number, prompt: number): Workload {
  return onePass(model, { batch, sequence: prompt, past: 0 });
}

/**
 * `generate` passes of one token each, behind `prompt` tokens and more. Measured at contexts that are powers of two, so that workloads
 * share them; linear between, because what grows with the context grows by whole tiles, many of them.
 */
export function decode(model: string, batch: number, prompt: number, generate: number): Workload {
  const knots = knotsAround(prompt, prompt + generate - 1);
  const times = knots.map(() => 0);
  for (let past = prompt; past < prompt + generate; past++) {
    const right = Math.max(
      1,
      knots.findIndex((knot) => knot >= past),
    );
    const [from, to] = [knots[right - 1]!, knots[right]!];
    times[right - 1]! += (to - past) / (to - from);
    times[right]! += (past - from) / (to - from);
  }
  return { model, passes: knots.map((past, i) => ({ bind: { batch, sequence: 1, past }, times: times[i]! })) };
}

/** The paper's inference of a language model: a prompt in, then tokens one by one. */
export function generation(model: string, batch: number, prompt: number, generate: number): Workload {
  return { model, passes: [...prefill(model, batch, prompt).passes, ...decode(model, batch, prompt, generate).passes] };
}

/** Powers of two from the last one up to `first` to the first one from `last` on, at least two. */
function knotsAround(first: number, last: number): readonly number[] {
  const knots = [2 ** Math.floor(Math.log2(first))];
  while (knots.length < 2 || knots.at(-1)! < last) knots.push(2 * knots.at(-1)!);
  return knots;
}

/** Both models' latency of a workload on a chip. Throws where an optimizer finds no plan. */
export async function latency(lab: Lab, workload: Workload, setting: Setting, optimizer: string, isSimulated = true): Promise<Total> {
  const { model, passes } = workload;
  const points = passes.map(({ bind }): Point => ({ model, bind, ...setting, optimizer, simulate: isSimulated }));
  const measured = await lab.ask(points);
  for (const [i, { error }] of measured.entries()) {
    if (error !== undefined) throw new Error(`${JSON.stringify(points[i])}: ${error}`);
  }
  const total = (value: (measured: Measured) => number | undefined): number =>
    measured.reduce((sum, each, i) => sum + passes[i]!.times * (value(each) ?? Number.NaN), 0);
  const [paperIntra, machineCycles] = [total((each) => each.paperIntra), total((each) => each.machineCycles)];
  const share = (of: 'machineBoundary' | 'machineSwitch' | 'machineMemory'): number =>
    total((each) => (each.machineCycles ?? Number.NaN) * (each[of] ?? Number.NaN)) / machineCycles;
  return {
    paperCycles: total((each) => each.paperCycles),
    paperIntra,
    paperWriteBack: total((each) => each.paperWriteBack),
    paperSwitch: total((each) => each.paperSwitch),
    paperRewrite: total((each) => each.paperRewrite),
    paperMemory: total((each) => (each.paperIntra ?? Number.NaN) * each.paperMemory) / paperIntra,
    machineCycles,
    machineBoundary: share('machineBoundary'),
    machineSwitch: share('machineSwitch'),
    machineMemory: share('machineMemory'),
  };
}

/** CIM-MLC's latency over CMSwitch's on both models, and the figures of both compilers. */
export interface Speedup {
  readonly paper: number;
  readonly machine: number;
  readonly ours: Total;
  readonly theirs: Total;
}

/** CMSwitch as published over CIM-MLC as published: what Fig. 14 to 17 show. */
export async function speedup(lab: Lab, workload: Workload, setting: Setting, isSimulated = true): Promise<Speedup> {
  const [ours, theirs] = await Promise.all([
    latency(lab, workload, setting, 'cmswitch', isSimulated),
    latency(lab, workload, setting, 'cim-mlc', isSimulated),
  ]);
  return { paper: theirs.paperCycles / ours.paperCycles, machine: theirs.machineCycles / ours.machineCycles, ours, theirs };
}
