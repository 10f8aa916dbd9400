// The command line's grammar as data: each command with its operands and flags; parsing and --help
// come from it. Arguments are not trusted: whatever is not listed is a `usage` problem.

import { parseArgs } from 'node:util';
import { CompileError, fail } from '../base/problem.ts';
import { nearest } from '../base/wording.ts';

export interface Flag {
  /** What stands for the value in help; absent for a switch. */
  readonly value?: string;
  readonly help: string;
  readonly default?: string;
}

export interface Command {
  readonly name: string;
  readonly operands: readonly string[];
  readonly summary: string;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly examples: readonly string[];
}

export interface Arguments {
  readonly operands: readonly string[];
  /** What was given, or the default. */
  readonly text: (flag: string) => string | undefined;
  readonly given: (flag: string) => string | undefined;
  readonly on: (flag: string) => boolean;
}

/** Operands and flags of a command. Throws `usage`, naming the nearest known flag. */
export function parseCommand(command: Command, argv: readonly string[]): Arguments {
  const options = Object.fromEntries(
    Object.entries({ ...command.flags, help: HELP }).map(([name, flag]) => [
      name,
      { type: flag.value === undefined ? ('boolean' as const) : ('string' as const), multiple: true as const },
    ]),
  );
  let values: Record<string, (string | boolean)[] | undefined>;
  let operands: string[];
  try {
    ({ values, positionals: operands } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true }));
  } catch (error) {
    throw usage(command, argv, error as Error);
  }
  const repeated = Object.entries(values).find(([, list]) => (list?.length ?? 0) > 1)?.[0];
  if (repeated !== undefined) fail({ kind: 'usage', message: `--${repeated} is given twice`, next: 'Give it once.' });
  if (values.help === undefined && operands.length !== command.operands.length) {
    fail({
      kind: 'usage',
      message: `cimbook ${command.name} takes ${command.operands.join(' ') || 'no operand'}, not ${operands.length === 0 ? 'nothing' : operands.map((o) => `'${o}'`).join(' ')}`,
      next: `For example: ${command.examples[0] ?? ''}`,
    });
  }
  return {
    operands,
    text: (flag) => (values[flag]?.[0] as string | undefined) ?? command.flags[flag]?.default,
    given: (flag) => values[flag]?.[0] as string | undefined,
    on: (flag) => values[flag] !== undefined,
  };
}

const HELP: Flag = { help: 'this text' };

function usage(command: Command, argv: readonly string[], error: Error): CompileError {
  const known = Object.keys(command.flags);
  const unknown = argv
    .map((arg) => /^--(?:no-)?([^=]+)/.exec(arg)?.[1])
    .find((name) => name !== undefined && !known.includes(name) && !known.includes(`no-${name}`) && name !== 'help');
  if (unknown !== undefined) {
    const meant = nearest(unknown, known);
    const next = `${meant === undefined ? '' : `Did you mean --${meant}? `}See cimbook ${command.name} --help.`;
    return new CompileError([{ kind: 'usage', message: `cimbook ${command.name} has no flag --${unknown}`, next }]);
  }
  const [, flag] = /^Option '--([^' ]+)[^']*' argument is ambiguous/.exec(error.message) ?? [];
  if (flag !== undefined) {
    const value = argv[argv.indexOf(`--${flag}`) + 1];
    const message = `the value of --${flag} is missing: ${value} begins like a flag`;
    return new CompileError([{ kind: 'usage', message, next: `If it is meant, write --${flag}=${value}.` }]);
  }
  const message =
    error.message
      .split('\n')[0]
      ?.replace(/\.$/, '')
      .replace(/\. To specify.*$/, '') ?? 'wrong arguments';
  return new CompileError([{ kind: 'usage', message, next: `See cimbook ${command.name} --help.` }]);
}

export function helpOf(command: Command): string {
  const left = Object.entries({ ...command.flags, help: HELP }).map(
    ([name, flag]) => [`--${name}${flag.value === undefined ? '' : ` ${flag.value}`}`, flag] as const,
  );
  const width = Math.max(...left.map(([text]) => text.length));
  return [
    `cimbook ${command.name} ${command.operands.join(' ')}`.trimEnd(),
    `  ${command.summary}`,
    '',
    ...left.map(([text, flag]) => `  ${text.padEnd(width)}  ${flag.help}${flag.default === undefined ? '' : ` (default ${flag.default})`}`),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n');
}

/** A whole number of at least `least`. Throws `usage`. */
export function wholeNumber(text: string, flag: string, least: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < least)
    fail({
      kind: 'usage',
      message: `--${flag} ${text} is not a whole number of at least ${least}`,
      next: `For example --${flag} ${Math.max(least, 8)}.`,
    });
  return value;
}
