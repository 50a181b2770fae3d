// Bundle the tests and run them with Node's own runner.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const outdir = 'lib-test';
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: readdirSync('test')
    .filter(name => name.endsWith('.test.ts'))
    .map(name => `test/${name}`),
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  outdir,
  external: ['typescript'],
  outExtension: { '.js': '.cjs' },
  logLevel: 'warning'
});
const files = readdirSync(outdir).map(name => `${outdir}/${name}`);
process.exit(spawnSync('node', ['--test', ...files], { stdio: 'inherit' }).status ?? 1);
