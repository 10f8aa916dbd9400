// Mutation test of the verifier: programs of small networks under several optimizers, each changed by one random edit; the
// oracle is what the changed program computes on three random inputs. A case follows from its seed and number.

import { verifyManifest } from '../../lib/dataflow/verify-manifest.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Program } from '../../lib/program/program.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { seededInputs } from '../../lib/workload/samples.ts';
import { encoder, mobileBlock, Weights } from '../functional/models.ts';
import {
  computedBy,
  expectedOf,
  type Numbered,
  type Prepared,
  prepared,
  programFor,
  withOwnWeights,
  withWeights,
} from '../functional/support.ts';
import { buildModel, node } from '../onnx/build.ts';
import { smallChip } from '../support/chips.ts';
import { NetworkBuilder, randomFrom } from '../support/networks.ts';
import { EDITS, edited, MANIFEST_EDITS } from './edits.ts';

const INPUTS = 3;

export interface Subject {
  readonly name: string;
  readonly program: Program;
  readonly chip: Hardware;
  /** One for each input, and one more that the oracle does not see: what `cimbook run` would look at. */
  readonly runs: readonly Prepared[];
  readonly expected: readonly (readonly number[])[];
}

/** How a changed program fared. */
export interface Case {
  readonly number: number;
  readonly subject: string;
  readonly kind: string;
  readonly what: string;
  readonly ofManifest: boolean;
  /** The numbers of one of the three runs are others, or one was stopped. */
  readonly changes: boolean;
  /** Rules of the verifier that it breaks; empty if it passed. */
  readonly rules: readonly string[];
  /** The verifier has the model to compare the declarations with, too. */
  readonly rejectedWithModel: boolean;
  /** What `cimbook run` compares, on an input of its own, is not as it should be. */
  readonly noticedByRun: boolean;
}

/** A residual network with a pool and a classifier. */
function residual(): Numbered {
  const net = new NetworkBuilder();
  const wide = net.conv(net.input(1, 4, 8, 8), 12, { relu: true });
  const back = net.conv(wide, 12, { relu: true, add: wide });
  return withWeights(net.finish([net.dense(net.pool(back), 10)], 'residual'), 8);
}

/** A wide classifier behind a strided convolution: cut along n on a small chip. */
function wide(): Numbered {
  const net = new NetworkBuilder();
  const map = net.conv(net.conv(net.input(2, 3, 6, 6), 8, { stride: 2, relu: true }), 16, { groups: 4 });
  return withWeights(net.finish([net.dense(map, 40)], 'wide'), 9);
}

/** Four residual blocks of the same shape, too big for the chip, and a convolution: the blocks become a loop. */
function blocks(): Numbered {
  const weights = new Weights(11);
  const nodes = [node('Conv', ['x', weights.real('stem', [24, 3, 3, 3])], ['b0'], { pads: [1, 1, 1, 1] })];
  for (let i = 0; i < 4; i++) {
    nodes.push(
      node('Conv', [`b${i}`, weights.real(`w${i}`, [24, 24, 3, 3], -0.2, 0.2)], [`c${i}`], { pads: [1, 1, 1, 1] }),
      node('Relu', [`c${i}`], [`r${i}`]),
      node('Conv', [`r${i}`, weights.real(`v${i}`, [24, 24, 3, 3], -0.2, 0.2)], [`d${i}`], { pads: [1, 1, 1, 1] }),
      node('Add', [`d${i}`, `b${i}`], [`b${i + 1}`]),
    );
  }
  nodes.push(node('Conv', ['b4', weights.real('head', [6, 24, 1, 1])], ['y']));
  return withOwnWeights(buildModel({ inputs: { x: [1, 3, 4, 4] }, outputs: ['y'], nodes, weights: weights.all }));
}

const ROOMY = smallChip({ arrays: 40, memoryBytesPerArray: 2048 });
const TIGHT = smallChip({ arrays: 6, bufferBytes: 1024 });
const MIDDLE = smallChip({ arrays: 24, bufferBytes: 2048 });

type Recipe = readonly [name: string, network: () => Numbered, chip: Hardware, optimizer: string];
const attention = (): Numbered => withOwnWeights(encoder());
const gated = (): Numbered => withOwnWeights(mobileBlock());

const SUBJECTS: readonly Recipe[] = [
  ['residual network, cmswitch', residual, MIDDLE, 'cmswitch'],
  ['residual network, joint', residual, MIDDLE, 'joint'],
  ['wide classifier on 6 arrays, cim-mlc', wide, TIGHT, 'cim-mlc'],
  ['wide classifier, cmswitch', wide, MIDDLE, 'cmswitch'],
  ['repeated blocks on 6 arrays (a loop), cmswitch', blocks, TIGHT, 'cmswitch'],
  ['attention, cmswitch', attention, ROOMY, 'cmswitch'],
  ['attention, puma', attention, ROOMY, 'puma'],
  ['attention on 6 arrays, static:0.5', attention, TIGHT, 'static:0.5'],
  ['gated mobile block, occ', gated, ROOMY, 'occ'],
  ['gated mobile block on 6 arrays, cmswitch', gated, TIGHT, 'cmswitch'],
];

export async function subjects(): Promise<readonly Subject[]> {
  return Promise.all(
    SUBJECTS.map(async ([name, network, chip, optimizer]) => {
      const numbered = network();
      // Ranges of one input hold for all: numbers beyond saturate, on the chip as in the reference.
      const first = prepared(numbered, 1, chip.precision);
      const runs = Array.from({ length: INPUTS + 1 }, (_, i): Prepared => ({ ...first, inputs: seededInputs(numbered.graph, 100 + i) }));
      return { name, chip, runs, program: await programFor(numbered.graph, chip, optimizer), expected: runs.map(expectedOf) };
    }),
  );
}

/** The case of a number; undefined if its edit finds nothing to change. */
export function mutationCase(all: readonly Subject[], seed: number, number: number): Case | undefined {
  const random = randomFrom((seed * 1_000_003 + number) ^ 0x6d75);
  const classes = [...Object.entries(EDITS), ...Object.entries(MANIFEST_EDITS)];
  const [kind, change] = classes[number % classes.length]!;
  // The first of them that has something of the kind, from a random one on.
  const first = random(0, all.length - 1);
  const candidates = [...all.slice(first), ...all.slice(0, first)].map((one) => ({
    subject: one,
    edit: edited(one.program, change, random, one.chip.arrays),
  }));
  const found = candidates.find(({ edit: one }) => one !== undefined);
  if (found?.edit === undefined) return undefined;
  const { subject, edit } = found;
  const graph = subject.runs[0]!.graph;
  const rules = verifyProgram(edit.program, subject.chip).map((problem) => (problem.kind === 'program' ? problem.rule : problem.kind));
  const isRight = (i: number): boolean => sameNumbers(edit.program, subject, i);
  return {
    number,
    subject: subject.name,
    kind,
    what: edit.what,
    ofManifest: kind in MANIFEST_EDITS,
    changes: ![0, 1, 2].every(isRight),
    rules: [...new Set(rules)],
    rejectedWithModel: rules.length > 0 || verifyManifest(edit.program, graph).length > 0,
    noticedByRun: !isRight(INPUTS),
  };
}

/** Runs without the verifier. A run that stops, in whichever way, has not computed the numbers. */
function sameNumbers(program: Program, { chip, runs, expected }: Subject, i: number): boolean {
  try {
    const computed = computedBy(program, chip, runs[i]!, { verified: true });
    const right = expected[i]!;
    return computed.length === right.length && computed.every((value, at) => value === right[at]);
  } catch {
    return false;
  }
}
