#!/usr/bin/env bash
# Makes a development container ready: everything `npm start` needs, and the kernel where VS Code looks for it.
set -euo pipefail
cd "$(dirname "$0")/.."
npm run setup
node dist/cli/main.js kernel install
