// Entry of the kernel process: `node main.js {connection_file}`, as Jupyter starts it in the notebook's folder.

import module from 'node:module';

const [, , connectionFile] = process.argv;
if (connectionFile === undefined) {
  console.error('usage: node main.js CONNECTION_FILE (Jupyter does this; `npx cimbook kernel install` tells it how)');
  process.exit(2);
}

// `require` of ES modules, which every import of a package in a cell may become, is announced as experimental by Node 20.
const { emitWarning } = process;
process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
  const isExperimental = rest[0] === 'ExperimentalWarning' || (warning instanceof Error && warning.name === 'ExperimentalWarning');
  if (!isExperimental) Reflect.apply(emitWarning, process, [warning, ...rest]);
}) as typeof process.emitWarning;

// From Node 22 on, TypeScript and the library need not be compiled at every start.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();

try {
  const [{ runKernel }, { readConnectionFile }] = await Promise.all([import('./kernel.ts'), import('./protocol.ts')]);
  await runKernel(readConnectionFile(connectionFile), process.cwd());
} catch (error) {
  // Standard error may already be the notebook's: this goes to the log of the Jupyter server.
  const { writeSync } = await import('node:fs');
  writeSync(2, `The CIMbook kernel could not start: ${(error as Error).stack}\n`);
  process.exit(1);
}
