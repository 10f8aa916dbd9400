// The import's passes, in order, and the runner. After each pass all problems found so far are thrown together, so
// every pass can rely on what the ones before it established.

import { failOn, internal, type Problem } from '../base/problem.ts';
import { verifyGraph } from '../ir/verify.ts';
import { bind } from './bind.ts';
import { block } from './block.ts';
import { check } from './check.ts';
import { decodeModel } from './decode.ts';
import { fuse } from './fuse.ts';
import type { ImportState } from './import-state.ts';
import { infer } from './infer.ts';
import { inline } from './inline.ts';
import { layout } from './layout.ts';
import { link } from './link.ts';
import { lower } from './lower.ts';
import { prune } from './prune.ts';
import { simplify } from './simplify/simplify.ts';
import { sort } from './sort.ts';

export interface Pass {
  readonly name: string;
  readonly description: string;
  /** Works on the state, appends to the problems, and returns what it did in a few words. */
  readonly run: (state: ImportState, problems: Problem[]) => string;
}

export interface LogEntry {
  readonly pass: string;
  readonly description: string;
  readonly outcome: string;
}

export const PASSES: readonly Pass[] = [
  // bytes -> model
  { name: 'decode', description: 'Read nodes, inputs and initialisers; leave weights in the file', run: decode },
  { name: 'inline', description: "Put the nodes of the model's own functions in the place of calls", run: inline },
  { name: 'check', description: 'Operators known, every value defined once', run: check },
  { name: 'sort', description: 'Put nodes into topological order', run: sort },
  // model -> every value's shape
  { name: 'bind', description: 'Give symbolic dimensions their numbers', run: bind },
  { name: 'infer', description: 'Infer types and shapes, fold what depends on constants only', run: infer },
  { name: 'prune', description: 'Keep the nodes that run and are needed', run: prune },
  // nodes -> operators
  { name: 'lower', description: 'Turn nodes into operators', run: lower },
  { name: 'simplify', description: 'Recognise activations, normalisations and rotations; join views', run: simplify },
  { name: 'layout', description: 'Decide which axis of each tensor holds its features', run: layout },
  { name: 'fuse', description: 'Join elementwise operators to their producers', run: fuse },
  { name: 'link', description: 'Make the graph: tensors, roles, windows, producers', run: link },
  { name: 'block', description: 'Find blocks that repeat, and number what differs between their instances', run: block },
  { name: 'verify', description: "Check the graph's invariants", run: verify },
];

/** Runs the passes up to and with the one called `last`; all of them unless told otherwise. Throws CompileError. */
export function runPasses(state: ImportState, last = 'verify'): LogEntry[] {
  const log: LogEntry[] = [];
  for (const { name, description, run } of PASSES) {
    const problems: Problem[] = [];
    const outcome = run(state, problems);
    failOn(problems);
    log.push({ pass: name, description, outcome });
    if (name === last) break;
  }
  return log;
}

function decode(state: ImportState, problems: Problem[]): string {
  const decoded = decodeModel(state.bytes, state.path);
  for (const problem of decoded.problems) problems.push(problem);
  if (decoded.model === undefined) return '';
  state.model = decoded.model;
  return `${state.model.nodes.length} nodes, ${state.model.initializers.length} initialisers`;
}

/** A graph that breaks an invariant is a defect of the import, whatever the file. */
function verify({ graph }: ImportState): string {
  if (graph === undefined) throw internal('the import made no graph');
  const [problem] = verifyGraph(graph);
  if (problem !== undefined) throw internal(`the import made an invalid graph: ${JSON.stringify(problem)}`);
  return 'valid';
}
