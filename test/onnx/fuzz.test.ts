// A bounded number of cases; `npm run fuzz` goes on for as long as it is told to, over larger models, and watches time and memory.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bases, fuzzCase, type Outcome, outcomeOf } from './fuzz.ts';

const test = suite('onnx: fuzz');

const SEED = 2025;
const CASES = 600;
const BASES = bases(true);

test('a damaged model is a Graph or a CompileError', () => {
  const outcomes: Record<Outcome, number> = { graph: 0, refused: 0 };
  for (let number = 0; number < CASES; number++) {
    const one = fuzzCase(BASES, SEED, number);
    try {
      outcomes[outcomeOf(one)]++;
    } catch (error) {
      throw new Error(`case ${number}, ${one.base}, ${one.changes.join('; ')}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  // Damage that is always noticed at once would test little.
  assert.ok(outcomes.graph > CASES / 20 && outcomes.refused > CASES / 20, JSON.stringify(outcomes));
});

test('a case follows from its number', () => {
  const [one, same, other] = [[7], [7], [8]].map(([number = 0]) => fuzzCase(BASES, SEED, number));
  assert.equal(one?.changes, same?.changes);
  assert.ok(Buffer.compare(Buffer.from(one?.bytes ?? []), Buffer.from(same?.bytes ?? [])) === 0);
  assert.not.equal([one?.base, one?.changes], [other?.base, other?.changes]);
});

test.run();
