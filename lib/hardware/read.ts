// Read: a file, or an object with its content -> Hardware at a precision.
// What is read is not trusted: it is bounded, copied as plain data, and every problem it has is reported at once.

import { readFileSync, statSync } from 'node:fs';
import { CompileError, fail } from '../base/problem.ts';
import type { Precision } from '../base/units.ts';
import { fileReason } from '../base/wording.ts';
import { checkHardwareFile } from './check.ts';
import { deriveHardware } from './derive.ts';
import type { Hardware, HardwareFile } from './hardware.ts';
import { parseJson } from './parse-json.ts';

/** Ours have 13 KB. */
const MOST_BYTES = 1024 * 1024;

/**
 * The chip a file describes, at a precision (8-bit weights and activations unless told otherwise).
 * `source`: path of a hardware file, or its parsed content. Throws `file`, `hardware` and `precision` problems.
 */
export function loadHardware(source: string | object, precision: Partial<Precision> = {}): Hardware {
  const file = readHardwareFile(source);
  return deriveHardware(file, { weightBits: precision.weightBits ?? 8, activationBits: precision.activationBits ?? 8 });
}

/** A checked hardware file; the object, if one is given, is copied. Throws `file` and `hardware` problems. */
export function readHardwareFile(source: string | object): HardwareFile {
  const checked =
    typeof source === 'string'
      ? checkHardwareFile(parseJson(readText(source), source), `${source}: `)
      : checkHardwareFile(plainCopy(source));
  if (checked.file === undefined) throw new CompileError(checked.problems);
  return checked.file;
}

function readText(path: string): string {
  const next = 'Give the path of a hardware file, such as hw/dynaplasia.json.';
  const tooLarge = (bytes: number): never =>
    fail({ kind: 'file', path, reason: `has ${bytes} bytes, a hardware file at most ${MOST_BYTES}`, next });
  let bytes: Buffer;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return fail({ kind: 'file', path, reason: 'is not a file', next });
    if (stat.size > MOST_BYTES) return tooLarge(stat.size);
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof CompileError) throw error;
    return fail({ kind: 'file', path, reason: fileReason(error), next });
  }
  if (bytes.length > MOST_BYTES) return tooLarge(bytes.length);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fail({ kind: 'file', path, reason: 'is not UTF-8 text', next });
  }
}

/** The value as plain data of this realm, without getters, prototypes or sharing with the caller. */
function plainCopy(value: object): unknown {
  try {
    return structuredClone(value);
  } catch {
    return fail({
      kind: 'hardware',
      path: '$',
      found: 'something that is not plain data',
      expected: 'the content of a hardware file, as JSON.parse gives it',
    });
  }
}
