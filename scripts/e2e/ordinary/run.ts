import { execFileSync } from 'node:child_process';
import { readFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createTcp, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMessagesApi } from '../messages-api.ts';
import { marker, type Reply, type Step } from '../script.ts';
import { typeSecret } from '../secret-store.ts';
import { runSession } from '../session.ts';
import { PLUGIN } from '../stage.ts';
import { answeredDialogs } from '../workspace.ts';
import { answering, earlyAnswer } from './answers.ts';
import { type Act, type Case, nameOf } from './case.ts';
import { trustInThisNamespace } from './certificates.ts';
import type { Job, Observation, Played, PlayedSession, Session } from './job.ts';
import { buildMachine } from './machine.ts';
import { ROOT } from './namespace.ts';
import { openNetwork } from './network.ts';
import { packageFiles, startGit, startHttp2, startPersonsProxy } from './other-servers.ts';
import { PLANS } from './plans.ts';
import { startRecorder, type Seen } from './recorder.ts';

/** Plays a job in the namespaces it finds itself in: stdin is the job, stdout what was seen. */

const SESSION_LIMIT_MS = 900_000;
const UNTIL_MS = 8_000;
/** A request that a command left behind may still be on its way when the command has ended. */
const SETTLE_MS = 5;
const PAG0_PORT = 4402;
/** Loaded before every program of Node's where a session's environment says so: the daemon then takes long to begin. */
const SLOW_DAEMON = "if (process.argv[1]?.endsWith('/daemon.mjs')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 12_000);\n";

const job = JSON.parse(readFileSync(0, 'utf8')) as Job;
const sessions = PLANS[job.plan];
if (sessions === undefined) throw new Error(`There is no plan "${job.plan}".`);
execFileSync('mount', ['-t', 'tmpfs', 'none', ROOT]);
const { ipv6 } = await openNetwork(ROOT);
trustInThisNamespace(ROOT, job.certificates);
const machine = buildMachine(ROOT, { certificates: job.certificates, ipv6 });
const recorder = await startRecorder({
  plainPorts: [80, 3000, 8080],
  securePorts: [443],
  mutualPort: 9443,
  certificates: job.certificates,
  answer: answering(packageFiles(ROOT)),
  early: earlyAnswer,
  ipv6,
});
await startHttp2(job.certificates, { secure: 8443, plain: 8082 }, recorder.seen);
await startGit(ROOT, job.certificates, { plain: 8090, secure: 8453 }, recorder.seen);
await startPersonsProxy(3128, recorder.seen);
await startUnixServer(join(ROOT, 'api.sock'));
writeFileSync(join(ROOT, 'slow.mjs'), SLOW_DAEMON);
const needs = new Map([...new Set(sessions.flatMap((one) => one.cases.flatMap(({ needs }) => needs ?? [])))].map((need) => [need, machine.has(need)]));
const played: PlayedSession[] = [];
for (const [at, session] of sessions.entries()) played.push(await playSession(session, at));
const missing = [...needs].filter(([, has]) => !has).map(([need]) => need);
const answer: Played = { sessions: played, missing };
process.stdout.write(JSON.stringify(answer), () => process.exit(0));

async function playSession(session: Session, at: number): Promise<PlayedSession> {
  const cases = session.cases.filter(({ needs: need }) => need === undefined || needs.get(need) === true);
  const observed: Omit<Observation, 'input' | 'outcome'>[] = [];
  let request = recorder.seen.length;
  let began = performance.now();
  const stranger = session.stranger === true ? await standOnPort() : null;
  const collect = async (one: Case, result: { text: string; isError: boolean } | undefined): Promise<void> => {
    const until = one.until;
    for (let waited = 0; until !== undefined && waited < UNTIL_MS && !existsSync(join(machine.project, until)); waited += 20) await sleep(20);
    await sleep(SETTLE_MS);
    const requests: Seen[] = recorder.seen.slice(request);
    request = recorder.seen.length;
    observed.push({ name: nameOf(one), text: result?.text ?? '(no result)', isError: result?.isError ?? false, requests, programs: machine.programs(), files: machine.changes(), tookMs: Math.round(performance.now() - began) });
  };
  machine.programs();
  machine.changes();
  const steps: Step[] = [...cases, null].map((one, step) => async ({ toolResults }): Promise<Reply> => {
    const before = cases[step - 1];
    if (before !== undefined) await collect(before, toolResults[step - 1]);
    if (one === null) return 'Done.';
    // Who waits for a run that does not end sees where it stands.
    process.stderr.write(`${session.name}: ${nameOf(one)}\n`);
    if (one.act !== undefined) await act(one.act);
    began = performance.now();
    return [{ name: 'Bash', input: { command: one.run, ...(one.background ? { run_in_background: true } : {}), ...(one.limit === undefined ? {} : { timeout: one.limit }) } }];
  });
  const model = await startMessagesApi({ play: steps });
  await prepareHome();
  const outcome = await runSession({
    workspace: { home: machine.home, cwd: machine.project, dispose: async () => {} },
    apiUrl: model.url,
    prompt: marker('play'),
    env: { ...machine.env, IS_SANDBOX: '1', ...session.env },
    ...(session.mode === 'skip' ? { skipPermissions: true } : { permissionMode: session.mode }),
    ...(session.settings === undefined ? {} : { settings: session.settings }),
    args: ['--session-id', `00000000-0000-4000-8000-${String(at + 1).padStart(12, '0')}`, ...(session.args ?? [])],
    pluginDirs: job.pag0 === null ? [] : [PLUGIN],
    timeoutMs: SESSION_LIMIT_MS,
  });
  const toolResults = new Map(
    outcome.events.flatMap((event) => {
      const content = event.message?.content;
      const id = typeof content === 'object' ? content.find((block) => block.type === 'tool_result')?.tool_use_id : undefined;
      return id === undefined ? [] : [[id, event['tool_use_result']] as const];
    }),
  );
  await model.close();
  stranger?.close();
  const bashes = outcome.toolCalls.filter(({ name }) => name === 'Bash');
  return {
    name: session.name,
    observations: observed.map((one, step) => ({ ...one, input: bashes[step]?.input ?? null, outcome: toolResults.get(bashes[step]?.id ?? '') ?? null })),
    result: outcome.timedOut ? 'The client did not end in time.' : (outcome.result?.result ?? null),
    denials: outcome.result?.permission_denials.length ?? 0,
    exitCode: outcome.exitCode,
    stderr: outcome.stderr,
    reminders: remindersIn(model.requests.flatMap(({ body }) => body?.messages ?? [])),
    durationMs: outcome.durationMs,
  };
}

/** What the client and its plugins say to the model beside what people and tools say. */
function remindersIn(messages: readonly { role: string; content: string | readonly { type: string; text?: string }[] }[]): string[] {
  const texts = messages.filter(({ role }) => role !== 'assistant').flatMap(({ content }) => (typeof content === 'string' ? [content] : content.flatMap(({ type, text }) => (type === 'text' ? [text ?? ''] : []))));
  return [...new Set(texts)];
}

async function prepareHome(): Promise<void> {
  writeFileSync(join(machine.home, '.claude.json'), JSON.stringify(answeredDialogs(machine.project)));
  if (job.pag0 === null) return;
  const folder = join(machine.home, '.pag0');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (job.pag0.config !== null && !existsSync(join(folder, 'config.json'))) writeFileSync(join(folder, 'config.json'), JSON.stringify(job.pag0.config));
  if (job.pag0.walletKey !== undefined) await typeSecret({ home: machine.home, cwd: machine.project, dispose: async () => {} }, 'wallet_private_key', job.pag0.walletKey);
}

async function act(what: Act): Promise<void> {
  if (job.pag0 === null || what !== 'kill-daemon') return;
  const pid = daemonPid();
  if (pid !== null) {
    try {
      process.kill(pid, 'SIGKILL');
      for (let waited = 0; waited < 5_000; waited += 10) {
        process.kill(pid, 0);
        await sleep(10);
      }
    } catch {
      // Gone.
    }
  }
}

function daemonPid(): number | null {
  try {
    return (JSON.parse(readFileSync(join(machine.home, '.pag0', 'daemon.json'), 'utf8')) as { pid: number }).pid;
  } catch {
    return null;
  }
}

/** Somebody else's program on pag0's port. */
async function standOnPort(): Promise<Server> {
  const server = createTcp((socket) => socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nelse\n'));
  await new Promise<void>((resolve) => server.listen(PAG0_PORT, '127.0.0.1', resolve));
  return server;
}

async function startUnixServer(path: string): Promise<void> {
  const server = createTcp((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head) => {
      recorder.seen.push({ to: 'unix socket', from: '', head: head.toString('latin1'), body: '' });
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nunix\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
}
