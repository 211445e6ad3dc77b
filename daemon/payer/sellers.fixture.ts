/** Demands as sellers make them. */
export const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
export const SELLER = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const DOMAIN = { name: 'USDC', version: '2' };

export const offerV2 = (more: object = {}) => ({ scheme: 'exact', network: 'eip155:84532', amount: '10000', asset: USDC, payTo: SELLER, maxTimeoutSeconds: 3_600, extra: DOMAIN, ...more });
export const offerV1 = (more: object = {}) => ({ scheme: 'exact', network: 'base-sepolia', maxAmountRequired: '10000', resource: 'https://shop.example/data', description: '', mimeType: '', asset: USDC, payTo: SELLER, maxTimeoutSeconds: 60, extra: DOMAIN, ...more });
export const demandV2 = (accepts: readonly unknown[] = [offerV2()], more: object = {}) => ({ x402Version: 2, resource: { url: 'https://shop.example/data' }, accepts, ...more });
export const demandV1 = (accepts: readonly unknown[] = [offerV1()], more: object = {}) => ({ x402Version: 1, error: 'X-PAYMENT header is required', accepts, ...more });

export const base64 = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
export const unbase64 = (text: unknown): unknown => JSON.parse(Buffer.from(String(text), 'base64').toString());
