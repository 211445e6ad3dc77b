import { describe, expect, it } from 'vitest';
import type { Cheque, MoneyKind } from '../ports.ts';
import { settleLeftovers } from './leftovers.ts';
import { reconcile } from './reconcile.ts';
import { createWorld, type World } from './world.fixture.ts';

const CHEQUE: Omit<Cheque, 'key'> = { network: 'eip155:84532', asset: `0x${'01'.repeat(20)}`, from: `0x${'02'.repeat(20)}`, payTo: `0x${'03'.repeat(20)}`, amount: 10_000n, nonce: `0x${'04'.repeat(32)}`, validBefore: 1_800_000_000, resource: null, request: 'r', agreed: false, at: 1 };

/** Money that a daemon set aside before it was killed. */
async function left(world: World, key: string, kind: MoneyKind, session = 's1'): Promise<void> {
  await world.parts.ledger.reserve({ key, origin: { session, agent: 'main', run: session, project: 'p' }, lines: [{ tool: 'Bash', endpoint: 'shop.example/data', amount: 10_000n, requests: 1 }], scopes: [{ key: 'all', kind: 'day', label: 'today', limit: null }], kind, at: 1 });
}

const openIn = async (world: World, session = 's1'): Promise<string[]> => (await world.parts.ledger.open({ session })).map(({ key }) => key);
const counted = async (world: World) => (await world.parts.ledger.balances(['all']))[0];

describe('what a daemon that was killed left behind', () => {
  it('is given back where it was to pay a seller and was never signed, also while its client works on', async () => {
    const world = createWorld();
    await left(world, 's1/t1#1', 'settled');
    await left(world, 'gone/t1#1', 'settled', 'gone');
    await reconcile(world.parts);
    expect([await openIn(world), await openIn(world, 'gone'), await counted(world)]).toEqual([[], [], { posted: 0n, reserved: 0n, held: 0n }]);
  });

  it('waits for the chain where it was signed', async () => {
    const world = createWorld();
    for (const [key, session] of [['s1/t1#1', 's1'], ['gone/t1#1', 'gone']] as const) {
      await left(world, key, 'settled', session);
      await world.parts.ledger.signed({ ...CHEQUE, key, nonce: key });
    }
    await reconcile(world.parts);
    expect([await openIn(world), await openIn(world, 'gone')]).toEqual([['s1/t1#1'], ['gone/t1#1']]);
  });

  it('waits for its call where its client works on, and is spent where that is gone', async () => {
    const world = createWorld();
    await left(world, 's1/t1', 'billed');
    await left(world, 'gone/t1', 'billed', 'gone');
    await reconcile(world.parts);
    expect([await openIn(world), await openIn(world, 'gone'), await counted(world)]).toEqual([['s1/t1'], [], { posted: 10_000n, reserved: 10_000n, held: 0n }]);
  });
});

describe('a payment that is on its way', () => {
  it('is ended by nobody else', async () => {
    const world = createWorld();
    await left(world, 's1/t1#1', 'settled');
    world.parts.underway.add('s1/t1#1');
    await reconcile(world.parts);
    await settleLeftovers(world.parts, world.live);
    expect(await openIn(world)).toEqual(['s1/t1#1']);
  });

  it('is not given back when another process signs it while the book is read', async () => {
    const world = createWorld();
    const { ledger } = world.parts;
    await left(world, 's1/t1#1', 'settled');
    world.parts.ledger = {
      ...ledger,
      async open(filter) {
        const found = await ledger.open(filter);
        await ledger.signed({ ...CHEQUE, key: 's1/t1#1' });
        return found;
      },
    };
    await reconcile(world.parts);
    await settleLeftovers(world.parts, world.live);
    expect(await counted(world)).toEqual({ posted: 0n, reserved: 10_000n, held: 0n });
  });

  it('is not given back when it is signed, sent and over while others are ended', async () => {
    const world = createWorld();
    const { ledger, underway } = world.parts;
    await left(world, 's1/t1#1', 'settled');
    await left(world, 's1/t1#2', 'settled');
    underway.add('s1/t1#2');
    world.parts.ledger = {
      ...ledger,
      async voidUnsigned(key, at, reason) {
        await ledger.signed({ ...CHEQUE, key: 's1/t1#2' });
        await ledger.hold('s1/t1#2', at, 'the connection broke');
        underway.delete('s1/t1#2');
        return ledger.voidUnsigned(key, at, reason);
      },
    };
    await reconcile(world.parts);
    expect(await counted(world)).toEqual({ posted: 0n, reserved: 0n, held: 10_000n });
  });
});
