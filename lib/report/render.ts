// Render: static SVG and PNG of a figure, drawn in a child process so that a second of loading and
// 300 MB stay out of the kernel. One child serves a session, one picture after another.

import { type ChildProcess, fork } from 'node:child_process';
import { fail } from '../base/problem.ts';
import { DRAWABLE_TYPES, type PlotFigure } from './plotly.ts';
import { DEFAULT_HEIGHT, DEFAULT_WIDTH, type Theme, template } from './theme.ts';

export interface PictureOptions {
  /** Pixels; 880 unless the layout says otherwise. */
  readonly width?: number;
  /** Pixels; what the layout says, else 440. */
  readonly height?: number;
  /** Picture pixels per pixel of width and height: 2 is sharp on dense screens. PNG only. */
  readonly scale?: number;
  readonly theme?: Theme;
  readonly timeoutMilliseconds?: number;
}

/** `scale` asks for a PNG, without it the answer is SVG. */
export interface RenderRequest {
  readonly id: number;
  readonly figure: PlotFigure;
  readonly width: number;
  readonly height: number;
  readonly scale?: number;
}
export type RenderAnswer =
  | { readonly id: number; readonly svg: string }
  | { readonly id: number; readonly png: Uint8Array }
  | { readonly id: number; readonly error: string };

const DEFAULT_SCALE = 2;
/** Start included; a chart takes a tenth of a second, the start two, on a busy machine ten times that. */
const DEFAULT_TIMEOUT_MILLISECONDS = 60_000;
/** Sides of a picture, in picture pixels; beyond it memory is at risk. */
const MOST_PIXELS = 16_384;

/** SVG text of the figure. Throws `usage` for traces that need WebGL, Error when the renderer fails. */
export async function renderSvg(figure: PlotFigure, options: PictureOptions = {}): Promise<string> {
  const answer = await enqueue({ ...requestOf(figure, options, 1) }, options);
  if ('svg' in answer) return answer.svg;
  throw new Error('internal: the renderer sent no SVG');
}

/** Bytes of a PNG file of the figure, width * scale pixels wide. Throws as `renderSvg` does. */
export async function renderPng(figure: PlotFigure, options: PictureOptions = {}): Promise<Uint8Array> {
  const scale = options.scale ?? DEFAULT_SCALE;
  const answer = await enqueue({ ...requestOf(figure, options, scale), scale }, options);
  if ('png' in answer) return answer.png;
  throw new Error('internal: the renderer sent no PNG');
}

function requestOf(figure: PlotFigure, options: PictureOptions, scale: number): Omit<RenderRequest, 'id'> {
  const refused = figure.data.find((trace) => !(DRAWABLE_TYPES as readonly string[]).includes(trace.type));
  if (refused !== undefined) {
    fail({
      kind: 'usage',
      message: `A static picture of a '${refused.type}' trace can't be drawn, it needs a browser`,
      next: `Show the figure in a notebook or open its toHTML(), or use one of: ${DRAWABLE_TYPES.join(', ')}.`,
    });
  }
  const width = options.width ?? figure.layout.width ?? DEFAULT_WIDTH;
  const height = options.height ?? figure.layout.height ?? DEFAULT_HEIGHT;
  if (![width * scale, height * scale].every((pixels) => pixels >= 1 && pixels <= MOST_PIXELS)) {
    fail({
      kind: 'usage',
      message: `A picture of ${width} x ${height} pixels at scale ${scale} can't be drawn`,
      next: `Choose a width, height and scale that give 1 to ${MOST_PIXELS} pixels a side.`,
    });
  }
  const layout = options.theme === undefined ? figure.layout : { ...figure.layout, template: template(options.theme) };
  return { figure: { data: figure.data, layout, config: figure.config }, width, height };
}

let child: ChildProcess | undefined;
let lastRequest = 0;
let queue: Promise<unknown> = Promise.resolve();

/** Pictures are drawn one after another, so that a picture's time limit is its own. */
function enqueue(request: Omit<RenderRequest, 'id'>, options: PictureOptions): Promise<RenderAnswer> {
  const limit = options.timeoutMilliseconds ?? DEFAULT_TIMEOUT_MILLISECONDS;
  // A process found dead, as after a long pause, is no fault of the picture: a new one gets a second chance.
  const attempt = (): Promise<RenderAnswer> => ask({ ...request, id: ++lastRequest }, limit);
  const result = queue.then(attempt).catch((error: unknown) => (error instanceof RendererEnded ? attempt() : Promise.reject(error)));
  queue = result.catch(() => undefined);
  return result;
}

class RendererEnded extends Error {}

function ask(request: RenderRequest, timeoutMilliseconds: number): Promise<RenderAnswer> {
  const renderer = startRenderer();
  renderer.channel?.ref();
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      renderer.off('message', onMessage).off('exit', onExit);
      renderer.channel?.unref();
      outcome();
    };
    const onMessage = (answer: RenderAnswer): void => {
      if (answer.id !== request.id) return;
      settle(() => ('error' in answer ? reject(drawingFailed(answer.error)) : resolve(answer)));
    };
    const onExit = (): void => settle(() => reject(new RendererEnded('The picture renderer ended before it had drawn the picture.')));
    const timer = setTimeout(() => {
      closeRenderer();
      settle(() => reject(new Error(`The static picture took longer than ${timeoutMilliseconds / 1000} s and was given up.`)));
    }, timeoutMilliseconds);
    renderer.on('message', onMessage).on('exit', onExit);
    try {
      renderer.send(request, (error) => error !== null && onExit());
    } catch (error) {
      settle(() => reject(drawingFailed(error instanceof Error ? error.message : String(error))));
    }
  });
}

function drawingFailed(reason: string): Error {
  return new Error(`The static picture could not be drawn: ${reason}`);
}

/** The session's child process; it does not keep this process alive. */
function startRenderer(): ChildProcess {
  if (child?.connected) return child;
  const isSource = import.meta.url.endsWith('.ts');
  const started = fork(new URL(isSource ? './static/renderer.ts' : './static/renderer.js', import.meta.url), [], {
    serialization: 'advanced',
    stdio: 'ignore',
    execArgv: isSource ? loaderArguments(process.execArgv) : [],
  });
  const forget = (): void => {
    if (child === started) child = undefined;
  };
  // Where it could not be started there is no exit; the request's `send` reports it.
  started.on('exit', forget).on('error', forget);
  started.unref();
  started.channel?.unref();
  child = started;
  return started;
}

/** Of Node's own arguments those that make it read TypeScript; a debugger's port can't be shared. */
function loaderArguments(execArgv: readonly string[]): string[] {
  return execArgv.filter((argument, i) => {
    const option = argument.startsWith('-') ? argument : (execArgv[i - 1] ?? '');
    return /^(--import|--require|-r|--loader|--experimental-(loader|strip-types|transform-types))(=|$)/.test(option);
  });
}

/** Ends the session's child process, if there is one; the next picture starts another. */
export function closeRenderer(): void {
  child?.kill('SIGKILL');
  child = undefined;
}

/** Process id of the session's renderer, if there is one. */
export function rendererProcess(): number | undefined {
  return child?.pid;
}
