import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { escapeHtml, plotText, scriptLiteral } from '../../lib/report/html.ts';
import { HOSTILE } from './nouns.ts';

const test = suite('escaping');

test('escaped HTML has no markup left and reads back as the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const escaped = escapeHtml(text + HOSTILE);
      assert.not.match(escaped, /[<>"']/);
      const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
      assert.is(
        escaped.replace(/&([a-z]+|#39);/g, (_, entity: string) => entities[entity] ?? '?'),
        text + HOSTILE,
      );
    }),
    { seed: 1 },
  );
});

test('a plotly label has no tags, no TeX and no control characters left', () => {
  const label = plotText(HOSTILE);
  assert.not.match(label, /[<>$]/);
  assert.not.match(label, /[\u0000-\u001f\u202e]/);
  assert.match(label, /&lt;script&gt;/);
});

test('a value in a script can not end the script and reads back as the value', () => {
  const value = { name: `${HOSTILE}</script><!--\u2028` };
  const literal = scriptLiteral(value);
  assert.not.match(literal, /[<>\u2028]/);
  assert.equal(JSON.parse(literal), value);
});

test.run();
