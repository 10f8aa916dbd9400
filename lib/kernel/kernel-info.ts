// The kernel's answer to kernel_info_request: who it is and how its language is shown.

import { packageVersion } from './own-package.ts';
import type { Content } from './protocol.ts';
import { PROTOCOL_VERSION } from './protocol.ts';

/** Version of TypeScript inside tslab 1.0.22: `.d.ts` files that cells import have to be readable by it. */
export const TYPESCRIPT_VERSION = '5.0.4';

export function kernelInfo(): Content {
  return {
    status: 'ok',
    protocol_version: PROTOCOL_VERSION,
    implementation: 'cimbook',
    implementation_version: packageVersion,
    language_info: {
      name: 'typescript',
      version: TYPESCRIPT_VERSION,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      // A plain name: JupyterLab looks it up in its list of languages.
      codemirror_mode: 'typescript',
      nbconvert_exporter: 'script',
    },
    banner: `CIMbook ${packageVersion} (TypeScript ${TYPESCRIPT_VERSION}, Node ${process.versions.node})`,
    debugger: false,
    supported_features: [],
    help_links: [],
  };
}
