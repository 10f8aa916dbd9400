// Wording: how a problem shows what it found, where, and what may have been meant.
// What is found comes from outside, so it is cut short and freed of control characters.

const LONGEST_SHOWN = 60;

/** A value in a few safe characters. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') {
    const start = value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}...` : value;
    return JSON.stringify(start).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?');
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** JSON path of a field: `$.compute.weights["8"]`. */
export function jsonPath(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) && key.length <= LONGEST_SHOWN ? `${path}.${key}` : `${path}[${shown(key)}]`;
}

/** "a, b or c". */
export function either(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** The name that is fewest edits from `word`, if it is near enough to be what was meant. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  if (word.length > LONGEST_SHOWN) return undefined;
  const enough = Math.max(2, Math.floor(word.length / 3));
  const ranked = names
    .map((name) => ({ name, edits: editsBetween(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ edits }) => edits <= enough)
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.name;
}

/** Levenshtein distance. */
function editsBetween(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Why the file system refused: 'there is no such file', 'access is denied', ... */
export function fileReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'ENOTDIR':
      return 'there is no such file: its folder is not a folder';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'access is denied';
    case 'EISDIR':
      return 'is a directory';
    case 'ENOSPC':
      return 'the disk is full';
    default:
      return `the system says ${code}`;
  }
}
