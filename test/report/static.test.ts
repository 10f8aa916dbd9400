import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { Figure } from '../../lib/report/figure.ts';
import { closeRenderer, rendererProcess, renderSvg } from '../../lib/report/render.ts';
import { encodePng } from '../../lib/report/static/canvas.ts';
import type { DomElement } from '../../lib/report/static/dom.ts';
import { readFont } from '../../lib/report/static/font.ts';
import { pageBox } from '../../lib/report/static/geometry.ts';
import { fontFiles } from '../../lib/report/static/page.ts';
import { COLOURS } from '../../lib/report/theme.ts';
import { everyFigure } from './every-figure.ts';
import { HOSTILE } from './nouns.ts';
import { readPng } from './png.ts';

const test = suite('static pictures');
test.after(closeRenderer);

const LARGE = { width: 640, height: 400 };
const BLACK = [0, 0, 0];
/** It ends by itself after two minutes. */
const ENDS_MILLISECONDS = 60_000;

function rgb(hex: string): readonly number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

const files = fontFiles();
const fonts = { regular: readFont(files.regular), bold: readFont(files.bold) };

/** All <text> elements of an SVG with the boxes they take. */
function labelsOf(
  svg: string,
): { readonly text: string; readonly left: number; readonly top: number; readonly right: number; readonly bottom: number }[] {
  const { JSDOM } = createRequire(import.meta.url)('jsdom') as {
    JSDOM: new (text: string, options: object) => { window: { document: { querySelectorAll(selector: string): Iterable<DomElement> } } };
  };
  const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window;
  return [...document.querySelectorAll('text')].map((element) => ({ text: element.textContent ?? '', ...pageBox(element, fonts) }));
}

const drawn = new Map<string, string>();

/** SVG of every kind of chart, drawn once. */
async function everySvg(): Promise<ReadonlyMap<string, string>> {
  for (const [name, figure] of Object.entries(everyFigure())) if (!drawn.has(name)) drawn.set(name, await figure.toSVG());
  return drawn;
}

test('every kind of chart becomes an SVG with its title in it and no label outside the picture', async () => {
  const svgs = await everySvg();
  for (const [name, figure] of Object.entries(everyFigure())) {
    const svg = svgs.get(name)!;
    assert.match(svg, /^<svg/, name);
    const { text } = figure.layout.title as { text: string };
    const labels = labelsOf(svg);
    assert.ok(
      labels.some((label) => label.text === text),
      `${name} shows its title`,
    );
    for (const label of labels) {
      const isInside = label.left >= 0 && label.top >= 0 && label.right <= 880 && label.bottom <= (figure.layout.height ?? 440);
      assert.ok(isInside || label.right === label.left, `${name}: '${label.text}' at ${label.left.toFixed()} ... ${label.right.toFixed()}`);
    }
  }
});

test('no two labels of a chart lie on each other', async () => {
  for (const [name, svg] of await everySvg()) {
    const labels = labelsOf(svg).filter((label) => label.right > label.left);
    for (const [i, a] of labels.entries()) {
      for (const b of labels.slice(i + 1)) {
        const isApart = a.right <= b.left || b.right <= a.left || a.bottom - 4 <= b.top || b.bottom - 4 <= a.top;
        assert.ok(isApart, `${name}: '${a.text}' and '${b.text}'`);
      }
    }
  }
});

test('every kind of chart becomes a PNG of the size asked for that is not blank', async () => {
  for (const [name, figure] of Object.entries(everyFigure())) {
    const picture = readPng(await figure.toPNG({ ...LARGE, scale: 1.5 }));
    assert.equal([picture.width, picture.height], [960, 600], name);
    assert.ok(picture.colours > 20, `${name} has ${picture.colours} colours`);
  }
});

test('compute and memory mode keep their colours in the picture', async () => {
  const svg = (await everySvg()).get('chipMap')!;
  assert.match(svg, new RegExp(`rgb\\(${rgb(COLOURS.compute).join(', ')}\\)`));
  assert.match(svg, new RegExp(`rgb\\(${rgb(COLOURS.memory).join(', ')}\\)`));
});

test('a picture is light unless the dark theme is asked for', async () => {
  const { latencyBars } = everyFigure();
  const light = readPng(await latencyBars!.toPNG({ scale: 1 }));
  const dark = readPng(await latencyBars!.toPNG({ scale: 1, theme: 'dark' }));
  assert.equal(light.at(2, 2), [255, 255, 255]);
  assert.ok(dark.at(2, 2).every((channel) => channel < 64));
  assert.equal([dark.width, dark.height], [light.width, light.height]);
});

test('a heatmap is drawn with flat cells', async () => {
  const cells = {
    type: 'heatmap',
    z: [[0, 1]],
    colorscale: [
      [0, '#000000'],
      [1, '#FF0000'],
    ],
    showscale: false,
  } as const;
  const bare = { margin: { l: 0, r: 0, t: 0, b: 0 }, xaxis: { visible: false }, yaxis: { visible: false } };
  const picture = readPng(await new Figure([cells], bare).toPNG({ width: 100, height: 100, scale: 2 }));
  assert.equal(
    [picture.at(50, 100), picture.at(98, 100), picture.at(102, 100), picture.at(150, 100)],
    [BLACK, BLACK, [255, 0, 0], [255, 0, 0]],
  );
  assert.is(picture.colours, 2);
});

test('a hostile name is text in the SVG', async () => {
  for (const [name, figure] of Object.entries(everyFigure(HOSTILE))) {
    const svg = await figure.toSVG();
    assert.not.match(svg, /<script|<img|<a /, name);
  }
});

test('a trace that needs WebGL is refused, not drawn empty', async () => {
  const figure = new Figure([{ type: 'scatter3d', x: [1], y: [1], z: [1] }]);
  const message = /^A static picture of a 'scatter3d' trace can't be drawn, it needs a browser\. Show the figure/;
  for (const draw of [() => figure.toSVG(), () => figure.toPNG()]) {
    const error = await draw().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, CompileError);
    assert.match((error as CompileError).message, message);
  }
});

test('a size that can not be is refused', async () => {
  const { energyBars } = everyFigure();
  for (const size of [{ width: 0 }, { width: Number.NaN }, { height: -3 }, { scale: 1000 }]) {
    const error = await energyBars!.toPNG(size).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, CompileError);
  }
});

test('one child process draws all pictures of a session, in order', async () => {
  const { energyBars, roofline } = everyFigure();
  await energyBars!.toSVG();
  const before = rendererProcess();
  const [first, second] = await Promise.all([energyBars!.toSVG(), roofline!.toSVG()]);
  assert.match(first!, /Energy by component/);
  assert.match(second!, /Roofline/);
  assert.type(before, 'number');
  assert.is(rendererProcess(), before);
});

test('a picture that takes too long is given up, and the next one is drawn by a new process', async () => {
  const { energyBars } = everyFigure();
  await energyBars!.toSVG();
  const before = rendererProcess();
  const error = await energyBars!.toSVG({ timeoutMilliseconds: 1 }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.match(String(error), /took longer than 0\.001 s/);
  assert.match(await energyBars!.toSVG(), /^<svg/);
  assert.is.not(rendererProcess(), before);
});

test('a figure that is not plain data is an error, and the next picture is drawn', async () => {
  const { energyBars } = everyFigure();
  const figure = { ...energyBars!, data: [{ type: 'bar', x: (() => 1) as never }] };
  const error = await renderSvg(figure).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.match(String(error), /The static picture could not be drawn: .*could not be cloned/);
  assert.match(await energyBars!.toSVG(), /^<svg/);
});

test('a renderer that was killed is replaced without an error', async () => {
  const { energyBars } = everyFigure();
  await energyBars!.toSVG();
  const before = rendererProcess();
  process.kill(before!, 'SIGKILL');
  assert.match(await energyBars!.toSVG(), /^<svg/);
  assert.is.not(rendererProcess(), before);
});

test('an interrupt of the process group does not end the renderer', async () => {
  const { energyBars } = everyFigure();
  await energyBars!.toSVG();
  const before = rendererProcess();
  process.kill(before!, 'SIGINT');
  assert.match(await energyBars!.toSVG(), /^<svg/);
  assert.is(rendererProcess(), before);
});

test('a renderer whose parent ended while it was starting ends as well', async () => {
  const renderer = new URL('../../lib/report/static/renderer.ts', import.meta.url).pathname;
  const parent = `const child = require('child_process').fork(${JSON.stringify(renderer)}, [], { stdio: 'ignore' });
    console.log(child.pid); child.on('spawn', () => process.exit());`;
  const { stdout } = spawnSync(process.execPath, ['-e', parent], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '--import tsx' },
  });
  const pid = Number(stdout);
  const isAlive = (): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  assert.ok(pid > 0);
  for (let waited = 0; isAlive() && waited < ENDS_MILLISECONDS; waited += 50) await setTimeout(50);
  const isLeft = isAlive();
  if (isLeft) process.kill(pid, 'SIGKILL');
  assert.not(isLeft, `the renderer is still there after ${ENDS_MILLISECONDS / 1000} s`);
});

test('a PNG of our own is what a reader finds in it', () => {
  const picture = readPng(encodePng(2, 1, new Uint8Array([255, 0, 0, 255, 0, 0, 255, 255])));
  assert.equal([picture.width, picture.height, picture.at(0, 0), picture.at(1, 0)], [2, 1, [255, 0, 0], [0, 0, 255]]);
});

test('the font measures text: wide letters are wider, empty text is not', () => {
  const { widthOf, ascent, descent } = readFont(fontFiles().regular);
  assert.is(widthOf(''), 0);
  assert.ok(widthOf('MMMM') > 2 * widthOf('iiii'));
  assert.ok(Math.abs(widthOf('Latency (cycles)') - 7.4) < 0.5);
  assert.ok(ascent > 0.7 && ascent < 1.2 && descent > 0.1 && descent < 0.5);
});

test.run();
