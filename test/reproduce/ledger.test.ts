// The committed ledger: docs/reproduction.md is what the committed numbers say, and the numbers are what the code computes today.
// Both fail when something drifts; `npm run reproduce` writes them anew.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromCsv, toCsv } from '../../bench/reproduce/csv.ts';
import { fig15 } from '../../bench/reproduce/fig15.ts';
import { FOLDER, type Lab, liveLab, type Progress, recordedLab } from '../../bench/reproduce/lab.ts';
import { type Measured, measure, pointOf } from '../../bench/reproduce/point.ts';
import { reproduce } from '../../bench/reproduce/reproduce.ts';
import { randomFrom } from '../support/networks.ts';

const test = suite('reproduction: the committed ledger');

const recorded = await reproduce(() => recordedLab());
const committed = (name: string): string => readFileSync(`${FOLDER}/${name}.csv`, 'utf8');

test('docs/reproduction.md says what the committed numbers say, row by row', () => {
  assert.is(recorded.text, readFileSync('docs/reproduction.md', 'utf8'));
  for (const name of ['ledger', 'fig14', 'fig16', 'fig17', 'sweep', 'ends', 'map'])
    assert.is(toCsv(recorded.tables[name]!), committed(name), name);
});

test('no figure or number of the paper is missing', () => {
  const wheres = new Set(recorded.entries.map(({ where }) => where));
  for (const where of ['Fig. 1b, 5', 'Fig. 5c, 6', 'Fig. 14', 'Fig. 15a', 'Fig. 15b', 'Fig. 16', 'Fig. 17', 'Sec. 5.5', 'Fig. 18'])
    assert.ok(wheres.has(where), where);
  const ids = recorded.entries.map(({ id }) => id);
  assert.is(new Set(ids).size, ids.length);
  const rows = fromCsv(committed('fig16'));
  for (const model of ['bert-large', 'llama2-7b', 'opt-6.7b', 'opt-13b'])
    for (const batch of [4, 8, 16])
      for (const length of [32, 64, 128, 256, 512, 1024, 2048])
        assert.ok(
          rows.some((row) => row.reading === model && row.batch === batch && row.length === length),
          `${model} ${batch} ${length}`,
        );
  for (const { id, paperVerdict, hangs } of recorded.entries) {
    assert.ok(paperVerdict !== undefined, `${id} has a verdict`);
    assert.ok(hangs !== '', `${id} says what it hangs on`);
  }
});

/** Points that take no more than a second or two. */
const QUICK = /^(vgg16|resnet18|mobilenetv2|bert-large\|batch=1 sequence=64)\|/;

test('a sample of the points comes out as committed', async () => {
  const rows = fromCsv(committed('points')).filter(({ key }) => QUICK.test(String(key)));
  const random = randomFrom(6);
  const sample = new Set(Array.from({ length: 12 }, () => rows[random(0, rows.length - 1)]!));
  for (const { key, ...found } of [...sample, ...languageModels()]) {
    const isSimulated = found.machineCycles !== undefined;
    const now: Measured = await measure(pointOf(String(key), isSimulated), true);
    assert.equal({ ...now }, found, String(key));
  }
});

/** One pass of a language model under each compiler. */
function languageModels() {
  const wanted = ['cmswitch', 'cim-mlc'].map((optimizer) => `llama2-7b|batch=1 past=64 sequence=1|dynaplasia-paper||${optimizer}|`);
  const rows = fromCsv(committed('points')).filter(({ key }) => wanted.includes(String(key)));
  assert.is(rows.length, wanted.length);
  return rows;
}

test("Fig. 15's plans come out as committed", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cimbook-reproduce-'));
  const lab = liveLab(1, undefined, folder);
  try {
    await fig15.run(lab);
    for (const [name, rows] of lab.tables) assert.is(toCsv(rows), committed(name), name);
  } finally {
    lab.close();
    rmSync(folder, { recursive: true });
  }
});

test('what was measured is remembered: a run that is started again measures nothing twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cimbook-reproduce-'));
  const point = pointOf('resnet18|batch=1|dynaplasia-paper||cim-mlc|', true);
  const labs: Lab[] = [];
  try {
    const counts: number[] = [];
    for (const _ of [1, 2]) {
      let measured = 0;
      const note = (progress: Progress): void => {
        measured = progress.measured;
      };
      const lab = liveLab(1, note, folder);
      labs.push(lab);
      const [first, again] = await lab.ask([point, { ...point, simulate: false }]);
      assert.is(again?.paperCycles, first?.paperCycles);
      counts.push(measured);
    }
    assert.ok(counts[0]! > 0);
    assert.is(counts[1], 0);
  } finally {
    for (const lab of labs) lab.close();
    rmSync(folder, { recursive: true });
  }
});

test('a number that was never measured is missed by name, with what to do', async () => {
  const asked = recordedLab('/nowhere').ask([pointOf('vgg16|batch=1|dynaplasia-paper||cmswitch|', true)]);
  const message = await asked.then(
    () => '',
    (error: Error) => error.message,
  );
  assert.match(message, /lacks vgg16\|batch=1\|dynaplasia-paper\|\|cmswitch\|, simulated: run npm run reproduce/);
});

test.run();
