import type { Command } from 'commander';
import { CACHE_VIEWS, type CacheClearAnswer, type CacheClearRequest } from '../daemon/contract/cache-views.ts';
import { printableJson } from '../daemon/contract/printable.ts';
import { fail, fitted, postAnswer, show } from './ask-daemon.ts';
import { DONE, MISUSED, type Exit, type Terminal } from './terminal.ts';

export interface CacheListOptions {
  limit: string;
  url?: string;
  json?: boolean;
}

export function listCache(terminal: Terminal, { limit, url, json }: CacheListOptions): Promise<Exit> {
  return show(terminal, CACHE_VIEWS.list, { limit, ...(url === undefined ? {} : { url }) }, json === true);
}

export interface CacheShowOptions {
  body?: boolean;
  json?: boolean;
}

export function showCached(terminal: Terminal, id: string, { body, json }: CacheShowOptions): Promise<Exit> {
  return show(terminal, CACHE_VIEWS.show, { id, ...(body === true ? { body: 'true' } : {}) }, json === true);
}

export interface CacheClearOptions {
  url?: string;
  all?: boolean;
  json?: boolean;
}

/** What it takes away may have cost money, so it has to be named. */
export async function clearCache(terminal: Terminal, { url, all, json }: CacheClearOptions): Promise<Exit> {
  if ((url === undefined) === (all !== true)) return fail(terminal, "say which answers: --url 'api.example.com/*' or --all.", MISUSED);
  const request: CacheClearRequest = url === undefined ? { all: true } : { url };
  const answer = await postAnswer<CacheClearAnswer>(terminal, CACHE_VIEWS.list, request);
  if (!answer.ok) return answer.exit;
  terminal.out(json === true ? printableJson(answer.body) : fitted(terminal, answer.body.sentence));
  return DONE;
}

export function addCache(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  const cache = program.command('cache').description('the answers that were paid for or fetched, and are given to whoever asks next');
  cache
    .command('ls')
    .description('what is kept, newest first')
    .option('--url <glob>', "only these, such as 'api.example.com/*'")
    .option('--limit <number>', 'how many', '50')
    .option('--json', 'as JSON, amounts in µ$')
    .action((options: CacheListOptions) => run((terminal) => listCache(terminal, options)));
  cache
    .command('show')
    .description('one answer: status, header fields, what it cost and who paid')
    .argument('<id>', 'its id, or the beginning of it')
    .option('--body', 'the body, too')
    .option('--json', 'as JSON, amounts in µ$')
    .action((id: string, options: CacheShowOptions) => run((terminal) => showCached(terminal, id, options)));
  cache
    .command('clear')
    .description('forget answers, so that they are fetched and paid for anew')
    .option('--url <glob>', "only these, such as 'api.example.com/*'")
    .option('--all', 'everything')
    .option('--json', 'as JSON')
    .action((options: CacheClearOptions) => run((terminal) => clearCache(terminal, options)));
}
