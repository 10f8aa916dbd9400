// `cimbook explain` and `cimbook diff`: why a plan is as it is, and how two differ.

import { diffSides, printDiff, readDiffSide } from '../optimizer/diff.ts';
import { explain } from '../optimizer/explain.ts';
import { printExplanation } from '../optimizer/print-explanation.ts';
import { schedule } from '../optimizer/schedule.ts';
import type { Runnable } from './commands.ts';
import { isDirectory, readText } from './files.ts';
import {
  BIND_FLAGS,
  HARDWARE_FLAG,
  JSON_FLAG,
  loadChip,
  loadModel,
  PRECISION_FLAGS,
  SCHEDULE_FLAGS,
  scheduleOptions,
} from './model-flags.ts';

const EXPLAIN: Runnable = {
  command: {
    name: 'explain',
    operands: ['MODEL'],
    summary: 'Why this plan: what limits each operator, what one more array would bring, why each segment ends where it does.',
    flags: { ...HARDWARE_FLAG, ...SCHEDULE_FLAGS, ...BIND_FLAGS, ...PRECISION_FLAGS, ...JSON_FLAG },
    examples: ['cimbook explain datasets/vgg16.onnx --hw hw/dynaplasia-paper.json'],
  },
  run: async (args, argv) => {
    const hardware = loadChip(args);
    const graph = loadModel(args.operands[0] ?? '', args, argv);
    const explanation = explain(await schedule(graph, hardware, scheduleOptions(args)), graph, hardware);
    return args.on('json') ? JSON.stringify({ schemaVersion: 1, ...explanation }) : printExplanation(explanation);
  },
};

const DIFF: Runnable = {
  command: {
    name: 'diff',
    operands: ['A', 'B'],
    summary: 'How two plans differ: cuts, copies, memory arrays, cycles. A and B are plan.json or report.json, or directories with them.',
    flags: { ...JSON_FLAG },
    examples: ['cimbook diff out-static/ out-cmswitch/'],
  },
  run: (args) => {
    const [a = '', b = ''] = args.operands.map((path) => (isDirectory(path) ? `${path}/report.json` : path));
    const side = (path: string) => readDiffSide(readText(path, 'a plan.json or report.json'), path);
    const found = diffSides(side(a), side(b));
    return args.on('json') ? JSON.stringify({ schemaVersion: 1, ...found }) : printDiff(found);
  },
};

export const WHY_COMMANDS: readonly Runnable[] = [EXPLAIN, DIFF];
