import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `npx tsx scripts/chain/compile-token.ts` makes MockUSDC.json out of MockUSDC.sol; with `--check` it says whether the committed
 * one is what the source makes. The compiler (10 MB) and the contracts come from npm into a folder that goes again: nobody
 * who tests or builds needs them.
 */
const PACKAGES = ['solc@0.8.37', '@openzeppelin/contracts@5.7.0'];
const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'cancun',
  // Without a hash of the sources in it the code changes only when what it does changes.
  metadata: { appendCBOR: false },
  outputSelection: { 'MockUSDC.sol': { MockUSDC: ['abi', 'evm.bytecode.object'] } },
};

interface Compiler {
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string;
}

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts: { readonly 'MockUSDC.sol': { readonly MockUSDC: { readonly abi: unknown; readonly evm: { readonly bytecode: { readonly object: string } } } } };
}

function compileToken(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pag0-token-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...PACKAGES], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    const require = createRequire(join(folder, 'package.json'));
    const input = { language: 'Solidity', sources: { 'MockUSDC.sol': { content: source } }, settings: SETTINGS };
    const { compile } = require('solc') as Compiler;
    const { errors = [], contracts } = JSON.parse(compile(JSON.stringify(input), { import: (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') }) })) as Output;
    const fatal = errors.filter(({ severity }) => severity === 'error');
    if (fatal.length > 0) throw new Error(fatal.map(({ formattedMessage }) => formattedMessage).join('\n'));
    const { abi, evm } = contracts['MockUSDC.sol'].MockUSDC;
    return `${JSON.stringify({ abi, bytecode: `0x${evm.bytecode.object}` })}\n`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const artifact = new URL('MockUSDC.json', import.meta.url);
const compiled = compileToken(readFileSync(new URL('MockUSDC.sol', import.meta.url), 'utf8'));
if (!process.argv.includes('--check')) {
  writeFileSync(artifact, compiled);
} else {
  const same = readFileSync(artifact, 'utf8') === compiled;
  console.log(same ? 'MockUSDC.json is what MockUSDC.sol makes.' : 'MockUSDC.json is not what MockUSDC.sol makes.');
  process.exitCode = same ? 0 : 1;
}
