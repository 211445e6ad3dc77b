/**
 * What a proxy would defeat: options with which a command says itself where it connects, or speaks something that passes
 * none. A command with one of these gets no proxy from its session (`hooks/session-env.ts`), so that it asks whom it would have
 * asked without pag0; the hook charges what it can read of it. Looked for in the text, by a shell's builtins and here alike.
 */
export const DIRECT: readonly { program: string; options: readonly string[] }[] = [
  {
    program: 'curl',
    options: [
      '--resolve', '--connect-to', '--interface', '--dns-', '--doh-url', 'unix-socket', '--ipv4', '--ipv6', 'curl -4', 'curl -6', ' -4 http', ' -6 http', '-s4 ', '-s6 ',
      '--haproxy-', '--http2-prior-knowledge', '--http3', '--http0.9', '--request-target',
    ],
  },
  { program: 'wget', options: ['--bind-address', '--inet4-only', '--inet6-only', '--prefer-family', '--dns-servers', 'wget -4', 'wget -6', ' -4 http', ' -6 http'] },
];

export function goesDirect(command: string): boolean {
  return DIRECT.some(({ program, options }) => command.includes(program) && options.some((option) => command.includes(option)));
}
