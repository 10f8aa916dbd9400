// The commands on programs: time one, verify one, print one.

import { CompileError, fail, failOn } from '../base/problem.ts';
import { printable } from '../base/text.ts';
import { verifyManifest } from '../dataflow/verify-manifest.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { loadHardware } from '../hardware/read.ts';
import { parseProgram } from '../program/parse.ts';
import { printProgram } from '../program/print.ts';
import type { Program } from '../program/program.ts';
import { verifyProgram } from '../program/verify.ts';
import { openTraceFile } from '../report/trace-file.ts';
import { printTrace } from '../simulator/print.ts';
import { simulate } from '../simulator/simulate.ts';
import type { Trace } from '../simulator/trace.ts';
import { traceReport } from '../simulator/trace-report.ts';
import type { Arguments } from './arguments.ts';
import type { Runnable } from './commands.ts';
import { isDirectory, readText } from './files.ts';
import { BIND_FLAGS, HARDWARE_FLAG, JSON_FLAG, loadModel } from './model-flags.ts';

const SIMULATE: Runnable = {
  command: {
    name: 'simulate',
    operands: ['PROGRAM_OR_DIR'],
    summary: 'Times a program on a chip: cycles and what bounds them, energy by component and operator, traffic.',
    flags: {
      ...HARDWARE_FLAG,
      trace: { value: 'FILE', help: 'write every job, mode and flow of data as Chrome/Perfetto trace JSON (times in microseconds)' },
      ...JSON_FLAG,
    },
    examples: ['cimbook simulate out/ --hw hw/dynaplasia.json --trace trace.json'],
  },
  run: (args) => {
    const { program, hardware } = loadProgram(args);
    const file = args.text('trace');
    const trace = file === undefined ? simulate(program, hardware, { criticalPath: true }) : simulateToFile(program, hardware, file);
    if (args.on('json')) return json(traceReport(trace));
    return `${printTrace(trace)}${file === undefined ? '' : `\nWrote ${printable(file)}`}`;
  },
};

const VERIFY: Runnable = {
  command: {
    name: 'verify',
    operands: ['PROGRAM_OR_DIR'],
    summary: 'Checks that a program may run on a chip; exit code 2 and every problem if not.',
    flags: {
      ...HARDWARE_FLAG,
      model: { value: 'FILE', help: 'the ONNX model it was compiled from: also checks that the program declares what the model needs' },
      ...BIND_FLAGS,
      ...JSON_FLAG,
    },
    examples: [
      'cimbook verify out/program.mop --hw hw/dynaplasia.json',
      'cimbook verify out/ --hw hw/dynaplasia.json --model datasets/resnet18.onnx',
    ],
  },
  run: (args, argv) => {
    const { program, hardware } = loadProgram(args);
    const model = args.text('model');
    const problems = verifyProgram(program, hardware);
    if (problems.length > 0) throw new CompileError(problems);
    if (model !== undefined) failOn(verifyManifest(program, loadModel(model, args, argv)));
    return args.on('json')
      ? json({ schemaVersion: 1, problems })
      : `${printable(program.model.name)}: right for ${printable(hardware.name)}${model === undefined ? '' : `, and what ${printable(model)} needs`}`;
  },
};

const FORMAT: Runnable = {
  command: {
    name: 'format',
    operands: ['PROGRAM_OR_DIR'],
    summary: 'Prints a program the way compile writes it: one layout, one order of fields. Comments are not kept.',
    flags: {},
    examples: ['cimbook format mine.mop'],
  },
  run: (args) => printProgram(readProgram(args.operands[0] ?? '')).trimEnd(),
};

/** A program by its file, or by the directory that compile --out wrote. */
export function readProgram(path: string): Program {
  return parseProgram(
    readText(isDirectory(path) ? `${path}/program.mop` : path, 'a program (.mop) or of a directory that compile --out wrote'),
  );
}

function loadProgram(args: Arguments): { readonly program: Program; readonly hardware: Hardware } {
  const program = readProgram(args.operands[0] ?? '');
  const hw = args.text('hw');
  if (hw === undefined)
    return fail({ kind: 'usage', message: 'no chip is given', next: 'Add --hw FILE, for example --hw hw/dynaplasia.json.' });
  return { program, hardware: loadHardware(hw, program.precision) };
}

function simulateToFile(program: Program, hardware: Hardware, path: string): Trace {
  const { clockHz, arrays } = hardware;
  const file = openTraceFile(path, { clockHz, arrays, title: `${program.model.name} on ${hardware.name}` });
  try {
    const trace = simulate(program, hardware, { onSpan: file.span, onFlow: file.flow, criticalPath: true });
    file.end();
    return trace;
  } catch (error) {
    file.abort();
    throw error;
  }
}

function json(value: unknown): string {
  return JSON.stringify(value);
}

export const PROGRAM_COMMANDS: readonly Runnable[] = [SIMULATE, VERIFY, FORMAT];
