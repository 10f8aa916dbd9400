// Program body -> blocks: the meta-operators of a boundary and the parallel block they lead to.
// Loops are unrolled as they are walked, never in memory.

import { statementsOf } from './expand.ts';
import type { MetaOp, Parallel, Program, Statement } from './program.ts';

export interface Block {
  /** Number of the parallel block, from 0; the boundary after the last one has the next number. */
  readonly id: number;
  readonly boundary: readonly MetaOp[];
  /** Empty for what follows the last parallel block. */
  readonly parallel: readonly MetaOp[];
}

/** Parallel blocks that run, each turn of a loop counted. */
export function countBlocks(statements: readonly Statement[]): number {
  let count = 0;
  for (const statement of statements) {
    if (statement.kind === 'parallel') count++;
    else if (statement.kind === 'loop') count += statement.count === 0 ? 0 : statement.count * countBlocks(statement.body);
  }
  return count;
}

export function blocksOf(program: Program): Generator<Block> {
  return blocksIn(statementsOf(program));
}

/** Statements as blocks, numbered from `first` on. */
export function* blocksIn(statements: Iterable<MetaOp | Parallel>, first = 0): Generator<Block> {
  let boundary: MetaOp[] = [];
  let id = first;
  for (const statement of statements) {
    if (statement.kind !== 'parallel') {
      boundary.push(statement);
      continue;
    }
    yield { id: id++, boundary, parallel: statement.body };
    boundary = [];
  }
  if (boundary.length > 0) yield { id, boundary, parallel: [] };
}
