// Random single edits of right programs: the verifier finds at least nine in ten of those that change a result, verifier and
// functional check all of them. A sample; `npm run mutation` runs more and writes docs/mutation.md.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printProgram } from '../../lib/program/print.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { computedBy } from '../functional/support.ts';
import { randomFrom } from '../support/networks.ts';
import { reformatted, regionsRenamed, renamed } from './disguise.ts';
import { EDITS, MANIFEST_EDITS } from './edits.ts';
import { type Case, mutationCase, subjects } from './mutation.ts';

const mutation = suite('program: mutation');

const SEED = 2025;
const CASES = 10 * (Object.keys(EDITS).length + Object.keys(MANIFEST_EDITS).length);

const SUBJECTS = await subjects();

mutation('the programs as they are verify, and compute what the reference computes', () => {
  for (const { name, program, chip, runs, expected } of SUBJECTS) {
    assert.equal(verifyProgram(program, chip), [], name);
    for (const [i, run] of runs.entries()) assert.equal(computedBy(program, chip, run, { verified: true }), expected[i], name);
    assert.ok(new Set(expected.flat()).size > 4, `${name} computes something`);
  }
  assert.ok(SUBJECTS.some(({ program }) => program.body.some(({ kind }) => kind === 'loop')));
});

mutation('edits that change a result are rejected', () => {
  const cases = Array.from({ length: CASES }, (_, number) => mutationCase(SUBJECTS, SEED, number)).filter((one) => one !== undefined);
  const changing = cases.filter(({ changes }) => changes);
  // Edits that never change anything, or always, would test little.
  assert.ok(changing.length > CASES / 3 && changing.length < cases.length, `${changing.length} of ${cases.length}`);
  const missed = (of: readonly Case[], found: (one: Case) => boolean): string =>
    of
      .filter((one) => !found(one))
      .map(({ number, kind, what }) => `${number}: ${kind}, ${what}`)
      .join('\n');
  const statements = changing.filter(({ ofManifest }) => !ofManifest);
  const found = statements.filter(({ rules }) => rules.length > 0);
  assert.ok(
    found.length >= 0.9 * statements.length,
    missed(statements, ({ rules }) => rules.length > 0),
  );
  const withModel = changing.filter(({ rejectedWithModel }) => rejectedWithModel);
  assert.ok(
    withModel.length >= 0.9 * changing.length,
    missed(changing, ({ rejectedWithModel }) => rejectedWithModel),
  );
  assert.is(
    missed(changing, ({ rejectedWithModel, noticedByRun }) => rejectedWithModel || noticedByRun),
    '',
  );
});

mutation('other names and other layouts are never rejected, and change no number', () => {
  const random = randomFrom(SEED);
  for (const { name, program, chip, runs, expected } of SUBJECTS) {
    assert.equal(verifyProgram(renamed(program), chip), [], name);
    for (let i = 0; i < 4; i++) {
      const other = reformatted(program, random);
      assert.is(printProgram(other), printProgram(program), name);
    }
    const other = regionsRenamed(program);
    assert.equal(verifyProgram(other, chip), [], name);
    assert.equal(computedBy(other, chip, runs[0]!), expected[0], name);
  }
});

mutation.run();
