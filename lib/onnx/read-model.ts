// Path -> bytes of a model file, or one problem saying why not. Only regular files are read: a pipe would never end.

import { readFileSync, statSync } from 'node:fs';
import { fail } from '../base/problem.ts';
import { fileReason } from '../base/wording.ts';

/** Protobuf's own limit for a message. */
const MOST_BYTES = 2 ** 31 - 1;

/** Throws `onnx-file`. */
export function readModel(path: string): Buffer {
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
  return bad(`has ${size} bytes, and a protobuf message at most ${MOST_BYTES}`, 'Export it with its weights as external data.');
}
