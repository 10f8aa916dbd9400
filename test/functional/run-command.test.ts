// cimbook run: what it prints, what it compares, what it refuses.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCommand } from '../../lib/cli/arguments.ts';
import { RUN_COMMANDS } from '../../lib/cli/run-command.ts';
import { emit } from '../../lib/emit/emit.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { printProgram } from '../../lib/program/print.ts';
import { readNumpy, writeNpz } from '../../lib/workload/npz.ts';
import { digits } from './digits.ts';

const run = suite<{ folder: string }>('cimbook run');

const MODEL = 'datasets/digits.onnx';

async function cimbookRun(...argv: readonly string[]): Promise<string> {
  const [{ command, run: start }] = RUN_COMMANDS as [(typeof RUN_COMMANDS)[0]];
  return String(await start(parseCommand(command, argv), argv));
}

run.before(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'cimbook-run-'));
  const hardware = loadHardware('hw/dynaplasia.json');
  const graph = importOnnx(MODEL, { bind: { batch: 1 } });
  writeFileSync(join(context.folder, 'program.mop'), printProgram(emit(graph, await schedule(graph, hardware), hardware)));
  const { inputs, labels } = digits(8);
  const image = { shape: [8, 1, 8, 8], values: inputs.image ?? [] };
  writeFileSync(join(context.folder, 'images.npz'), writeNpz({ image, label: { shape: [8], values: labels } }));
});

run.after(({ folder }) => rmSync(folder, { recursive: true }));

run('compares every batch of an input file with the reference, and finds the right classes', async ({ folder }) => {
  const told = JSON.parse(await cimbookRun(folder, '--model', MODEL, '--input', join(folder, 'images.npz'), '--json', '--output', folder));
  assert.is(told.schemaVersion, 1);
  assert.is(told.batches, 8);
  assert.is(told.weights, 'model');
  const [{ name, elements, identical, sameTop, rows, snrDecibels }] = told.outputs;
  assert.equal({ name, elements, identical, sameTop, rows }, { name: 'logits', elements: 80, identical: 80, sameTop: 8, rows: 8 });
  assert.ok(snrDecibels > 30);
  assert.equal(told.accuracy, { real: 1, computed: 1 });
  const written = readNumpy(readFileSync(join(folder, 'outputs.npz')), 'outputs.npz');
  assert.equal(written.logits?.shape, [8, 1, 10]);
});

run('takes arrays under other names', async ({ folder }) => {
  const told = JSON.parse(
    await cimbookRun(folder, '--model', MODEL, '--input', 'datasets/digits.npz', '--take', 'image=images/16', '--samples', '3', '--json'),
  );
  assert.is(told.batches, 3);
  assert.equal(told.accuracy, { real: 1, computed: 1 });
});

run('says which numbers are random, and with noise that not all integers are the reference’s', async ({ folder }) => {
  const text = await cimbookRun(folder, '--model', MODEL, '--seed', '3', '--noise', '4', '--adc-bits', '6');
  assert.match(text, /Random numbers of seed 3: inputs\n/);
  assert.match(text, /logits +10 +\d \(\d+ %\)/);
});

run('refuses another model, inputs that do not fit, and files that are none', async ({ folder }) => {
  const refused = async (pattern: RegExp, ...argv: readonly string[]): Promise<void> => {
    try {
      await cimbookRun(folder, ...argv);
    } catch (error) {
      assert.match((error as Error).message, pattern);
      return;
    }
    assert.unreachable(argv.join(' '));
  };
  await refused(/no model is given/);
  await refused(/is not what the program was compiled from/, '--model', 'datasets/digits-qdq.onnx');
  await refused(/missing\.npz.*no such file/, '--model', MODEL, '--input', join(folder, 'missing.npz'));
  await refused(/is not a NumPy file/, '--model', MODEL, '--input', join(folder, 'program.mop'));
  await refused(/the file has no array 'pictures'/, '--model', MODEL, '--input', 'datasets/digits.npz', '--take', 'image=pictures');
  await refused(/--noise lots is not a number/, '--model', MODEL, '--noise', 'lots');
  writeFileSync(join(folder, 'other.npz'), writeNpz({ image: { shape: [1, 1, 7, 8], values: new Float64Array(56) } }));
  await refused(
    /has shape \[1, 1, 7, 8\] in the input file, and the network takes \[1, 1, 8, 8\]/,
    '--model',
    MODEL,
    '--input',
    join(folder, 'other.npz'),
  );
});

run.run();
