// Path -> bytes of a model file, or one problem saying why not. Only regular files are read: a pipe would never end.

import { readFileSync, statSync } from 'node:fs';
import { fail } from '../base/problem.ts';
import { fileReason } from '../base/wording.ts';

/** Protobuf's own limit for a message. */
const MOST_BYTES = 2 ** 31 - 1;

/** The bytes of a model given by its path, or themselves. Throws `onnx-file`. */
export function readModel(source: string | Uint8Array, path: string): Buffer {
  if (typeof source === 'string') return readFile(source);
  if (source.byteLength > MOST_BYTES) tooLarge(path, source.byteLength);
  return Buffer.from(source.buffer, source.byteOffset, source.byteLength);
}

function readFile(path: string): Buffer {
  const next = 'Give the path of an ONNX model, such as datasets/vgg16.onnx.';
  const bad = (reason: string, then = next): never => fail({ kind: 'onnx-file', path, reason, next: then });
  let size = 0;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return bad('is a directory, not a model file');
    if (!stat.isFile()) return bad('is not a regular file');
    size = stat.size;
    if (size <= MOST_BYTES) return readFileSync(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return bad(fileReason(error));
  }
  return tooLarge(path, size);
}

function tooLarge(path: string, size: number): never {
  const reason = `has ${size} bytes, and a protobuf message at most ${MOST_BYTES}`;
  return fail({ kind: 'onnx-file', path, reason, next: 'Export it with its weights as external data.' });
}
