// The built kernel with the built library: what cells show without a call, progress, and help. Run after `npm run build`.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CellOutput, KernelClient } from './client.ts';

let kernel: KernelClient;

test.before(async () => {
  kernel = await KernelClient.start();
  const setup =
    await kernel.execute(`import { CompileError, compile, importOnnx, loadHardware, progress, schedule, simulate, table, track, verifyPlan } from 'cimbook';
    const graph = importOnnx('datasets/resnet18.onnx', { bind: { batch: 1 } });
    const hardware = loadHardware('hw/dynaplasia-paper.json');
    const { plan, program, trace } = await compile(graph, hardware);`);
  assert.is(setup.error, undefined, setup.error?.evalue);
});

test.after(() => {
  kernel?.close();
});

const shown = async (code: string) => {
  const { result, error } = await kernel.execute(code);
  assert.is(error, undefined, error?.evalue);
  return result ?? {};
};

for (const [code, start] of [
  ['graph', 'Graph resnet18'],
  ['plan', 'Plan of resnet18 on dynaplasia-paper'],
  ['program', 'Program of resnet18 for dynaplasia-paper'],
  ['trace', 'Trace of resnet18 on dynaplasia-paper'],
  ['hardware', 'Hardware dynaplasia-paper'],
  ['schedule(graph, hardware)', 'Plan of resnet18'],
] as const) {
  test(`${code} as last value is a summary in HTML and text`, async () => {
    const bundle = await shown(code);
    assert.ok(String(bundle['text/plain']).startsWith(start), String(bundle['text/plain']));
    assert.match(String(bundle['text/html']), '<table');
  });
}

test('a danfojs DataFrame is a table, also as a promise', async () => {
  const bundle = await shown(`table([{ chip: '<script>', arrays: 96 }]).toDataFrame()`);
  assert.match(String(bundle['text/html']), '&lt;script&gt;');
  const own = await shown(`import { DataFrame } from 'danfojs';\nnew DataFrame([[1, 2]], { columns: ['a', 'b'] })`);
  assert.match(String(own['text/html']), '<table');
});

test('a plain plotly figure is a chart', async () => {
  const bundle = await shown(`({ data: [{ x: [1, 2], y: [3, 4] }], layout: {} })`);
  assert.equal(Object.keys(bundle), ['application/vnd.plotly.v1+json', 'image/png', 'text/html', 'text/plain']);
});

test('problems are sentences, found by a check or caught', async () => {
  const found = await shown(`verifyPlan({ ...plan, segments: [] }, graph)`);
  assert.match(String(found['text/plain']), /^\d+ problems?\n {2}- /);
  const caught = await shown(`let caught: unknown;\ntry { loadHardware('hw/none.json'); } catch (error) { caught = error; }\ncaught`);
  assert.match(String(caught['text/plain']), /^1 problem\n {2}- hw\/none\.json: /);
});

test('hover and completion give the docstrings of the library', async () => {
  const hover = await kernel.request('inspect_request', { code: 'compile', cursor_pos: 7, detail_level: 0 });
  assert.match(
    (hover.data as Record<string, string>)['text/plain'] ?? '',
    /Plan, verified program and simulated run of a network on a chip/,
  );
  const member = await kernel.request('complete_request', { code: 'trace!.makes', cursor_pos: 12 });
  assert.equal(member.matches, ['makespanCycles']);
  const option = `schedule(graph, hardware, { optimizer: '`;
  const options = await kernel.request('complete_request', { code: 'schedule(graph, hardware, { optim', cursor_pos: 33 });
  assert.equal(options.matches, ['optimizer'], option);
});

/** The bundles of a cell's one live output, in the order they were sent. */
function drawn({ messages }: CellOutput): readonly { readonly text: string; readonly html: string }[] {
  const sent = messages.filter(({ header }) => /^(update_)?display_data$/.test(header.msg_type));
  assert.is(sent.filter(({ header }) => header.msg_type === 'display_data').length, Math.min(1, sent.length), 'display_data comes once');
  const ids = new Set(sent.map(({ content }) => (content.transient as { display_id: string }).display_id));
  assert.ok(ids.size <= 1, 'all are of one output');
  return sent.map(({ content }) => {
    const data = content.data as Record<string, string>;
    return { text: data['text/plain'] ?? '', html: data['text/html'] ?? '' };
  });
}

const BUSY = 'const wait = (ms: number) => { const end = performance.now() + ms; while (performance.now() < end) {} };';

test('a progress bar moves while the cell blocks, and says at the end how long it took', async () => {
  const started = performance.now();
  const arrivals: number[] = [];
  const id = kernel.sendExecute(`${BUSY}\nfor (const chip of track(['<script>', 'b', 'c', 'd'], 'Chips <b>')) wait(150);`);
  const seen = kernel.next(({ header, parentHeader }) => {
    if (parentHeader.msg_id === id && header.msg_type === 'update_display_data') arrivals.push(performance.now() - started);
    return parentHeader.msg_id === id && header.msg_type === 'execute_reply';
  });
  const output = await kernel.collect(id);
  await seen;
  const bars = drawn(output);
  assert.match(bars[1]?.text ?? '', /^Chips <b> \[#+\.+\] 25 %, 1 of 4$/);
  assert.match(bars[1]?.html ?? '', /Chips &lt;b&gt; <progress max="1" value="0\.2500"/);
  assert.match(bars.at(-1)?.text ?? '', /^Chips <b> done in 0\.\d s$/);
  assert.ok((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0) > 250, 'updates arrive while the cell runs, not at its end');
});

test('the bars of a cell share one output; a short call of the library shows none', async () => {
  assert.equal(drawn(await kernel.execute('await compile(graph, hardware);')), []);
  const code = `${BUSY}\nconst a = progress('first'); const b = progress('second'); wait(120); a.update(0.5); b.update(0.25); wait(120); b.update(0.75); a.end(); b.end();`;
  const bars = drawn(await kernel.execute(code));
  assert.match(bars.at(-1)?.text ?? '', /^first done in .* s\nsecond done in .* s$/);
});

test('a long call of the library shows a bar that goes away, and is interrupted in the middle', async () => {
  await kernel.execute(`const slow = { name: 'slow', segment: async (request: any) => {
    const { signal, onProgress } = request;
    for (let i = 0; i <= 100; i++) { onProgress(i / 100); signal.throwIfAborted(); await new Promise((r) => setTimeout(r, 20)); }
    throw new Error('out of time');
  } };`);
  const id = kernel.sendExecute('await schedule(graph, hardware, { optimizer: slow });');
  const output = kernel.collect(id);
  await kernel.next(({ header, parentHeader }) => parentHeader.msg_id === id && header.msg_type === 'update_display_data');
  await kernel.request('interrupt_request', {}, 'control');
  const bars = drawn(await output);
  assert.match(bars[0]?.text ?? '', /^Planning resnet18 \(slow\) \[#*\.+\] \d+ %$/);
  assert.is((await output).error?.ename, 'Interrupted');
  assert.match(bars.at(-1)?.text ?? '', /interrupted at \d+ %$/);

  const whole = drawn(await kernel.execute('await schedule(graph, hardware, { optimizer: slow });'));
  assert.ok(whole.length > 5);
  assert.is(whole.at(-1)?.text, '');
});

test('a bar that takes longer to draw than an interrupt waits is drawn to its end', async () => {
  const id = kernel.sendExecute(`const long = progress('<&>'.repeat(1_000_000));\nlong.update(0.5);\nawait new Promise(() => {});`);
  const output = kernel.collect(id);
  await kernel.next(({ header, parentHeader }) => parentHeader.msg_id === id && header.msg_type === 'display_data');
  await kernel.request('interrupt_request', {}, 'control');
  const bars = drawn(await output);
  assert.is(bars.length, 2);
  assert.ok(bars[1]?.text.endsWith('<&> interrupted at 50 %'), bars[1]?.text.slice(-40));
});

test.run();
