// What a test did not expect to be possible. Unlike assert.unreachable, its type says that it never returns.

export function impossible(what = 'this'): never {
  throw new Error(`${what} should not be possible`);
}
