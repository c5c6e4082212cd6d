"""Cases, approvals, acts within limits, the audit trail and seals: nothing that people must see is logged and
forgotten, and nobody acts on money alone beyond what their role allows.
"""

from oversight.services.acts import ApprovalRequired, authorize_act, record_act
from oversight.services.approvals import (
    AlreadyRequested,
    ApprovalClosed,
    ApprovalExpired,
    ApprovalForSomethingElse,
    ApprovalNotFound,
    ApprovalNotGiven,
    ApprovalUsed,
    OwnRequest,
    approve,
    execute_approval,
    expire_due,
    reject,
    request_approval,
    withdraw,
)
from oversight.services.audit import record_audit
from oversight.services.cases import (
    CaseIsResolved,
    Report,
    assign_case,
    escalate_overdue,
    open_case,
    resolve_case,
    resolve_open,
)
from oversight.services.limits import (
    Act,
    ActIncomplete,
    Allowance,
    Bound,
    Bounds,
    LimitExceeded,
    NotPermitted,
    actor_name,
    check_limits,
    digest_request,
)
from oversight.services.seals import seal_closed_batches

__all__ = [
    "Act",
    "ActIncomplete",
    "Allowance",
    "AlreadyRequested",
    "ApprovalClosed",
    "ApprovalExpired",
    "ApprovalForSomethingElse",
    "ApprovalNotFound",
    "ApprovalNotGiven",
    "ApprovalRequired",
    "ApprovalUsed",
    "Bound",
    "Bounds",
    "CaseIsResolved",
    "LimitExceeded",
    "NotPermitted",
    "OwnRequest",
    "Report",
    "actor_name",
    "approve",
    "assign_case",
    "authorize_act",
    "check_limits",
    "digest_request",
    "escalate_overdue",
    "execute_approval",
    "expire_due",
    "open_case",
    "record_act",
    "record_audit",
    "reject",
    "request_approval",
    "resolve_case",
    "resolve_open",
    "seal_closed_batches",
    "withdraw",
]
