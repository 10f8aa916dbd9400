// Fuzzing the import: valid models, damaged at random, must give a Graph or a CompileError. A case follows from its number
// alone, so that every one can be repeated.

import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompileError } from '../../lib/base/problem.ts';
import { randomOf, wholeBelow } from '../../lib/base/random.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { buildModel, node } from './build.ts';
import { CONSTANTS, modelBytes } from './conformance.ts';
import { type RecordLine, recordedTest } from './conformance-record.ts';
import { type Bindings, datasetsPath } from './models.ts';
import { mutated } from './mutate.ts';

/** A valid model to start from. */
export interface Base {
  readonly name: string;
  /** How often it is chosen, relative to others: large ones take long. */
  readonly weight: number;
  readonly bytes: () => Uint8Array;
}

export interface FuzzCase {
  readonly number: number;
  readonly base: string;
  readonly bind: Bindings;
  readonly bytes: Uint8Array;
  readonly changes: readonly string[];
}

export type Outcome = 'graph' | 'refused';

const LINES = JSON.parse(readFileSync(fileURLToPath(new URL('node-tests.json', import.meta.url)), 'utf8')) as readonly RecordLine[];

/** Every model of datasets/, ONNX's node tests, and models with functions and branches. `small`: without those that take long. */
export function bases(small: boolean): readonly Base[] {
  const files = ['', 'narrow/'].flatMap((folder) =>
    readdirSync(datasetsPath(folder || '.'))
      .filter((file) => file.endsWith('.onnx'))
      .map((file): Base => {
        const bytes = readFileSync(datasetsPath(folder + file));
        return { name: folder + basename(file, '.onnx'), weight: bytes.length > 60_000 ? 4 : 40, bytes: () => bytes };
      }),
  );
  const tests = LINES.flatMap((line) =>
    CONSTANTS.slice(0, 2).map(
      (constants): Base => ({ name: `${line.name} ${constants}`, weight: 1, bytes: () => modelBytes(recordedTest(line), constants) }),
    ),
  );
  return [...(small ? files.filter(({ weight }) => weight > 4) : files), ...tests, { name: 'functions', weight: 40, bytes: withFunctions }];
}

/** Operators by domain and type, as the node tests and models have them. */
const OP_TYPES = [...new Set([...LINES.map(({ domain = '', op }) => `${domain} ${op}`), ' If', ' Loop', 'modules F', 'com.example X'])];

/** Case `number` of `seed`. */
export function fuzzCase(from: readonly Base[], seed: number, number: number): FuzzCase {
  const random = randomOf(seed, number);
  const total = from.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = wholeBelow(random, total);
  let below = 0;
  const base = from.find(({ weight }) => {
    below += weight;
    return drawn < below;
  }) as Base;
  const size = (): number => [1, 2, 3, 5, 64, 0, 2 ** 20, 2 ** 53, -1, 1.5][wholeBelow(random, random() < 0.8 ? 5 : 10)] ?? 1;
  const bind = { batch: size(), sequence: size(), past: size() };
  return { number, base: base.name, bind, ...mutated(base.bytes(), OP_TYPES, random) };
}

/** What became of a case. Throws whatever the import throws that is no CompileError. */
export function outcomeOf({ bytes, bind }: FuzzCase): Outcome {
  try {
    importOnnx(bytes, { defaults: bind });
    return 'graph';
  } catch (error) {
    if (error instanceof CompileError) return 'refused';
    throw error;
  }
}

function withFunctions(): Uint8Array {
  const call = (inputs: readonly string[], outputs: readonly string[], name: string) => ({
    ...node('F', inputs, outputs, { axis: 1 }, name),
    domain: 'modules',
  });
  const branch = (op: string) => ({ graph: { outputs: ['r'], nodes: [node(op, ['y'], ['r'])] } });
  return buildModel({
    inputs: { x: ['batch', 3, 4] },
    outputs: ['z'],
    weights: { two: { shape: [1], values: [2] } },
    functions: [
      { name: 'G', domain: 'modules', inputs: ['a'], outputs: ['b'], nodes: [node('Relu', ['a'], ['c']), node('Neg', ['c'], ['b'])] },
      {
        name: 'F',
        domain: 'modules',
        inputs: ['a', 'b'],
        outputs: ['c'],
        nodes: [{ ...node('G', ['a'], ['g']), domain: 'modules' }, node('Concat', ['g', 'b'], ['c'], { axis: { from: 'axis' } })],
      },
    ],
    nodes: [
      call(['x', 'x'], ['y'], 'first'),
      node('Shape', ['x'], ['s'], { end: 1 }),
      node('Equal', ['s', 'two'], ['yes']),
      node('If', ['yes'], ['q'], { then_branch: branch('Softmax'), else_branch: branch('Sigmoid') }),
      call(['q', 'y'], ['z'], 'second'),
    ],
  });
}
