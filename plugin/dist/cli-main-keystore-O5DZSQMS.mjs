import{createRequire as pag0Require}from'node:module';const require=pag0Require(import.meta.url);
import{lock,parseKeystore,unlock}from"./cli-main-chunk-3AYWBPRH.mjs";import"./cli-main-chunk-2XFS6VRL.mjs";import"./cli-main-chunk-XBETDEKM.mjs";export{lock,parseKeystore,unlock};
