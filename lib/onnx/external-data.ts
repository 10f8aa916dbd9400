// Weights in a file beside the model: bytes of one tensor, read when they are asked for.
// The file is not trusted to say where: only regular files in the model's own folder or below it are opened, and never
// more is read than the tensor's shape needs.
// Source: github.com/onnx/onnx, docs/ExternalData.md.

import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, posix, sep } from 'node:path';
import type { onnx } from 'onnx-proto';
import { fileReason, shown } from '../base/wording.ts';

/** Why a tensor's values can't be had, in words that follow its name. `absent`: the file isn't there at all. */
export interface NoValues {
  readonly reason: string;
  readonly next: string;
  readonly absent?: boolean;
}

/** The `needed` bytes of a tensor whose values are outside the model at `path`; undefined if that was given as bytes. */
export function readExternal(
  entries: readonly onnx.IStringStringEntryProto[],
  path: string | undefined,
  needed: number,
): Buffer | NoValues {
  const said = new Map(entries.map(({ key, value }) => [key ?? '', value ?? '']));
  const location = said.get('location') ?? '';
  const where = `has its values in ${shown(location)}`;
  if (path === undefined) {
    return { reason: `${where}, and the model was given as bytes`, next: "Give the model's path.", absent: true };
  }
  if (isOutside(location)) {
    return {
      reason: `${where}, which is not in the model's folder`,
      next: `Put the file beside ${basename(path)} and name it without a folder.`,
    };
  }
  const offset = sizeOf(said.get('offset'), 0);
  const length = sizeOf(said.get('length'), needed);
  if (offset === undefined || length === undefined) {
    return { reason: `${where}, at an offset or of a length that is no number`, next: 'Export the model again.' };
  }
  if (length !== needed)
    return { reason: `${where}, ${length} bytes of it, and its shape needs ${needed}`, next: 'Export the model again.' };
  try {
    const folder = realpathSync(dirname(path));
    const file = realpathSync(join(folder, location));
    if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
      return { reason: `${where}, a link that leaves the model's folder`, next: 'Copy the file itself beside the model.' };
    }
    return readPart(file, offset, needed, where);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return { reason: `${where}, and ${fileReason(error)}`, next: 'Put that file beside the model.', absent: error.code === 'ENOENT' };
  }
}

/** Also for paths of the other kind of machine: a model may come from anywhere. */
function isOutside(location: string): boolean {
  const path = location.replaceAll('\\', '/');
  return (
    path === '' ||
    path.includes('\0') ||
    isAbsolute(location) ||
    path.startsWith('/') ||
    /^[A-Za-z]:/.test(path) ||
    posix.normalize(path).split('/')[0] === '..'
  );
}

function sizeOf(text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined || text === '') return otherwise;
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

function readPart(file: string, offset: number, needed: number, where: string): Buffer | NoValues {
  const next = 'Copy the whole file, or export the model again.';
  const stat = statSync(file);
  if (!stat.isFile()) return { reason: `${where}, which is not a regular file`, next };
  if (offset + needed > stat.size) {
    return { reason: `${where}, bytes ${offset} to ${offset + needed}, and that file has ${stat.size}`, next };
  }
  const bytes = Buffer.allocUnsafeSlow(needed);
  const descriptor = openSync(file, 'r');
  try {
    for (let done = 0; done < needed; ) {
      // At most 2^30 a call: more than 2^31-1 is an error on some systems.
      const read = readSync(descriptor, bytes, done, Math.min(needed - done, 2 ** 30), offset + done);
      if (read === 0) return { reason: `${where}, which ends before its values do`, next };
      done += read;
    }
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}
