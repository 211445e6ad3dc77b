/** What the client's SessionStart hook tells the daemon of a session that nobody sits at; `clientPid` null: whose process it is nobody knows. */
export function sessionStart(session: string, folder: string, clientPid: number | null): object {
  return {
    event: 'session-start',
    session_id: session,
    transcript_path: null,
    cwd: folder,
    source: 'startup',
    prompt_id: null,
    author: 'person',
    permission_mode: null,
    attended: false,
    options: {},
    clientPid,
    parent: { session: null },
    ancestors: [],
    project: folder,
    run: null,
    pluginVersion: '0',
  };
}
