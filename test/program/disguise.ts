// The same program in other clothes: other names, another order of declarations, another layout of its text.

import { parseProgram } from '../../lib/program/parse.ts';
import { printProgram } from '../../lib/program/print.ts';
import type { MetaOp, Program, Statement } from '../../lib/program/program.ts';
import type { Random } from './edits.ts';

/** Under other names, its declarations in another order. Names in a loop keep their variables. */
export function renamed(program: Program): Program {
  const name = (id: string): string => `x ${id}'`;
  const names = (ids: readonly string[]): readonly string[] => ids.map(name);
  const metaOp = (op: MetaOp): MetaOp => {
    switch (op.kind) {
      case 'CM.switch':
        return op;
      case 'CIM.write':
        return { ...op, operator: name(op.operator), from: names(op.from) };
      case 'MEM.move':
        return { ...op, from: names(op.from), to: names(op.to) };
      default:
        return { ...op, operator: name(op.operator), from: names(op.from), to: names(op.to) };
    }
  };
  const statement = (one: Statement): Statement => {
    if (one.kind === 'parallel') return { kind: 'parallel', body: one.body.map(metaOp) };
    return one.kind === 'loop' ? { ...one, body: one.body.map(statement) } : metaOp(one);
  };
  return {
    ...program,
    tensors: program.tensors.map((tensor) => ({ ...tensor, id: name(tensor.id) })).reverse(),
    regions: program.regions.map((region) => ({ ...region, id: name(region.id), tensor: name(region.tensor) })).reverse(),
    operators: program.operators
      .map((operator) => ({
        ...operator,
        id: name(operator.id),
        output: name(operator.output),
        inputs: operator.inputs.map((input) => ({ ...input, tensor: name(input.tensor) })),
        partials: operator.partials.map((partial) => ({ ...partial, tensor: name(partial.tensor) })),
      }))
      .reverse(),
    body: program.body.map(statement),
  };
}

/** Regions under other names, which the model does not know of: what a functional run can follow. */
export function regionsRenamed(program: Program): Program {
  const ids = (list: readonly string[]): readonly string[] => list.map((id) => `_${id}`);
  const metaOp = (op: MetaOp): MetaOp => {
    if (op.kind === 'CM.switch') return op;
    return op.kind === 'CIM.write' ? { ...op, from: ids(op.from) } : { ...op, from: ids(op.from), to: ids(op.to) };
  };
  const statement = (one: Statement): Statement => {
    if (one.kind === 'parallel') return { kind: 'parallel', body: one.body.map(metaOp) };
    return one.kind === 'loop' ? { ...one, body: one.body.map(statement) } : metaOp(one);
  };
  return {
    ...program,
    regions: program.regions.map((region) => ({ ...region, id: `_${region.id}` })).reverse(),
    body: program.body.map(statement),
  };
}

/** Its text with fields in another order, other spaces, empty lines, broken lines and comments, read again. */
export function reformatted(program: Program, random: Random): Program {
  const lines = printProgram(program)
    .split('\n')
    .flatMap((line, at) => (at === 0 ? [line] : [...noise(random), relaid(line, random)]));
  return parseProgram(lines.join(random(0, 1) === 0 ? '\n' : '\r\n'));
}

function noise(random: Random): readonly string[] {
  return [[], [''], ['   # CM.switch(TOM, arrays=[0])'], []][random(0, 3)]!;
}

function relaid(line: string, random: Random): string {
  // What stands in quotes is somebody's name.
  if (line.includes('"') || line === '') return line;
  const gap = (): string => ' '.repeat(random(1, 3));
  const call = /^(\s*)([A-Z]+\.\w+)\((.*)\)$/.exec(line);
  if (call !== null) {
    const [, indent = '', kind = '', inside = ''] = call;
    const fields = split(inside, ',');
    const fixed = kind === 'CM.switch' ? fields.slice(0, 1) : [];
    const text = [...fixed, ...shuffled(fields.slice(fixed.length), random)].join(`${gap()},${random(0, 1) === 0 ? gap() : '\n\t'}`);
    return `${indent}${gap()}${kind}(${gap()}${text.replaceAll('=', `${gap()}=${gap()}`)})${random(0, 1) === 0 ? '' : ' # done'}`;
  }
  const declaration = /^(\s*)(tensor|operator|region|input) (\S+) (.*)$/.exec(line);
  if (declaration === null) return line;
  const [, indent = '', kind = '', id = '', rest = ''] = declaration;
  return `${indent}${kind}${gap()}${id}${gap()}${shuffled(split(rest, ' '), random).join(gap())}`;
}

/** Parts between separators that stand in no bracket. */
function split(text: string, separator: string): readonly string[] {
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if ('[({'.includes(character)) depth++;
    if ('])}'.includes(character)) depth--;
    if (character === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  const all = [...list];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random(0, i);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}
