// Program -> text (.mop), in the one canonical formatting: parseProgram(printProgram(p)) equals p.
// One statement a line, named fields, fields in the order of the types. docs/program.md is the grammar.

import { assertNever } from '../base/problem.ts';
import type { Range, Window } from '../base/shapes.ts';
import type { ManifestOperator, MetaOp, Place, Program, Region, Statement } from './program.ts';
import { BARE_HASH, BARE_ID, MAGIC, quote, VARIABLE } from './syntax.ts';

/** The text of a program. Values that no valid program has (a fraction of an array) are printed too; the parser rejects them. */
export function printProgram(program: Program): string {
  const { model, hardware, precision } = program;
  const sections = [
    [
      `${MAGIC} ${program.schemaVersion}`,
      `model ${quote(model.name)} ${printHash(model.hash)}`,
      `hardware ${quote(hardware.name)} ${printHash(hardware.hash)} arrays=${hardware.arrays}`,
      `precision weight=${precision.weightBits} activation=${precision.activationBits}`,
    ],
    program.tensors.map((t) => `tensor ${printId(t.id)} role=${t.role} positions=${t.positions} features=${t.features} bits=${t.bits}`),
    program.operators.flatMap(printOperator),
    program.regions.map(printRegion),
    program.before === undefined ? [] : ['before {', ...program.before.map((op) => `  ${printMetaOp(op)}`), '}'],
    printBody(program.body, '', []),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** A meta-operator on one line. */
export function printMetaOp(op: MetaOp): string {
  switch (op.kind) {
    case 'CM.switch':
      return `CM.switch(${op.to}, arrays=${printArrays(op.arrays)})`;
    case 'CIM.write':
      return `CIM.write(${printPiece(op)}, from=${printIds(op.from)})`;
    case 'CIM.mvm':
      return `CIM.mvm(${printPiece(op)}, ${printFlow(op)})`;
    case 'MEM.move':
      return `MEM.move(${printFlow(op)})`;
    case 'VEC.run':
      return `VEC.run(operator=${printId(op.operator)}, ${printFlow(op)})`;
    default:
      return assertNever(op);
  }
}

/** An id as program text has it: bare, or a JSON string. */
export function printId(id: string): string {
  return BARE_ID.test(id) ? id : quote(id);
}

/** A list of arrays in its order, runs that ascend by one as ranges: [7,3-5]. */
export function printArrays(arrays: readonly number[]): string {
  const runs: string[] = [];
  for (let i = 0; i < arrays.length; ) {
    const first = arrays[i] ?? 0;
    let length = 1;
    while (arrays[i + length] === first + length) length++;
    runs.push(length === 1 ? `${first}` : `${first}-${first + length - 1}`);
    i += length;
  }
  return `[${runs.join(',')}]`;
}

function printOperator(operator: ManifestOperator): string[] {
  const { matrix, vector, steps, partials } = operator;
  const fields = [`operator ${printId(operator.id)} output=${printId(operator.output)}`];
  if (matrix) fields.push(`matrix(m=${matrix.m}, n=${matrix.n}, k=${matrix.k}, groups=${matrix.groups})`);
  if (vector) fields.push(`vector(class=${vector.class}, elements=${vector.elements})`);
  if (steps.length > 0) fields.push(`steps=[${steps.map((step) => `${printId(step.id)}:${step.class}`).join(', ')}]`);
  if (partials.length > 0) fields.push(`partials=[${partials.map(({ tensor, upTo }) => `${printId(tensor)}:${upTo}`).join(', ')}]`);
  return [
    fields.join(' '),
    ...operator.inputs.map((input) => `  input ${printId(input.tensor)} use=${input.use} ${printWindow(input.window)}`),
  ];
}

function printWindow(window: Window): string {
  const { samples, rowsOut, widthOut, rowsIn, widthIn, stride, reach, lead } = window;
  return `window(samples=${samples}, out=${rowsOut}x${widthOut}, in=${rowsIn}x${widthIn}, stride=${stride}, reach=${reach}, lead=${lead})`;
}

function printRegion(region: Region): string {
  const { id, tensor, features, window, place } = region;
  return `region ${printId(id)} tensor=${printId(tensor)} features=${printRange(features)} window=${window} at=${printPlace(place)}`;
}

function printPlace(place: Place): string {
  switch (place.kind) {
    case 'external':
      return 'external';
    case 'buffer':
      return `buffer+${place.offset}`;
    case 'arrays':
      return `arrays${printArrays(place.arrays)}+${place.offset}`;
    case 'tiles': {
      const { by, n, k, groups, copies, arrays } = place;
      return `tiles(by=${by}, n=${n}, k=${k}, groups=${groups}, copies=${copies}, arrays=${printArrays(arrays)})`;
    }
    default:
      return assertNever(place);
  }
}

/** Appends the lines of `statements` to `lines`. */
function printBody(statements: readonly Statement[], indent: string, lines: string[]): string[] {
  for (const statement of statements) {
    if (statement.kind === 'parallel' || statement.kind === 'loop') {
      lines.push(`${indent}${statement.kind === 'loop' ? `loop ${printVariable(statement.variable)} ${statement.count}` : 'parallel'} {`);
      printBody(statement.body, `${indent}  `, lines);
      lines.push(`${indent}}`);
    } else {
      lines.push(indent + printMetaOp(statement));
    }
  }
  return lines;
}

type PieceFields = Pick<Extract<MetaOp, { kind: 'CIM.write' }>, 'operator' | 'outputs' | 'inner' | 'copies' | 'arrays'>;

function printPiece(op: PieceFields): string {
  const { operator, outputs, inner, copies, arrays } = op;
  return `operator=${printId(operator)}, outputs=${printRange(outputs)}, inner=${printRange(inner)}, copies=${copies}, arrays=${printArrays(arrays)}`;
}

function printFlow(op: { readonly chunks: number; readonly from: readonly string[]; readonly to: readonly string[] }): string {
  return `chunks=${op.chunks}, from=${printIds(op.from)}, to=${printIds(op.to)}`;
}

function printIds(ids: readonly string[]): string {
  return `[${ids.map(printId).join(', ')}]`;
}

function printRange(range: Range): string {
  return `${range.from}:${range.to}`;
}

function printHash(hash: string): string {
  return BARE_HASH.test(hash) ? hash : quote(hash);
}

function printVariable(variable: string): string {
  return VARIABLE.test(variable) ? variable : quote(variable);
}
