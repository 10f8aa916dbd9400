// Renderer: the child process that draws static pictures. Requests and answers are messages of
// `render.ts`. It ends when its parent does, or when nothing was asked of it for a while.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { PlotFigure } from '../plotly.ts';
import type { RenderAnswer, RenderRequest } from '../render.ts';

const IDLE_MILLISECONDS = 120_000;

type Draw = (figure: PlotFigure, width: number, height: number) => Promise<string>;
type Rasterise = (svg: string, scale: number) => Uint8Array;

// Loaded at the first request, so that what is missing becomes an answer and not a silent end.
let draw: Promise<Draw> | undefined;
let rasterise: Promise<Rasterise> | undefined;

async function loadDraw(): Promise<Draw> {
  const { openPage } = await import('./page.ts');
  return openPage();
}

async function loadRasterise(): Promise<Rasterise> {
  const { initWasm, Resvg } = await import('@resvg/resvg-wasm');
  const { fontFiles } = await import('./page.ts');
  await initWasm(readFileSync(createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm')));
  const fontBuffers = Object.values(fontFiles());
  return (svg, scale) => {
    const font = { fontBuffers, defaultFontFamily: 'Inter', sansSerifFamily: 'Inter' };
    const picture = new Resvg(svg, { fitTo: { mode: 'zoom', value: scale }, font });
    const image = picture.render();
    const png = image.asPng();
    image.free();
    picture.free();
    return png;
  };
}

async function answer({ id, figure, width, height, scale }: RenderRequest): Promise<RenderAnswer> {
  try {
    draw ??= loadDraw();
    const svg = await (await draw)(figure, width, height);
    if (scale === undefined) return { id, svg };
    rasterise ??= loadRasterise();
    return { id, png: (await rasterise)(svg, scale) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

function stop(): void {
  process.exit(0);
}

let idle = setTimeout(stop, IDLE_MILLISECONDS);
// An interrupt of the notebook's cell goes to the whole process group and is not meant for us.
process.on('SIGINT', () => {});
process.on('disconnect', stop);
// A parent that ended while this process was starting has been announced already, to nobody.
if (!process.connected) stop();
process.on('message', async (request: RenderRequest) => {
  clearTimeout(idle);
  const reply = await answer(request);
  if (process.connected) process.send?.(reply);
  idle = setTimeout(stop, IDLE_MILLISECONDS);
});
