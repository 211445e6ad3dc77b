/** What `pag0 approvals` and `pag0 approve` ask of the daemon, and the answers; as in `views.ts`. */
export const APPROVAL_VIEWS = {
  /** `GET` answers an `ApprovalsView`; `POST` with an `ApprovalRequest` answers an `OrderAnswer`. */
  approvals: '/v1/approvals',
} as const;

/** One payment that waits for a person's yes, or has it and waits for its call. */
export interface ApprovalView {
  id: string;
  session: string;
  /** `researcher-1/claude-1/executor-1` */
  agentId: string;
  endpoint: string;
  code: string;
  /** Stands behind the endpoint: "costs $0.30, above what needs a person's yes". */
  why: string;
  amount: string;
  /** CAIP-2: `eip155:84532`. */
  network: string;
  asset: string;
  payTo: string;
  expiresAt: number;
  approved: boolean;
}

export interface ApprovalsView {
  at: number;
  /** Oldest first. */
  approvals: ApprovalView[];
}

export interface ApprovalRequest {
  id: string;
  /** false: it is declined. */
  yes: boolean;
  /** A claim: the daemon looks for itself who is behind the connection. */
  by: { tty: boolean; pid: number };
}
