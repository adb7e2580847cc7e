"""HTTP parts that the API and the pages share: bodies, time-outs, problems, request context, answers, guards."""
