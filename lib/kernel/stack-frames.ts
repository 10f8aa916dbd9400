// Stack traces as the notebook's author wants them: places in cells, no frames of Node, tslab or this kernel.
// In: V8's call sites. Out: the text of `error.stack`, and for the error message the places in cells.

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CELL_SCRIPT, locate, type Place } from './source-positions.ts';
import { tslabFolder } from './tslab.ts';

const kernelFolder = dirname(fileURLToPath(import.meta.url));
/** Frames kept by V8: more than its 10, so that the cell is among them when a library throws deep inside. */
const FRAMES_KEPT = 50;
const FRAMES_SHOWN = 10;
const places = new WeakMap<Error, readonly Place[]>();

/** Replaces V8's stack formatting in this process. */
export function installStackFrames(): void {
  Error.stackTraceLimit = FRAMES_KEPT;
  Error.prepareStackTrace = (error, sites) => {
    const found: Place[] = [];
    const lines: string[] = [];
    for (const site of sites) {
      const script = scriptOf(site);
      const place = locate(script, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0);
      if (place !== undefined) found.push(place);
      // Code around a cell is tslab's.
      else if (isInternal(script) || script.startsWith(CELL_SCRIPT)) continue;
      // Imported functions are called as methods of tslab's proxy.
      const frame = place === undefined ? String(site).replace(/^(async )?Proxy\./, '$1') : describe(site, place);
      if (lines.length < FRAMES_SHOWN) lines.push(`    at ${frame}`);
    }
    if (error instanceof Error) places.set(error, found);
    return [header(error), ...lines].join('\n');
  };
}

/** Returns the places in cells that `error` came through, innermost first. */
export function placesOf(error: Error): readonly Place[] {
  void error.stack; // V8 formats a stack when it is first read.
  return places.get(error) ?? [];
}

/** Returns the frames below the caller, innermost first. */
export function callSites(): readonly NodeJS.CallSite[] {
  const format = Error.prepareStackTrace;
  Error.prepareStackTrace = (_error, sites) => sites;
  const sites = new Error().stack as unknown as readonly NodeJS.CallSite[];
  Error.prepareStackTrace = format;
  return sites;
}

export function scriptOf(site: NodeJS.CallSite): string {
  return site.getScriptNameOrSourceURL?.() ?? site.getFileName() ?? '';
}

/** Whether a script is part of Node, tslab or this kernel. */
export function isInternal(script: string): boolean {
  if (script === '' || script.startsWith('node:') || script.startsWith('evalmachine.')) return true;
  const path = script.startsWith('file:') ? fileURLToPath(script) : script;
  return path.startsWith(kernelFolder) || path.startsWith(tslabFolder);
}

function describe(site: NodeJS.CallSite, place: Place): string {
  const where = `${place.label}:${place.line}:${place.column}`;
  const name = site.getFunctionName() ?? site.getMethodName();
  const async = (site as { isAsync?(): boolean }).isAsync?.() === true ? 'async ' : '';
  return name === null || name === '' ? `${async}${where}` : `${async}${name} (${where})`;
}

function header(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'Error';
  }
}
