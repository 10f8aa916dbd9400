import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DISPLAY, Figure } from '../../lib/report/figure.ts';
import { closeRenderer } from '../../lib/report/render.ts';
import { everyFigure } from './every-figure.ts';
import { HOSTILE } from './nouns.ts';
import { readPng } from './png.ts';

const test = suite('figures in notebooks');
test.after(closeRenderer);
test.before.each(() => {
  delete process.env.CIMBOOK_STATIC;
});

const { energyBars } = everyFigure();

test('the hook is the one notebooks look for', () => {
  assert.is(DISPLAY, Symbol.for('Jupyter.display'));
});

test('a figure is shown as plotly JSON, PNG, HTML and text', async () => {
  const bundle = await energyBars![DISPLAY]();
  assert.equal(Object.keys(bundle), ['application/vnd.plotly.v1+json', 'image/png', 'text/html', 'text/plain']);
  const { data, layout, config } = energyBars!;
  assert.equal(bundle['application/vnd.plotly.v1+json'], { data, layout, config });
  const picture = readPng(Buffer.from(String(bundle['image/png']), 'base64'));
  assert.is(picture.width, 1760);
  assert.match(
    String(bundle['text/html']),
    new RegExp(`<img alt="[^"]+" src="data:image/png;base64,${String(bundle['image/png']).slice(0, 60).replaceAll('+', '\\+')}`),
  );
  assert.is(
    bundle['text/plain'],
    'Figure: Energy by component. two-convolutions on small; 18 µJ in all, 1.2 W on average 9 µJ to 31 µJ with what is unknown at its ends',
  );
});

test('plotly.js stands in the first HTML of a session only', async () => {
  const sizes: number[] = [];
  for (let i = 0; i < 2; i++) sizes.push(String((await energyBars![DISPLAY]())['text/html']).length);
  assert.ok(
    sizes.every((size) => size < 500_000),
    'the test before this one had it',
  );
});

test('outputs to be committed carry no HTML', async () => {
  process.env.CIMBOOK_STATIC = '1';
  const bundle = await energyBars![DISPLAY]();
  assert.equal(Object.keys(bundle), ['application/vnd.plotly.v1+json', 'image/png', 'text/plain']);
});

test('a figure without a static picture is still shown', async () => {
  const bundle = await new Figure([{ type: 'scatter3d', x: [1], y: [1], z: [1] }])[DISPLAY]();
  assert.equal(Object.keys(bundle), ['application/vnd.plotly.v1+json', 'text/html', 'text/plain']);
  assert.is(bundle['text/plain'], 'Figure');
  assert.not.match(String(bundle['text/html']), /<img/);
});

test('the page holds all it needs and asks no server for anything', () => {
  const page = energyBars!.toHTML();
  assert.match(page, /^<!doctype html>/);
  assert.ok(page.length > 4_000_000);
  assert.not.match(page, /<(script|link|img)[^>]* (src|href)="http/);
  assert.is(page.match(/<\/script>/g)?.length, 2);
});

test('a fragment leaves plotly.js to its page, a page may load it from an address', () => {
  assert.ok(energyBars!.toHTML({ fragment: true }).length < 30_000);
  assert.match(energyBars!.toHTML({ plotlyUrl: 'plotly.min.js?a="b"' }), /<script src="plotly\.min\.js\?a=&quot;b&quot;"><\/script>/);
});

test('hostile names stay inside the script that holds the data', () => {
  for (const [name, figure] of Object.entries(everyFigure(HOSTILE))) {
    const html = figure.toHTML({ fragment: true });
    assert.is(html.match(/<script/g)?.length, 1, name);
    assert.is(html.match(/<\/script/g)?.length, 1, name);
    assert.not.match(html, /<img|<b>/, name);
  }
});

test('the same figure gives the same HTML', () => {
  assert.is(everyFigure().roofline!.toHTML({ fragment: true }), everyFigure().roofline!.toHTML({ fragment: true }));
});

test('importing the report loads neither plotly, jsdom nor danfojs, and takes no time', () => {
  const script = `
    import { createRequire } from 'node:module';
    const start = performance.now();
    await import('./test/report/every-figure.ts');
    for (const part of ['summary', 'trace-file', 'operators']) await import('./lib/report/' + part + '.ts');
    const loaded = Object.keys(createRequire(process.cwd() + '/').cache).filter((path) => /plotly|jsdom|danfojs|resvg/.test(path));
    console.log(JSON.stringify(loaded));
  `;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(JSON.parse(output), []);
});

test('a session that drew pictures ends by itself', () => {
  const script = `
    const { everyFigure } = await import('./test/report/every-figure.ts');
    await everyFigure().energyBars.toSVG();
    console.log('drawn');
  `;
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.is(output, 'drawn\n');
});

test.run();
