// What the printer and the parser of program text share: which strings need no quotes, and the
// limits on what is read. docs/program.md is the grammar.

/** Ids printed as they are; every other id is a JSON string. No digit first, so that [4-7] stays a range of arrays. */
export const BARE_ID = /^[A-Za-z_$/][A-Za-z0-9_.$/-]*$/;
/** Hashes printed as they are. */
export const BARE_HASH = /^[A-Za-z0-9_]+$/;
/** Names of loop variables; there is no quoted form. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** First word and version of every program text. */
export const MAGIC = 'cimbook-program';
export const VERSION = 1;

/** Program text comes from anybody: reading it takes bounded time and memory. */
export const LIMITS = {
  /** 64 Mi characters. */
  characters: 64 * 1024 * 1024,
  /** Blocks inside blocks. */
  nesting: 16,
  /** Entries of one list of arrays, its ranges written out. */
  arraysInList: 1_000_000,
  /** Entries of all lists of arrays together. */
  arraysInText: 32_000_000,
  /** Problems reported. */
  problems: 50,
} as const;

/** Characters nobody sees, and those that turn the direction of writing: escaped, so that a text is what it looks like. */
const INVISIBLE = /[\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g;

/** A JSON string on one line, without invisible characters. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
