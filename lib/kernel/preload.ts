// Warms the caches of TypeScript and Node for our own package, so that its first import in a cell is quick.
// It declares nothing in the notebook: a notebook says what it imports.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ownRequire, packageName, packageRoot, resolvesToThisPackage } from './own-package.ts';
import type { Session } from './session.ts';

/** Returns the declaration file to keep parsed: none when the package is not built, or the notebook would get another copy. */
export function typesToPreload(cwd: string): string | undefined {
  const manifest = ownRequire('./package.json') as { types?: string };
  const types = join(packageRoot, manifest.types ?? 'dist/index.d.ts');
  return existsSync(types) && resolvesToThisPackage(cwd) ? types : undefined;
}

/** Imports the package as a cell would. What fails here is reported by the first cell that imports it. */
export async function preload(session: Session): Promise<void> {
  await session.run({ id: 0, label: 'preload', code: `import * as library from '${packageName}'; library;` });
  session.reset();
}
