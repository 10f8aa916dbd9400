import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderNoun, summarise, summaryText } from '../../lib/report/summary.ts';
import { table } from '../../lib/report/table.ts';
import { chip, graph, HOSTILE, plan, program, trace } from './nouns.ts';

const test = suite('summaries');

const NOUNS = (name?: string) => [graph(name), plan(name), program(name), trace(name), chip()];

test('every noun has an HTML and a text summary', () => {
  for (const noun of NOUNS()) {
    const bundle = renderNoun(noun);
    assert.equal(Object.keys(bundle ?? {}), ['text/html', 'text/plain'], noun.noun);
    assert.match(String(bundle?.['text/plain']), /^(Graph|Plan|Program|Trace|Hardware) /);
  }
});

test('summaries of hostile models are text', () => {
  for (const noun of NOUNS(HOSTILE)) {
    const hostile = 'model' in noun ? { ...noun, model: { ...noun.model, name: HOSTILE } } : { ...noun, name: HOSTILE };
    const bundle = renderNoun(hostile)!;
    assert.not.match(String(bundle['text/html']), /<script|<img|<b>/, noun.noun);
    assert.not.match(String(bundle['text/plain']), /[\u001b\u202e]/, noun.noun);
  }
});

test('other values are left alone, malformed nouns too', () => {
  for (const value of [null, 1, 'plan', [], {}, { noun: 'plan' }, { noun: 'graph', operators: 3 }, { noun: 'nothing' }, new Error('x')]) {
    assert.is(renderNoun(value), undefined);
  }
});

test('a danfojs DataFrame is shown as a table', async () => {
  const bundle = renderNoun(await table([{ a: 1 }]).toDataFrame());
  assert.match(String(bundle?.['text/html']), /<table/);
});

test('the summary of a plan counts every array of every segment', () => {
  const { details } = summarise(plan());
  for (const row of details.rows) assert.is(Number(row.compute) + Number(row.memory) + Number(row.staged) + Number(row.idle), 8);
});

test('the summary of a program counts loops as often as they run', () => {
  assert.match(summaryText(summarise(program())), /CIM\.mvm +3 +9/);
});

test('the text summary of a trace reads as a person expects', () => {
  assert.is(
    summaryText(summarise(trace())),
    [
      'Trace of two-convolutions on small',
      '  Makespan          3,000 cycles (15 µs)',
      '  Energy            18 µJ, 1.2 W on average',
      '  Memory mode       37.5 % of the arrays over time',
      '  External traffic  512 B weights, 4 KB data read, 1 KB written',
      '  On-chip traffic   8 KB buffer, 2 KB memory-mode arrays',
      '  Segments          2, 1,234 events simulated',
      '',
      'Busiest resources',
      '',
      'resource          busy (cycles)  share',
      '----------------  -------------  ------',
      'array 10                  2,500  83.3 %',
      'external channel          1,500  50 %',
    ].join('\n'),
  );
});

test.run();
