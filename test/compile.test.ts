// The whole pipeline on every shipped model and chip.

import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../lib/compile.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import { verifyPlan } from '../lib/optimizer/verify.ts';
import { parseProgram } from '../lib/program/parse.ts';
import { printProgram } from '../lib/program/print.ts';
import { verifyTrace } from '../lib/simulator/verify.ts';
import { MODELS } from './onnx/models.ts';

const CHIPS = readdirSync('hw').filter((name) => name.endsWith('.json') && name !== 'schema.json');

assert.ok(MODELS.length >= 6 && CHIPS.length >= 2);
for (const model of MODELS) {
  for (const chip of CHIPS) {
    test(`${model} compiles and runs on ${chip}, switching and frozen, no faster than the bound`, async () => {
      const graph = importOnnx(`datasets/${model}.onnx`, { bind: { batch: 1 } });
      const hardware = loadHardware(`hw/${chip}`);
      for (const optimizer of ['cmswitch', 'static:1']) {
        const { plan, program, trace } = await compile(graph, hardware, { optimizer });
        assert.ok(trace);
        assert.equal(verifyPlan(plan, graph), [], optimizer);
        assert.equal(verifyTrace(trace), [], optimizer);
        assert.ok(trace.makespanCycles >= plan.lowerBoundCycles, optimizer);
        assert.equal(parseProgram(printProgram(program)), program, optimizer);
      }
    });
  }
}

test.run();
