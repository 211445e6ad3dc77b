import { type Abi, type Hex, parseAbi } from 'viem';
import artifact from './MockUSDC.json' with { type: 'json' };

/** Where USDC is on Base Sepolia, so that a client who knows that token pays with ours. */
export const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
/** What a demand says of the token, for the signature. */
export const USDC_DOMAIN = { name: 'USDC', version: '2' } as const;

export const TOKEN_ABI = parseAbi([
  'function balanceOf(address account) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function mint(address to, uint256 value)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
]);

/** As `compile-token.ts` made it. */
export const TOKEN_ARTIFACT = artifact as { abi: Abi; bytecode: Hex };
