import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openScreen } from './e2e/screen.ts';
import { marker } from './e2e/script.ts';
import { agent, openStage, PLUGIN } from './e2e/stage.ts';

/** Draws `docs/session.svg` from a session of the real client on its own screen: `npx tsx scripts/picture.ts`. */
const TARGET = fileURLToPath(new URL('../docs/session.svg', import.meta.url));

const stage = await openStage(
  '$0.25',
  (here) => ({
    ultrawork: [['researcher', 'executor', 'reviewer'].map((type) => agent(type, type)), 'The agents are back.'],
    researcher: [...[1, 2, 3].map((n) => [here.curl(`/search?q=${n}`)]), 'Researched.'],
    executor: [[here.curl('/v1/chat/completions')], [here.curl('/v1/messages')], 'Executed.'],
    reviewer: [[here.curl('/v1/messages')], 'Reviewed.'],
  }),
  { agents: { researcher: { agentBudget: '$0.50' }, executor: { agentBudget: '$2' }, reviewer: { agentBudget: '$0.50' } } },
);
for (const name of ['researcher', 'executor', 'reviewer']) await stage.writeAgent(name);
const screen = await openScreen({ workspace: stage.workspace, apiUrl: stage.model.url, pluginDirs: [PLUGIN], skipPermissions: true });
try {
  await screen.waitFor(/\? for shortcuts|bypass permissions|Try "/);
  await screen.submit(`ultrawork: compare the three search APIs ${marker('ultrawork')}`);
  await screen.waitFor('The agents are back.', 30_000);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  await screen.submit('/pag0-budget');
  await screen.waitFor('researcher-1');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  writeFileSync(TARGET, svgOf(framed(await screen.capture())));
  console.log(TARGET);
} finally {
  await screen.end();
  await stage.close();
}

/** The part of the screen that holds the session: without the greeting above it and the empty lines below. */
function framed(text: string): string[] {
  const lines = text
    .replaceAll(` ${marker('ultrawork')}`, '')
    .replaceAll(stage.workspace.cwd, '~/project')
    .split('\n')
    .map((line) => line.trimEnd());
  const first = lines.findIndex((line) => line.includes('ultrawork:'));
  const last = lines.findLastIndex((line) => /[a-z]/.test(line) && !/shortcuts|bypass|effort/.test(line));
  return lines.slice(Math.max(first, 0), last + 1);
}

function svgOf(lines: readonly string[]): string {
  const [charWidth, lineHeight, pad] = [8.4, 19, 18];
  const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * charWidth + 2 * pad);
  const rows = lines.map((line, index) => `<text x="${pad}" y="${pad + 14 + index * lineHeight}" fill="${colourOf(line)}" xml:space="preserve">${escapeXml(line)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${lines.length * lineHeight + 2 * pad}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" role="img" aria-label="A Claude Code session with pag0">
<rect width="100%" height="100%" rx="8" fill="#16181d"/>
${rows.join('\n')}
</svg>
`;
}

function colourOf(line: string): string {
  if (line.includes('stopped') || /EXCEEDED/.test(line)) return '#ff8a80';
  if (/[█░]/.test(line)) return '#a5d6a7';
  return /^[>❯●]/.test(line.trim()) ? '#ffffff' : '#c9ced6';
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
