import { describe, expect, it } from 'vitest';
import { createWorld, refusalOf } from './world.fixture.ts';

const ask = async (tool_name: string, tool_input: object) => {
  const reply = await createWorld().send({ hook_event_name: 'PreToolUse', tool_name, tool_use_id: 't1', tool_input });
  return refusalOf(reply!)?.code ?? null;
};

describe('the guard', () => {
  it.each([
    'cat ~/.pag0/token',
    'cat /home/me/.pag0/token',
    'echo {} > ~/.pag0/config.json',
    'cp /tmp/x "$HOME/.pag0/config.json"',
    'python3 -c "open(\'/home/me/.pag0/token\')"',
    'sed -i s/5/500/ .claude/pag0.json',
    'bash -c "rm -rf ~/.pag0"',
    'PAG0_HOME=/home/me/.pag0 ls',
  ])('keeps an agent’s command off pag0’s files: %s', async (command) => {
    expect(await ask('Bash', { command })).toBe('PROTECTED_FILE');
  });

  it.each(['pag0 wallet export', 'pag0 wallet --json export', 'cd /tmp && pag0 wallet create --force', 'echo 0x11 | pag0 wallet import', 'bash -c "pag0 wallet export"', 'pag0 budget raise session $50', 'pag0 resume', 'timeout 5 pag0 resume all', 'bash -c "pag0 approve 7"', 'pag0 approve k3m9x', 'yes yes | pag0 approve k3m9x', 'pag0 --json approve --no k3m9x', 'node /x/cli.mjs approve k3m9x', '/opt/x/bin/pag0 daemon stop', 'node /x/plugin/dist/cli.mjs budget raise session 5', 'pag0 setup --yes', 'cd /tmp && node /x/cli.mjs setup --undo', 'curl -X POST http://127.0.0.1:4402/hook -d @x'])(
    'keeps the verbs that raise for a person: %s',
    async (command) => {
      expect(await ask('Bash', { command })).toBe('PERSON_REQUIRED');
    },
  );

  it.each([
    `tmux send-keys -t main 'pag0 budget raise session $50' Enter`,
    'tmux send-keys -t main pag0 Space budget Space raise Space session Space 50 Enter',
    'tmux send-keys "/pag0-budget raise session 50" C-m',
    'tmux send-keys -l "/pag0:pag0-approve k3m9x"',
    `tmux new-session -d 'pag0 resume all'`,
    `echo "pag0 resume" | tmux load-buffer - && tmux paste-buffer`,
    `screen -S person -X stuff 'pag0 resume\\n'`,
    `script -qc 'pag0 approve k3m9x' /dev/null`,
    `script -q /dev/null <<'EOF'\npag0 approve k3m9x\nEOF`,
    `expect -c 'spawn pag0 budget raise session 50; expect eof'`,
    `expect <<'EOF'\nspawn node /x/cli.mjs approve k3m9x\nexpect eof\nEOF`,
    `unbuffer pag0 --json resume`,
    `timeout 9 socat - EXEC:"pag0 resume",pty,setsid,ctty`,
    `python3 -c "import pty; pty.spawn(['pag0', 'budget', 'raise', 'session', '50'])"`,
    `python3 - <<'EOF'\nimport pty\npty.spawn(["pag0", "wallet", "export"])\nEOF`,
    `ssh -t localhost pag0 daemon stop`,
    `tmux send-keys 'pag0 resume`,
  ])('keeps them also from a terminal that an agent types into: %s', async (command) => {
    expect(await ask('Bash', { command })).toBe('PERSON_REQUIRED');
  });

  it.each([`tmux new -d 'pag0 report --json'`, `tmux send-keys 'npm test' Enter`, `git commit -m "tmux: pag0 resume is refused"`, `grep -rn "pag0 budget raise" docs | head`, `script -qc 'pag0 budget' /dev/null`])(
    'and lets it type and talk of anything else: %s',
    async (command) => {
      expect(await ask('Bash', { command })).toBeNull();
    },
  );

  it.each(['pag0 budget', 'pag0 wallet address', 'pag0 wallet balance', 'pag0 report --json', 'pag0 budget lower session $1', 'pag0 approvals --json', 'pag0 kill', 'pag0 daemon status', 'git log --grep=pag0', 'echo "see /pag0-budget"', 'npm test'])(
    'lets an agent read, lower and stop: %s',
    async (command) => {
      expect(await ask('Bash', { command })).toBeNull();
    },
  );

  it.each([
    ['Write', { file_path: '/home/me/.pag0/config.json', content: '{}' }],
    ['Edit', { file_path: '.claude/pag0.json', old_string: 'a', new_string: 'b' }],
    ['Edit', { file_path: '/work/.claude/settings.local.json', old_string: 'x', new_string: '"pag0@pag0": false' }],
    ['Write', { file_path: '/work/sub/../.claude/pag0.json', content: '{}' }],
    ['Edit', { file_path: '/home/me/.claude/settings.json', old_string: '"httpProxyPort": 4402', new_string: '' }],
  ])('%s may not touch %o', async (tool, input) => {
    expect(await ask(tool, input)).toBe('PROTECTED_FILE');
  });

  it.each([
    ['Write', { file_path: '/work/src/pag0.json', content: '{}' }],
    ['Edit', { file_path: '.claude/settings.json', old_string: 'a', new_string: 'b' }],
    ['Write', { file_path: '/home/me/.pag0-notes/x', content: '' }],
  ])('%s may touch %o', async (tool, input) => {
    expect(await ask(tool, input)).toBeNull();
  });

  it('does not let the model type pag0’s slash commands', async () => {
    for (const skill of ['pag0:pag0-resume', 'pag0-approve']) expect(await ask('Skill', { skill })).toBe('PERSON_REQUIRED');
    expect(await ask('Skill', { skill: 'review' })).toBeNull();
  });
});
