// The packages that `scripts/deps stepfunctions` installs, found from here because they stand in build/.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const home = fileURLToPath(new URL('../../../build/engines/stepfunctions/', import.meta.url));

if (!existsSync(`${home}installed.json`)) {
  console.error('the packages are missing: run scripts/deps stepfunctions');
  process.exit(77);
}

// The interpreter needs this function of node 22.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

export const load = createRequire(`${home}package.json`);
