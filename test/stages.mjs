// The stages of `npm test` and `npm run check`, in order; ends with "N passed, N failed".
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../examples/prepare.mjs';

const HELP = `Usage: npm test [-- <stage or filter> ...]      npm run check [-- <stage> ...]

  npm test                    every stage; the simulations run their full ten minutes of game time
  npm run check               every stage but contract and e2e, one simulated minute: quick
  npm test -- sim e2e         these stages only
  npm test -- acks            the test files whose path contains "acks"
  npm test -- acks -t wrap    options are handed to vitest

Stages: types lint architecture unit property contract sim e2e
Environment: TICKWIRE_CHROMIUM (path of the browser), TICKWIRE_SIM_SECONDS (simulated seconds per profile)`;

/** Each command stage counts as one test; a suite counts what vitest counted. */
const COMMANDS = {
  types: [['npm', 'run', '--silent', 'types']],
  lint: [['npm', 'run', '--silent', 'lint']],
};
const SUITES = ['architecture', 'unit', 'property', 'contract', 'sim', 'e2e'];
/** Real sockets and browsers take real time. */
const SLOW = ['contract', 'e2e'];
const STAGES = [...Object.keys(COMMANDS), ...SUITES];

const total = { passed: 0, failed: 0, skipped: 0 };
const scratch = mkdtempSync(join(tmpdir(), 'tickwire-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

await main(process.argv.slice(2));

async function main(args) {
  if (args.includes('--help') || args.includes('-h')) return console.log(HELP);
  const quick = args.includes('--check');
  const rest = args.filter((arg) => arg !== '--check');
  const named = rest.filter((arg) => STAGES.includes(arg));
  const handed = rest.filter((arg) => !STAGES.includes(arg));
  process.env.NODE_ENV = 'test';
  process.env.TICKWIRE_SIM_SECONDS ??= quick ? '60' : '600';

  const started = Date.now();
  if (named.length === 0 && handed.length > 0) {
    await filtered(handed);
  } else {
    const stages = named.length > 0 ? named : STAGES.filter((stage) => !quick || !SLOW.includes(stage));
    // The compiler and the linter use one core each; suites use all.
    const commands = stages.filter((stage) => !SUITES.includes(stage));
    await Promise.all(commands.map((stage) => runStage(stage, handed, quick)));
    for (const stage of stages.filter((stage) => SUITES.includes(stage)))
      await runStage(stage, handed, quick);
  }
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  console.log(`\nFinished in ${seconds(started)}.`);
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}

/** A path or an option goes to one run over all suites. Nothing found is a mistake worth a message. */
async function filtered(handed) {
  await chromium().catch(() => {}); // a browser test among them will say that it misses one
  const outcome = await suite([], handed, true);
  if (outcome.passed + outcome.failed + outcome.skipped === 0) {
    console.error(`No test matches "${handed.join(' ')}"; see npm test -- --help.`);
  }
}

async function runStage(stage, handed, quick) {
  const started = Date.now();
  const outcome = await runKind(stage, handed, quick);
  const mark = outcome.failed > 0 ? 'FAILED' : 'ok';
  const counts = SUITES.includes(stage) ? `${outcome.passed} passed, ${outcome.failed} failed` : '';
  console.log(`${stage.padEnd(14)}${mark.padEnd(8)}${seconds(started).padStart(8)}  ${counts}`.trimEnd());
}

async function runKind(stage, handed, quick) {
  if (!SUITES.includes(stage)) return command(COMMANDS[stage]);
  if (stage === 'e2e') {
    try {
      await chromium();
    } catch (error) {
      console.error(error.message);
      return count({ passed: 0, failed: 1, skipped: 0 });
    }
  }
  const projects = stage === 'unit' ? ['unit', 'apart'] : [stage];
  return suite(
    projects.flatMap((project) => ['--project', project]),
    handed,
    !quick,
  );
}

async function chromium() {
  const { findChromium } = await import('./chromium.mjs');
  process.env.TICKWIRE_CHROMIUM = findChromium({ install: true, say: console.log });
}

async function command(lines) {
  let failed = 0;
  for (const [program, ...args] of lines) {
    const { code, output } = await run(program, args, false);
    if (code === 0) continue;
    failed = 1;
    console.error(output);
  }
  return count({ passed: 1 - failed, failed, skipped: 0 });
}

async function suite(select, handed, live) {
  const report = join(scratch, `${Date.now()}.json`);
  const vitest = join(repository, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--passWithNoTests', ...select, '--reporter=default', '--reporter=json'];
  args.push(`--outputFile.json=${report}`, ...handed);
  const { code, output } = await run(process.execPath, [vitest, ...args], live);
  const outcome = readReport(report);
  // A crash, an unhandled error or a file that does not load has no failed test of its own.
  if (code !== 0 && outcome.failed === 0) outcome.failed = 1;
  if (outcome.failed > 0 && !live) console.error(output);
  return count(outcome);
}

function readReport(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    const unloaded = report.testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.length === 0,
    );
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + unloaded.length,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

function count(outcome) {
  for (const key of Object.keys(total)) total[key] += outcome[key];
  return outcome;
}

/** Runs a program from the repository. Live output goes straight to the terminal; otherwise it is kept. */
function run(program, args, live) {
  return new Promise((resolve) => {
    const stdio = live ? 'inherit' : ['ignore', 'pipe', 'pipe'];
    const shell = program === 'npm' && process.platform === 'win32';
    const child = spawn(program, args, { cwd: repository, stdio, shell });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`;
}
