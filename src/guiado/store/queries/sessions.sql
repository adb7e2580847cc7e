-- name: load
-- One session ($2) of a tenant ($1) with what deciding needs besides it. The number of failures is not asked of guiado_config: PostgreSQL would plan
-- that function anew in each call.
SELECT s.session_id, s.customer_email, s.problem_description, s.started_at, s.updated_at, s.version, s.status, s.current_step,
       s.offered_step_id, s.answers, s.total_steps, s.failures, s.attempts, s.decisions, s.ticket_id, s.customer_name, s.detected_problem_id AS problem_id,
       s.detected_problem_title AS problem_title, s.guide_version_id, s.language, s.notes, s.resolved_at, s.escalated_at,
       s.resolution, s.ended_at, s.ended_how, s.ended_by, s.escalation_reason, s.recontact_until, s.true_problem_id,
       s.true_step_id, s.agent_minutes, s.urgent, s.clarifications, s.alternatives, s.detection_confidence,
       s.already_tried, s.message_kind, s.also_named, s.unknown_codes, s.variant, s.offered_why, s.asked_question_id, s.guide_answers,
       s.device, s.product, s.metadata ->> 'original_sender' AS original_sender,
       (SELECT c.config_value FROM support_troubleshooting_config c
         WHERE c.config_key = 'auto_escalate_after_failures' AND c.tenant_id IN ($1, 'default')
         ORDER BY c.tenant_id = $1 DESC LIMIT 1) AS failures_allowed
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.session_id = $2;

-- name: commit
-- The only write of a session: see guiado_commit in the schema.
SELECT guiado_commit($1, $2);

-- name: attempts
-- The attempts of a session that its customer did not take back, in order.
SELECT a.* FROM support_troubleshooting_attempts a
 WHERE a.tenant_id = $1 AND a.session_id = $2 AND a.retracted_at IS NULL
 ORDER BY a.attempted_at, a.id;

-- name: passing_attempt
-- The attempt with which the step at this position in the session was passed.
SELECT a.* FROM support_troubleshooting_attempts a
 WHERE a.tenant_id = $1 AND a.session_id = $2 AND a.step_number = $3 AND a.success AND a.retracted_at IS NULL
 ORDER BY a.attempted_at DESC, a.id DESC LIMIT 1;

-- name: last_answer
-- The attempt that was made last and not taken back, with the rule of the offer that followed it, and whether a person works on the ticket
-- that guiado wrote for the session.
SELECT a.*,
       (SELECT d.rule FROM support_troubleshooting_decisions d
         WHERE d.tenant_id = a.tenant_id AND d.session_id = a.session_id AND d.number = a.decision_number + 1) AS led_to,
       EXISTS (SELECT FROM support_troubleshooting_sessions s
                 JOIN support_tickets t ON t.tenant_id = s.tenant_id AND t.ticket_id = s.ticket_id AND t.session_id = s.session_id
                WHERE s.tenant_id = a.tenant_id AND s.session_id = a.session_id
                  AND (t.assigned_to IS NOT NULL OR t.status NOT IN ('open', 'escalated', 'resolved'))) AS taken_over
  FROM support_troubleshooting_attempts a
 WHERE a.tenant_id = $1 AND a.session_id = $2 AND a.retracted_at IS NULL
 ORDER BY a.attempted_at DESC, a.id DESC LIMIT 1;

-- name: solved_before
-- The latest solved session of this customer and problem that a new contact would call into doubt.
SELECT s.session_id FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.customer_id = $2 AND s.status = 'resolved' AND s.recontact_until > $3
   AND s.detected_problem_id IS NOT DISTINCT FROM $4
 ORDER BY s.resolved_at DESC LIMIT 1;

-- name: running
-- The sessions of a customer that take answers to a problem, or wait for a person whom they asked for; $3 at most.
SELECT s.session_id, s.detected_problem_id AS problem_id, s.detected_problem_title AS title, s.status
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.customer_email = $2 AND s.status IN ('started', 'in_progress', 'needs_escalation')
   AND s.message_kind IN ('problem', 'person')
 ORDER BY s.updated_at DESC, s.session_id DESC LIMIT $3;

-- name: continued
-- The same of those that began from the session $2 about another problem that was named in it, or from one of those.
WITH RECURSIVE later AS (
    SELECT s.session_id, s.started_at FROM support_troubleshooting_sessions s WHERE s.tenant_id = $1 AND s.session_id = $2
    UNION
    SELECT s.session_id, s.started_at
      FROM later l
      JOIN support_troubleshooting_sessions s
        ON s.tenant_id = $1 AND s.started_at >= l.started_at AND s.metadata ->> 'continues' = l.session_id::text)
SELECT s.session_id, s.detected_problem_id AS problem_id, s.detected_problem_title AS title, s.status
  FROM later l JOIN support_troubleshooting_sessions s ON s.tenant_id = $1 AND s.session_id = l.session_id
 WHERE s.session_id <> $2 AND s.status IN ('started', 'in_progress', 'needs_escalation') AND s.message_kind IN ('problem', 'person')
 ORDER BY s.updated_at DESC, s.session_id DESC LIMIT $3;

-- name: scope
-- Which knowledge base a session is about; the same as in guiado_learn.
SELECT coalesce(g.scope, s.metadata ->> 'scope')
  FROM support_troubleshooting_sessions s
  LEFT JOIN support_troubleshooting_guide_versions g
    ON g.tenant_id = s.tenant_id AND g.tenant_id = $1 AND g.guide_version_id = s.guide_version_id
 WHERE s.tenant_id = $1 AND s.session_id = $2;

-- name: list
-- One page, newest first; $3 and $4 are the last row of the page before. $5 to $8: status, ticket, customer, problem; $9 and $10:
-- begun from, begun before. Null stands for all. The same query begins below with each condition that has an index of its own:
-- with "null or equal" a prepared plan could not use it.
SELECT s.session_id, s.ticket_id, s.customer_email, s.customer_name, s.problem_description, s.detected_problem_id,
       s.detected_problem_title, s.status, s.current_step, s.total_steps, s.started_at, s.updated_at, s.resolved_at,
       s.escalated_at, s.escalation_reason, s.resolution, s.urgent, s.language, s.message_kind
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1
   AND ($3::timestamptz IS NULL OR (s.started_at, s.session_id) < ($3, $4::uuid))
   AND ($5::text IS NULL OR s.status = $5)
   AND ($6::text IS NULL OR s.ticket_id = $6)
   AND ($7::text IS NULL OR s.customer_email = $7)
   AND ($8::text IS NULL OR s.detected_problem_id = $8)
   AND ($9::timestamptz IS NULL OR s.started_at >= $9) AND ($10::timestamptz IS NULL OR s.started_at < $10)
 ORDER BY s.started_at DESC, s.session_id DESC
 LIMIT $2;

-- name: list_status
-- The same for one status.
SELECT s.session_id, s.ticket_id, s.customer_email, s.customer_name, s.problem_description, s.detected_problem_id,
       s.detected_problem_title, s.status, s.current_step, s.total_steps, s.started_at, s.updated_at, s.resolved_at,
       s.escalated_at, s.escalation_reason, s.resolution, s.urgent, s.language, s.message_kind
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1
   AND ($3::timestamptz IS NULL OR (s.started_at, s.session_id) < ($3, $4::uuid))
   AND s.status = $5::text
   AND ($6::text IS NULL OR s.ticket_id = $6)
   AND ($7::text IS NULL OR s.customer_email = $7)
   AND ($8::text IS NULL OR s.detected_problem_id = $8)
   AND ($9::timestamptz IS NULL OR s.started_at >= $9) AND ($10::timestamptz IS NULL OR s.started_at < $10)
 ORDER BY s.started_at DESC, s.session_id DESC
 LIMIT $2;

-- name: list_ticket
-- The same for one ticket.
SELECT s.session_id, s.ticket_id, s.customer_email, s.customer_name, s.problem_description, s.detected_problem_id,
       s.detected_problem_title, s.status, s.current_step, s.total_steps, s.started_at, s.updated_at, s.resolved_at,
       s.escalated_at, s.escalation_reason, s.resolution, s.urgent, s.language, s.message_kind
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1
   AND ($3::timestamptz IS NULL OR (s.started_at, s.session_id) < ($3, $4::uuid))
   AND ($5::text IS NULL OR s.status = $5)
   AND s.ticket_id = $6::text
   AND ($7::text IS NULL OR s.customer_email = $7)
   AND ($8::text IS NULL OR s.detected_problem_id = $8)
   AND ($9::timestamptz IS NULL OR s.started_at >= $9) AND ($10::timestamptz IS NULL OR s.started_at < $10)
 ORDER BY s.started_at DESC, s.session_id DESC
 LIMIT $2;

-- name: list_customer
-- The same for one customer.
SELECT s.session_id, s.ticket_id, s.customer_email, s.customer_name, s.problem_description, s.detected_problem_id,
       s.detected_problem_title, s.status, s.current_step, s.total_steps, s.started_at, s.updated_at, s.resolved_at,
       s.escalated_at, s.escalation_reason, s.resolution, s.urgent, s.language, s.message_kind
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1
   AND ($3::timestamptz IS NULL OR (s.started_at, s.session_id) < ($3, $4::uuid))
   AND ($5::text IS NULL OR s.status = $5)
   AND ($6::text IS NULL OR s.ticket_id = $6)
   AND s.customer_email = $7::text
   AND ($8::text IS NULL OR s.detected_problem_id = $8)
   AND ($9::timestamptz IS NULL OR s.started_at >= $9) AND ($10::timestamptz IS NULL OR s.started_at < $10)
 ORDER BY s.started_at DESC, s.session_id DESC
 LIMIT $2;

-- name: list_problem
-- The same for one problem.
SELECT s.session_id, s.ticket_id, s.customer_email, s.customer_name, s.problem_description, s.detected_problem_id,
       s.detected_problem_title, s.status, s.current_step, s.total_steps, s.started_at, s.updated_at, s.resolved_at,
       s.escalated_at, s.escalation_reason, s.resolution, s.urgent, s.language, s.message_kind
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1
   AND ($3::timestamptz IS NULL OR (s.started_at, s.session_id) < ($3, $4::uuid))
   AND ($5::text IS NULL OR s.status = $5)
   AND ($6::text IS NULL OR s.ticket_id = $6)
   AND ($7::text IS NULL OR s.customer_email = $7)
   AND s.detected_problem_id = $8::text
   AND ($9::timestamptz IS NULL OR s.started_at >= $9) AND ($10::timestamptz IS NULL OR s.started_at < $10)
 ORDER BY s.started_at DESC, s.session_id DESC
 LIMIT $2;

-- name: by_reference
-- Ids that begin or end with these hexadecimal digits: $2 and $3 are the first and last id with this beginning, $4 and $5 the end
-- written backwards and what comes after all that begin with it.
SELECT s.session_id FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.session_id BETWEEN $2::uuid AND $3::uuid
UNION
SELECT s.session_id FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND reverse(right(s.session_id::text, 12)) COLLATE "C" >= $4
   AND reverse(right(s.session_id::text, 12)) COLLATE "C" < $5
 LIMIT 2;

-- name: untouched
-- Sessions in the statuses $2 that nobody touched for $3 hours, oldest first: candidates for "abandoned". The database's clock
-- decides: that of a process may be wrong.
SELECT s.*, s.detected_problem_id AS problem_id, s.detected_problem_title AS problem_title, s.metadata ->> 'original_sender' AS original_sender,
       (SELECT c.config_value FROM support_troubleshooting_config c
         WHERE c.config_key = 'auto_escalate_after_failures' AND c.tenant_id IN ($1, 'default')
         ORDER BY c.tenant_id = $1 DESC LIMIT 1) AS failures_allowed
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.status = ANY ($2::text[])
   AND s.status IN ('started', 'in_progress', 'needs_escalation') -- follows; the partial index wants to read it
   AND s.updated_at < now() - make_interval(secs => 3600 * $3::double precision)
   AND s.started_at < now() - make_interval(secs => 3600 * $3::double precision) -- follows; the index knows only this
 ORDER BY s.updated_at LIMIT 500;
