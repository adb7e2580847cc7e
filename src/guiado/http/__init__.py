"""HTTP plumbing that every door shares: bodies, time-outs, problems, request context, answers, guards."""
