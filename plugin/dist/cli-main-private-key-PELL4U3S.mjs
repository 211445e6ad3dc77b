import{createRequire as pag0Require}from'node:module';const require=pag0Require(import.meta.url);
import{addressOf,checksummed,keccak,newPrivateKey,readPrivateKey}from"./cli-main-chunk-2XFS6VRL.mjs";import"./cli-main-chunk-XBETDEKM.mjs";export{addressOf,checksummed,keccak,newPrivateKey,readPrivateKey};
