// Parts of the kernel that need no process: the kernelspec, the wire format, history, code frames.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { codeFrame } from '../../lib/kernel/code-frame.ts';
import { History } from '../../lib/kernel/history.ts';
import { installKernelspec, listKernelspecs, uninstallKernelspec } from '../../lib/kernel/kernelspec.ts';
import { isMimeBundle } from '../../lib/kernel/mime-bundle.ts';
import { decode, encode } from '../../lib/kernel/protocol.ts';
import { plain } from './client.ts';

test('the kernelspec can be installed twice, is listed, and is gone after it was uninstalled', () => {
  const prefix = mkdtempSync(join(tmpdir(), 'cimbook-prefix-'));
  try {
    assert.is(installKernelspec({ prefix }), installKernelspec({ prefix }));
    const [found] = listKernelspecs({ prefix });
    assert.is(found?.folder, join(prefix, 'share', 'jupyter', 'kernels', 'cimbook'));
    assert.ok(found?.isCurrent);
    const spec = JSON.parse(readFileSync(join(found?.folder ?? '', 'kernel.json'), 'utf8')) as Record<string, unknown>;
    assert.equal([spec.display_name, spec.language, spec.interrupt_mode], ['CIMbook (TypeScript)', 'typescript', 'message']);
    assert.is((spec.argv as string[])[0], process.execPath);
    assert.is(uninstallKernelspec({ prefix }), found?.folder);
    assert.is(uninstallKernelspec({ prefix }), undefined);
    assert.not.ok(existsSync(found?.folder ?? ''));
  } finally {
    rmSync(prefix, { recursive: true });
  }
});

test('a message survives encoding and decoding, and one changed byte is noticed', () => {
  const frames = encode('key', ['client'], 'stream', { text: 'é😀' }, undefined).map((frame) => Buffer.from(frame));
  const message = decode('key', frames);
  assert.equal([message.header.msg_type, message.content], ['stream', { text: 'é😀' }]);
  assert.equal(message.identities.map(String), ['client']);
  assert.throws(() => decode('other key', frames), /wrong signature/);
  const content = frames.at(-1) ?? Buffer.alloc(0);
  content[content.length - 3] = (content.at(-3) ?? 0) ^ 1;
  assert.throws(() => decode('key', frames), /wrong signature/);
});

test('history is searched by glob patterns, and can leave out repeated inputs', () => {
  const history = new History();
  for (const [i, input] of ['a + b', 'a * b', 'a + b'].entries()) history.add(i + 1, input, '');
  const search = (request: Record<string, unknown>) => history.reply({ hist_access_type: 'search', ...request }).history;
  assert.equal(search({ pattern: 'a ? b', unique: true }), [
    [1, 2, 'a * b'],
    [1, 3, 'a + b'],
  ]);
  assert.equal(search({ pattern: 'a [*] b' }), []);
  const range = history.reply({ hist_access_type: 'range', session: 0, start: 1, stop: 2, output: true });
  assert.equal(range.history, [[1, 1, ['a + b', '']]]);
});

test('the caret of a code frame stands below its character, after tabs as well', () => {
  const frame = codeFrame({ label: 'cell 1', source: 'first\n\tconst x = y;\nlast', line: 2, column: 12 }, 1);
  assert.is(plain(frame), '  1 | first\n> 2 | \tconst x = y;\n    | \t          ^\n  3 | last');
});

test('a MIME bundle is an object whose keys are all MIME types', () => {
  assert.ok(isMimeBundle({ 'application/vnd.plotly.v1+json': {}, 'text/plain': '' }));
  assert.not.ok(isMimeBundle({ 'text/plain': '', rows: 3 }));
  assert.not.ok(isMimeBundle({}));
  assert.not.ok(isMimeBundle('text/plain'));
});

test.run();
