// Drives the built kernel as a front end does. One kernel serves the whole file; run after `npm run build`.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encode, encodeText } from '../../lib/kernel/protocol.ts';
import { type CellOutput, KernelClient, plain } from './client.ts';

let kernel: KernelClient;

test.before(async () => {
  kernel = await KernelClient.start();
});

test.after(() => {
  kernel?.close();
});

const text = (output: CellOutput) => output.result?.['text/plain'];
const DISPLAY = `const notebook = (globalThis as any)[Symbol.for('cimbook.display')];`;

test('the last value of a cell is an execute_result', async () => {
  const output = await kernel.execute('const six = 6;\nsix * 7');
  assert.is(output.reply.status, 'ok');
  assert.is(text(output), '42');
  const kinds = output.messages.map(({ header }) => header.msg_type).filter((kind) => kind !== 'execute_reply');
  assert.equal(kinds, ['status', 'execute_input', 'execute_result', 'status']);
});

test('a value with the Jupyter.display hook is shown as its MIME bundle, also when that is a promise', async () => {
  const hook = `[Symbol.for('Jupyter.display')]`;
  const sync = await kernel.execute(`({ ${hook}: () => ({ 'text/html': '<b>1</b>', 'text/plain': '1' }) })`);
  assert.equal(sync.result, { 'text/html': '<b>1</b>', 'text/plain': '1' });
  const later = await kernel.execute(`({ async ${hook}() { return { 'image/png': new Uint8Array([1, 2, 3]) }; } })`);
  assert.equal(later.result, { 'image/png': 'AQID' });
});

test('a value without hook is shown by the registered renderer, else as plain text', async () => {
  await kernel.execute(
    `(globalThis as any)[Symbol.for('cimbook.render')] = (v: any) => v?.rows ? { 'text/html': 'rows: ' + v.rows } : undefined;`,
  );
  assert.equal((await kernel.execute('({ rows: 3 })')).result, { 'text/html': 'rows: 3' });
  assert.is(text(await kernel.execute('({ columns: 3 })')), '{ columns: 3 }');
});

test('a promise as last value shows what it resolves to, and its rejection is the error of the cell', async () => {
  assert.is(text(await kernel.execute('new Promise((resolve) => setTimeout(() => resolve([1, 2]), 10))')), '[ 1, 2 ]');
  assert.is((await kernel.execute(`Promise.reject(new RangeError('no'))`)).error?.ename, 'RangeError');
});

test('a type error is shown with a code frame at its own line and column, and nothing of the cell runs', async () => {
  const output = await kernel.execute(`console.log('ran');\nconst count = 1;\nconst wrong: string = count;`);
  assert.is(output.stdout, '');
  assert.is(output.reply.status, 'error');
  assert.is(output.error?.ename, 'TypeScriptError');
  assert.match(output.error?.evalue ?? '', /^TS2322: .* line 3, column 7\)$/);
  assert.match(plain(output.error?.traceback), /^> 3 \| const wrong: string = count;\n {4}\| {7}\^{5}$/m);
});

test('an exception is shown with a code frame at the place in the cell that threw it', async () => {
  const output = await kernel.execute(`interface Box { readonly inner?: { size: number } }\nconst box: Box = {};\nbox.inner!.size;`);
  assert.is(output.error?.ename, 'TypeError');
  assert.match(plain(output.error?.traceback), /^> 3 \| box\.inner!\.size;\n {4}\| {12}\^$/m);
});

test('a stack names cells, not the kernel, and follows calls into functions of earlier cells', async () => {
  const first = await kernel.execute(`function fail(): never {\n  throw new Error('deep');\n}`);
  const output = await kernel.execute('await null;\nfail();');
  const cell = Number(output.reply.execution_count);
  assert.is(first.reply.execution_count, cell - 1);
  const shown = plain(output.error?.traceback);
  assert.match(shown, `at fail (cell ${cell - 1}:2:9)`);
  assert.match(shown, `at cell ${cell}:2:1`);
  assert.not.match(shown, /tslab|kernel|node:/);
});

test('a CompileError shows only its message after the code frame', async () => {
  const code = `class CompileError extends Error { override name = 'CompileError'; }\nthrow new CompileError('Segment 3 needs 130 arrays.');`;
  const shown = plain((await kernel.execute(code)).error?.traceback);
  assert.match(shown, /^> 2 \| throw/m);
  assert.ok(shown.endsWith('CompileError: Segment 3 needs 130 arrays.'));
});

test('a thrown value that is no Error is shown as it is', async () => {
  const { error } = await kernel.execute(`throw { reason: 'odd' };`);
  assert.equal([error?.ename, error?.evalue], ['Thrown', `{ reason: 'odd' }`]);
});

test('an error aborts the cells that were waiting, unless the client wants them to run', async () => {
  const stopping = [kernel.sendExecute(`throw new Error('stop')`), kernel.sendExecute('1'), kernel.sendExecute('2')];
  const stopped = await Promise.all(stopping.map((id) => kernel.collect(id)));
  assert.equal(
    stopped.map(({ reply }) => reply.status),
    ['error', 'aborted', 'aborted'],
  );
  const going = [kernel.sendExecute(`throw new Error('go on')`, { stop_on_error: false }), kernel.sendExecute('1')];
  const gone = await Promise.all(going.map((id) => kernel.collect(id)));
  assert.equal(
    gone.map(({ reply }) => reply.status),
    ['error', 'ok'],
  );
});

test('a cell sent after the reply to a failed one always runs', async () => {
  for (let i = 0; i < 3; i++) {
    await kernel.execute(`throw new Error('again')`);
    assert.is(text(await kernel.execute(`${i}`)), `${i}`);
  }
});

test('10,000 printed lines arrive complete and in order before the cell is idle', async () => {
  const output = await kernel.execute('for (let i = 0; i < 10_000; i++) console.log(i);');
  assert.is(output.stdout, Array.from({ length: 10_000 }, (_, i) => `${i}\n`).join(''));
  assert.ok(output.messages.length < 500, 'the lines come in few messages');
});

test('standard output and standard error keep their order', async () => {
  const { messages } = await kernel.execute(`console.log('a');\nconsole.error('b');\nconsole.log('c');`);
  const streams = messages.filter(({ header }) => header.msg_type === 'stream').map(({ content }) => [content.name, content.text]);
  assert.equal(streams, [
    ['stdout', 'a\n'],
    ['stderr', 'b\n'],
    ['stdout', 'c\n'],
  ]);
});

test('variables of earlier cells work in shorthand properties and destructuring assignments', async () => {
  await kernel.execute('let z = 1;\nconst w = 2;');
  assert.is(text(await kernel.execute('({ z, w })')), '{ z: 1, w: 2 }');
  assert.is(text(await kernel.execute('({ z } = { z: 5 });\nz')), '5');
});

test('a cell that failed leaves its imports, its types and the variables it had set', async () => {
  const code = `import { sep } from 'node:path';
    interface Pair { left: number }
    function fails(): number { throw new Error('half-way'); }
    const set = 1;
    const unset = fails();`;
  await kernel.execute(code);
  assert.is(
    text(await kernel.execute('const pair: Pair = { left: set };\n[pair.left, typeof sep, typeof fails]')),
    `[ 1, 'string', 'function' ]`,
  );
  assert.match((await kernel.execute('unset')).error?.evalue ?? '', "Cannot find name 'unset'");
});

test('await, await with parentheses, for await and export work at the top level of a cell', async () => {
  assert.is(text(await kernel.execute('await Promise.resolve(3)')), '3');
  assert.is(text(await kernel.execute('await (async () => 4)()')), '4');
  const code = 'async function* two() { yield 1; yield 2; }\nfor await (const each of two()) console.log(each);';
  assert.is((await kernel.execute(code)).stdout, '1\n2\n');
  assert.is(text(await kernel.execute('export const shared = 7;\nshared')), '7');
});

test('cells are checked strictly, with the library of the Node versions we support', async () => {
  assert.match(
    (await kernel.execute('const maybe: string | undefined = [`a`].at(0);\nmaybe.length')).error?.evalue ?? '',
    /TS(2532|18048)/,
  );
  assert.is(text(await kernel.execute('[3, 1].toSorted()')), '[ 1, 3 ]');
});

test('a package with nothing but exports is found by types and at run time', async () => {
  const output = await kernel.execute(`import { onnx } from 'onnx-proto';\ntypeof onnx.ModelProto.decode`);
  assert.is(text(output), `'function'`);
});

test('a missing package is a type error at its name, and is found when it has come', async () => {
  const { error } = await kernel.execute(`import { x } from './not-there';`);
  assert.match(error?.evalue ?? '', /TS2307/);
});

test('display, update and clear send their messages in the order of the calls', async () => {
  const code = `${DISPLAY}
    notebook.display({ 'text/html': '<i>1</i>' }, { displayId: 'bar' });
    notebook.update('bar', { 'text/html': '<i>2</i>' });
    notebook.clear({ wait: true });
    console.log('printed');`;
  const { messages } = await kernel.execute(code);
  const sent = messages.filter(({ header }) => !['status', 'execute_input', 'execute_reply'].includes(header.msg_type));
  assert.equal(
    sent.map(({ header }) => header.msg_type),
    ['display_data', 'update_display_data', 'clear_output', 'stream'],
  );
  assert.equal(sent[1]?.content, { data: { 'text/html': '<i>2</i>' }, metadata: {}, transient: { display_id: 'bar' } });
  assert.equal(sent[2]?.content, { wait: true });
});

test('data that JSON can not hold costs only its own output', async () => {
  const output = await kernel.execute(`${DISPLAY}\nnotebook.display({ 'application/json': { n: 1n } });\n'after'`);
  assert.match(output.stderr, "can't be shown");
  assert.is(text(output), `'after'`);
});

test('what a timer throws is printed, and does not end the session', async () => {
  const output = await kernel.execute(
    `setTimeout(() => { throw new Error('late'); }, 5);\nawait new Promise((resolve) => setTimeout(resolve, 60));`,
  );
  assert.match(plain([output.stderr]), /Error: late/);
  assert.is(output.reply.status, 'ok');
});

test('is_complete tells complete, incomplete and invalid code apart', async () => {
  const status = async (code: string) => (await kernel.request('is_complete_request', { code })).status;
  assert.is(await status('const a = await 1;'), 'complete');
  assert.is(await status('function f() {'), 'incomplete');
  assert.is(await status('const s = `open'), 'incomplete');
  assert.is(await status('const = 1'), 'invalid');
});

test('completion and hover know variables of earlier cells; the cursor counts characters', async () => {
  await kernel.execute('/** Length of a run. */\nfunction runLength(cycles: number): string {\n  return String(cycles);\n}');
  const code = `'😀'; runLen`;
  const reply = await kernel.request('complete_request', { code, cursor_pos: [...code].length });
  assert.equal([reply.matches, reply.cursor_start, reply.cursor_end], [['runLength'], 5, 11]);
  const hover = await kernel.request('inspect_request', { code: 'runLength(1, ', cursor_pos: 13, detail_level: 0 });
  const shown = (hover.data as Record<string, string>)['text/plain'] ?? '';
  assert.match(shown, 'function runLength(cycles: number): string');
  assert.match(shown, 'Length of a run.');
});

test('comm_info, history and user expressions are answered', async () => {
  assert.equal(await kernel.request('comm_info_request', {}), { status: 'ok', comms: {} });
  await kernel.execute('const remembered = 1;');
  const tail = await kernel.request('history_request', { hist_access_type: 'tail', n: 1, raw: true, output: false });
  assert.is((tail.history as [number, number, string][])[0]?.[2], 'const remembered = 1;');
  const { reply } = await kernel.execute('', { user_expressions: { sum: 'remembered + 1' } });
  assert.equal(reply.user_expressions, { sum: { status: 'ok', data: { 'text/plain': '2' }, metadata: {} } });
});

test('a silent cell is neither counted nor shown', async () => {
  const before = (await kernel.execute('0')).reply.execution_count;
  const silent = await kernel.execute('41 + 1', { silent: true });
  assert.equal([silent.result, silent.reply.execution_count], [undefined, before]);
});

test('forged and malformed messages are dropped without an answer, and do nothing', async () => {
  const { key } = kernel.connection;
  const code = '(globalThis as any).intruded = true;';
  const forged = encode('another key', [], 'execute_request', { code }, undefined);
  const unsigned = encode('', [], 'execute_request', { code }, undefined);
  const signedButNoJson = encodeText(key, [], 'execute_request', '{', undefined);
  const signedButNoObject = encodeText(key, [], 'execute_request', '[]', undefined);
  const ids = [forged, unsigned, signedButNoJson, signedButNoObject].map(
    (frames) => (JSON.parse(String(frames[2])) as { msg_id: string }).msg_id,
  );
  const answers: string[] = [];
  const last = kernel.next(({ parentHeader, header, content }) => {
    if (ids.includes(String(parentHeader.msg_id))) answers.push(header.msg_type);
    return header.msg_type === 'stream' && content.text === 'the last\n';
  });
  for (const frames of [forged, unsigned, signedButNoJson, signedButNoObject]) await kernel.sendRaw(frames);
  for (const frames of [['<IDS|MSG>', 'x'], ['no delimiter'], ['<IDS|MSG>', 'x', '{', '{', '{', '{']]) await kernel.sendRaw(frames);
  const output = await kernel.execute(`console.log('the last');\n(globalThis as any).intruded`);
  await last;
  assert.is(output.reply.status, 'ok');
  assert.is(output.result, undefined);
  assert.equal(answers, []);
});

test('shutdown ends the process', async () => {
  assert.is(await kernel.shutdown(), 0);
});

test.run();
