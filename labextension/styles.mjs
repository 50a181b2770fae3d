// Minify each style sheet into a module that exports it as text: the loaders of the bundler weigh more than the sheets.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { transform } from 'esbuild';

mkdirSync('lib', { recursive: true });
for (const name of ['base', 'approval', 'report', 'panel']) {
  const css = readFileSync(`style/${name}.css`, 'utf8');
  const { code } = await transform(css, { loader: 'css', minify: true });
  writeFileSync(`lib/${name}.style.js`, `export default ${JSON.stringify(code.trim())};\n`);
}
