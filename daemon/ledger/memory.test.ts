import { ledgerSuite } from './ledger.suite.ts';
import { memoryLedger } from './memory.ts';

ledgerSuite('memory', memoryLedger);
