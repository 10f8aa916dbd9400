#!/usr/bin/env node
// The command line: arguments -> standard output and an exit code.
// 0 done, 2 bad input (one message, no stack), 130 interrupted, 1 a defect of ours (`internal:`).

import { readFileSync } from 'node:fs';
import { CompileError } from '../base/problem.ts';
import { nearest } from '../base/wording.ts';
import { helpOf, parseCommand } from './arguments.ts';
import { BOOK_COMMANDS } from './book-commands.ts';
import { COMMANDS, type Runnable } from './commands.ts';
import { COMPARE_COMMANDS } from './compare-command.ts';
import { KERNEL_COMMANDS } from './kernel-commands.ts';
import { PROGRAM_COMMANDS } from './program-commands.ts';
import { RUN_COMMANDS } from './run-command.ts';
import { SWEEP_COMMANDS } from './sweep-commands.ts';
import { WHY_COMMANDS } from './why-commands.ts';

const ALL: readonly Runnable[] = [
  ...COMMANDS,
  ...COMPARE_COMMANDS,
  ...PROGRAM_COMMANDS,
  ...WHY_COMMANDS,
  ...RUN_COMMANDS,
  ...SWEEP_COMMANDS,
  ...KERNEL_COMMANDS,
  ...BOOK_COMMANDS,
];

async function main(argv: readonly string[]): Promise<number> {
  const [first = '--help'] = argv;
  if (first === '--help' || first === 'help') return print(overview());
  if (first === '--version') return print(version());
  const found = ALL.find(({ command }) => argv.slice(0, words(command.name)).join(' ') === command.name);
  if (found === undefined) {
    const names = ALL.map(({ command }) => command.name);
    const meant = names.find((name) => name.startsWith(`${first} `)) ?? nearest(first, names) ?? nearest(argv.slice(0, 2).join(' '), names);
    const guess = meant === undefined ? '' : `Did you mean cimbook ${meant}? `;
    process.stderr.write(`cimbook has no command ${JSON.stringify(first)}. ${guess}See cimbook --help.\n`);
    return 2;
  }
  const rest = argv.slice(words(found.command.name));
  const args = parseCommand(found.command, rest);
  if (args.on('help')) return print(helpOf(found.command));
  const made = await found.run(args, rest);
  if (typeof made === 'string') return print(made);
  print(made.text);
  return made.exitCode;
}

function words(name: string): number {
  return name.split(' ').length;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function overview(): string {
  const width = Math.max(...ALL.map(({ command }) => command.name.length));
  return [
    'cimbook: compile deep networks for compute-in-memory chips whose arrays switch between computing and being memory',
    '',
    ...ALL.map(({ command }) => `  cimbook ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    'cimbook COMMAND --help shows flags, units and defaults; cimbook --version the version.',
  ].join('\n');
}

function version(): string {
  const url = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version;
}

// Ctrl-C ends a command at once because nothing listens to it: a listener would wait for the stage that runs.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof CompileError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  } else {
    const { message, stack } = error as Error;
    process.stderr.write(
      `${message.startsWith('internal:') ? '' : 'internal: '}${stack ?? message}\nThis is a defect of cimbook, not of your input; please report it with the command you ran.\n`,
    );
    process.exitCode = 1;
  }
}
