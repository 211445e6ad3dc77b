/** What the shells of a session count of their command, so that the daemon knows which one is meant. */
export { COUNTED, LOOKED_AT } from '../core/command-print.ts';
