// Verifier, part one: the header against itself and the chip; every id, range and size a statement names.

import type { Steps } from '../base/pauses.ts';
import type { Range } from '../base/shapes.ts';
import { bytesOf, ceilDiv, WIDE_BITS } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import { countStatements, MOST_STATEMENTS } from './expand.ts';
import type { Findings } from './findings.ts';
import { indexProgram, type ProgramIndex, pieceShape } from './geometry.ts';
import type { ManifestOperator, MetaOp, MetaOpOf, Program, Region } from './program.ts';
import { partsOf } from './turns.ts';
import { checkTiles } from './verify-tiles.ts';

/** More chunks than this make a simulation longer, not better. */
const MOST_CHUNKS = 65_536;

export function* checkDeclarations(program: Program, hardware: Hardware, findings: Findings): Steps<void> {
  checkHeader(program, hardware, findings);
  const index = indexProgram(program);
  checkManifest(program, index, findings);
  yield;
  for (const region of program.regions) checkRegion(region, index, hardware, findings);
  const statements = countStatements(program);
  if (statements > MOST_STATEMENTS) {
    findings.add('shape', 'body', `unrolls to ${statements} statements, at most ${MOST_STATEMENTS} are run`, 'Make the loops shorter.');
  }
  if (findings.problems.length > 0) return;
  yield;
  yield* checkStatements(program, index, hardware, findings);
}

/** Turns of one kind name things of the same shapes, so that the first of them is looked at for all. */
function* checkStatements(program: Program, index: ProgramIndex, hardware: Hardware, findings: Findings): Steps<void> {
  const right = new Map<string, number>();
  let number = 0;
  const check = (op: MetaOp, inside: boolean): void => {
    checkStatement(op, `${op.kind} ${++number}`, index, hardware, findings);
    if (inside && op.kind === 'CM.switch') {
      findings.add(
        'mode',
        `CM.switch ${number}`,
        'switches arrays inside a parallel block',
        'Move it to the boundary before or after the block.',
      );
    }
  };
  for (const op of program.before ?? []) check(op, false);
  for (const { blocks, turn } of partsOf(program, index)) {
    yield;
    const known = turn && right.get(turn.kind);
    if (known !== undefined) {
      number += known;
      continue;
    }
    const [before, problems] = [number, findings.problems.length];
    for (const { boundary, parallel } of blocks()) {
      for (const op of boundary) check(op, false);
      for (const op of parallel) check(op, true);
      yield;
    }
    if (turn !== undefined && findings.problems.length === problems) right.set(turn.kind, number - before);
  }
}

function checkHeader(program: Program, hardware: Hardware, findings: Findings): void {
  if (program.hardware.arrays > hardware.arrays) {
    findings.add(
      'hardware',
      'hardware',
      `the program is for ${program.hardware.arrays} arrays; chip '${hardware.name}' has ${hardware.arrays}`,
      'Compile the model for this chip.',
    );
  }
  const { weightBits, activationBits } = hardware.precision;
  if (program.precision.weightBits !== weightBits || program.precision.activationBits !== activationBits) {
    findings.add(
      'hardware',
      'precision',
      `the program is for ${program.precision.weightBits}-bit weights and ${program.precision.activationBits}-bit activations, the chip was loaded for ${weightBits} and ${activationBits}`,
      "Load the chip with the program's precision.",
    );
  }
}

function checkManifest(program: Program, index: ProgramIndex, findings: Findings): void {
  for (const [what, list] of [
    ['tensor', program.tensors],
    ['operator', program.operators],
    ['region', program.regions],
  ] as const) {
    const seen = new Set<string>();
    for (const { id } of list) {
      if (seen.has(id)) findings.add('reference', `${what} ${id}`, 'is declared twice', 'Give each its own id.');
      seen.add(id);
    }
  }
  const { activationBits } = program.precision;
  for (const tensor of program.tensors) {
    if (tensor.positions < 1 || tensor.features < 1 || tensor.bits < 1) {
      findings.add(
        'shape',
        `tensor ${tensor.id}`,
        `has ${tensor.positions} positions of ${tensor.features} features of ${tensor.bits} bits`,
        'All three are at least 1.',
      );
    } else if (tensor.bits !== activationBits && tensor.bits !== WIDE_BITS) {
      findings.add(
        'shape',
        `tensor ${tensor.id}`,
        `has elements of ${tensor.bits} bits; the program's activations have ${activationBits}`,
        `Use ${activationBits}, or ${WIDE_BITS} for partial sums and for what is counted.`,
      );
    }
  }
  for (const operator of program.operators) {
    const where = `operator ${operator.id}`;
    const output = index.tensors.get(operator.output);
    for (const id of [operator.output, ...operator.inputs.map(({ tensor }) => tensor), ...operator.partials.map(({ tensor }) => tensor)]) {
      if (!index.tensors.has(id))
        findings.add('reference', where, `names tensor '${id}', which is not declared`, 'Declare it or correct the name.');
    }
    const { matrix } = operator;
    if (matrix !== undefined) {
      if (matrix.m < 1 || matrix.n < 1 || matrix.k < 1 || matrix.groups < 1) {
        findings.add(
          'shape',
          where,
          `is a product of m=${matrix.m}, n=${matrix.n}, k=${matrix.k}, groups=${matrix.groups}`,
          'All four are at least 1.',
        );
      } else if (output !== undefined && output.positions * output.features !== matrix.m * matrix.k * matrix.groups) {
        findings.add(
          'shape',
          where,
          `makes ${matrix.m * matrix.k * matrix.groups} elements, its output '${output.id}' has ${output.positions * output.features}`,
          'Make m * k * groups equal positions * features.',
        );
      }
    }
    checkUses(operator, findings);
    for (const { tensor: id } of operator.partials) {
      const partial = index.tensors.get(id);
      if (partial === undefined || output === undefined) continue;
      if (partial.positions !== output.positions || partial.features !== output.features) {
        findings.add(
          'shape',
          where,
          `has partial sums '${id}' of ${partial.positions} x ${partial.features}, its output '${output.id}' is ${output.positions} x ${output.features}`,
          'Give partial sums the shape of the output.',
        );
      }
    }
    for (const { tensor: id, window } of operator.inputs) {
      if (window.reach + window.lead < 1) {
        findings.add(
          'shape',
          where,
          `its window on '${id}' releases rows before they are needed: reach=${window.reach}, lead=${window.lead}`,
          'A window of r rows has reach + lead = r, at least 1.',
        );
      }
      const tensor = index.tensors.get(id);
      const inputs = window.samples * window.rowsIn * window.widthIn;
      if (tensor !== undefined && inputs !== tensor.positions) {
        findings.add(
          'shape',
          where,
          `its window on '${id}' covers ${inputs} positions of ${tensor.positions}`,
          'Make samples * rowsIn * widthIn equal the positions.',
        );
      }
      const outputs = window.samples * window.rowsOut * window.widthOut;
      if (output !== undefined && outputs !== output.positions) {
        findings.add(
          'shape',
          where,
          `its window on '${id}' makes ${outputs} of ${output.positions} output positions`,
          'Make samples * rowsOut * widthOut equal the positions.',
        );
      }
    }
  }
}

/** A product streams one operand past the other; a vector operator has no operand in arrays. */
function checkUses({ id, matrix, inputs }: ManifestOperator, findings: Findings): void {
  const count = (use: string): number => inputs.filter((input) => input.use === use).length;
  const [streams, stationary] = [count('stream'), count('stationary')];
  if (matrix !== undefined && (streams !== 1 || stationary > 1)) {
    findings.add(
      'shape',
      `operator ${id}`,
      `is a product of ${streams} streams and ${stationary} stationary operands`,
      'Declare one input with use=stream and at most one with use=stationary.',
    );
  }
  if (matrix === undefined && stationary > 0)
    findings.add('shape', `operator ${id}`, 'is no product and has a stationary operand', 'Use use=stream.');
}

function checkRegion(region: Region, index: ProgramIndex, hardware: Hardware, findings: Findings): void {
  const where = `region ${region.id}`;
  const tensor = index.tensors.get(region.tensor);
  if (tensor === undefined) {
    findings.add('reference', where, `names tensor '${region.tensor}', which is not declared`, 'Declare it or correct the name.');
    return;
  }
  checkRange(region.features, tensor.features, where, 'features', findings);
  if (region.window < 1 || region.window > tensor.positions) {
    findings.add('shape', where, `holds ${region.window} positions of ${tensor.positions}`, 'A window is 1 to all positions.');
  }
  const bytes = regionBytes(region, tensor.bits);
  const { place } = region;
  if (place.kind === 'buffer' && place.offset + bytes > hardware.bufferBytes) {
    findings.add(
      'capacity',
      where,
      `ends at byte ${place.offset + bytes} of the buffer, which has ${hardware.bufferBytes}`,
      'Make its window smaller or put it elsewhere.',
    );
  }
  if (place.kind === 'tiles') checkTiles(place, region, tensor, hardware, findings);
  if (place.kind === 'arrays' || place.kind === 'tiles') checkArrays(place.arrays, where, hardware, findings);
  if (place.kind !== 'arrays') return;
  const end = place.offset + ceilDiv(bytes, Math.max(1, place.arrays.length));
  if (end > hardware.memoryBytesPerArray) {
    findings.add(
      'capacity',
      where,
      `needs ${end} bytes of each array, which has ${hardware.memoryBytesPerArray}`,
      'Use more arrays or a smaller window.',
    );
  }
}

/** Bytes a region takes, over all of its arrays. */
export function regionBytes(region: Region, bits: number): number {
  return bytesOf(region.window * (region.features.to - region.features.from), bits);
}

function checkStatement(op: MetaOp, where: string, index: ProgramIndex, hardware: Hardware, findings: Findings): void {
  if (op.kind !== 'CM.switch') {
    for (const id of [...op.from, ...(op.kind === 'CIM.write' ? [] : op.to)]) {
      if (!index.regions.has(id))
        findings.add('reference', where, `names region '${id}', which is not declared`, 'Declare it or correct the name.');
    }
    const tiles = op.from.find((id) => index.regions.get(id)?.place.kind === 'tiles');
    if (tiles !== undefined)
      findings.add(
        'shape',
        where,
        `reads region '${tiles}', which lies as weight tiles`,
        'Compute on its arrays, or keep the data elsewhere, too.',
      );
  }
  if (op.kind === 'MEM.move' || op.kind === 'VEC.run' || op.kind === 'CIM.mvm') checkChunks(op, where, index, findings);
  if (op.kind === 'MEM.move') {
    const tensors = new Set([...op.from, ...op.to].map((id) => index.regions.get(id)?.tensor));
    if (tensors.size !== 1)
      findings.add('shape', where, `moves between regions of ${tensors.size} tensors`, 'Both sides hold the same tensor.');
    return;
  }
  if (op.kind === 'CM.switch') {
    checkArrays(op.arrays, where, hardware, findings);
    return;
  }
  const operator = index.operators.get(op.operator);
  if (operator === undefined) {
    findings.add('reference', where, `names operator '${op.operator}', which is not declared`, 'Declare it or correct the name.');
    return;
  }
  checkOperands(op, operator, where, index, findings);
  if (op.kind === 'VEC.run') {
    if (operator.vector === undefined) findings.add('shape', where, `'${op.operator}' is not a vector operator`, 'Use CIM.mvm.');
    checkOutputTensor(op, operator.output, where, index, findings);
    return;
  }
  checkArrays(op.arrays, where, hardware, findings);
  checkPiece(op, operator, where, index, hardware, findings);
}

/** Whoever names a region reads it: of an input, of a partial sum, or of the right operand that is written. */
function checkOperands(
  op: MetaOpOf<'CIM.write' | 'CIM.mvm' | 'VEC.run'>,
  { id, inputs, partials }: ManifestOperator,
  where: string,
  index: ProgramIndex,
  findings: Findings,
): void {
  const writing = op.kind === 'CIM.write';
  const own = inputs.filter(({ use }) => (use === 'stationary') === writing);
  const read = new Set((writing ? own : [...own, ...partials]).map(({ tensor }) => tensor));
  for (const region of op.from) {
    const tensor = index.regions.get(region)?.tensor;
    if (tensor !== undefined && !read.has(tensor))
      findings.add(
        'coverage',
        where,
        `reads region '${region}' of '${tensor}', which '${id}' does not take`,
        'Leave it out of from=[...].',
      );
  }
}

function checkChunks(op: MetaOpOf<'MEM.move' | 'VEC.run' | 'CIM.mvm'>, where: string, index: ProgramIndex, findings: Findings): void {
  const first = index.regions.get(op.to[0] ?? '');
  if (first === undefined) {
    if (op.to.length === 0) findings.add('coverage', where, 'writes nowhere', 'Name at least one region in to=[...].');
    return;
  }
  const positions = index.tensors.get(first.tensor)?.positions ?? 1;
  if (op.chunks < 1 || op.chunks > Math.min(positions, MOST_CHUNKS)) {
    findings.add(
      'shape',
      where,
      `has ${op.chunks} chunks for ${positions} positions`,
      `Use 1 to as many chunks as positions, at most ${MOST_CHUNKS}.`,
    );
  }
}

function checkOutputTensor(
  op: { readonly to: readonly string[] },
  expected: string,
  where: string,
  index: ProgramIndex,
  findings: Findings,
): void {
  for (const id of op.to) {
    const tensor = index.regions.get(id)?.tensor;
    if (tensor !== undefined && tensor !== expected)
      findings.add(
        'shape',
        where,
        `writes region '${id}' of tensor '${tensor}', not '${expected}'`,
        'Write to a region of its own output.',
      );
  }
}

function checkPiece(
  op: MetaOpOf<'CIM.mvm' | 'CIM.write'>,
  operator: ManifestOperator,
  where: string,
  index: ProgramIndex,
  hardware: Hardware,
  findings: Findings,
): void {
  const { matrix } = operator;
  if (matrix === undefined) {
    findings.add('shape', where, `'${op.operator}' is not a matrix operator`, 'Use VEC.run.');
    return;
  }
  const before = findings.problems.length;
  checkRange(op.outputs, matrix.k * matrix.groups, where, 'outputs', findings);
  checkRange(op.inner, matrix.n, where, 'inner', findings);
  if (findings.problems.length > before) return;
  const { tiles } = tileGrid(pieceShape(matrix, op.outputs, op.inner), hardware);
  if (op.copies < 1 || op.copies * tiles !== op.arrays.length) {
    findings.add(
      'shape',
      where,
      `lists ${op.arrays.length} arrays for ${op.copies} copies of ${tiles} tiles`,
      `List ${op.copies * tiles}.`,
    );
  }
  if (op.kind === 'CIM.write') return;
  const target = op.inner.to === matrix.n ? operator.output : operator.partials.find(({ upTo }) => upTo === op.inner.to)?.tensor;
  if (target === undefined) {
    findings.add(
      'reference',
      where,
      `no partial sum up to inner row ${op.inner.to} is declared for '${op.operator}'`,
      'Declare it in partials.',
    );
  } else {
    checkOutputTensor(op, target, where, index, findings);
  }
}

function checkRange(range: Range, length: number, where: string, what: string, findings: Findings): void {
  if (range.from < 0 || range.to > length || range.from >= range.to) {
    findings.add('shape', where, `${what}=${range.from}:${range.to} is not within 0:${length}`, 'Give a non-empty range within it.');
  }
}

function checkArrays(arrays: readonly number[], where: string, hardware: Hardware, findings: Findings): void {
  if (arrays.length === 0) findings.add('shape', where, 'lists no array', 'List at least one.');
  if (new Set(arrays).size !== arrays.length) findings.add('array-busy', where, 'lists an array twice', 'List each array once.');
  const highest = arrays.reduce((most, array) => Math.max(most, array), 0);
  if (highest >= hardware.arrays)
    findings.add(
      'hardware',
      where,
      `uses array ${highest}; chip '${hardware.name}' has 0 to ${hardware.arrays - 1}`,
      'Compile the model for this chip.',
    );
}
