-- name: examples
-- What detection is trained on: the same words count once per problem, with the weight of whom to trust most. Of each problem and
-- label the $3 newest, those of agents first; of one customer's mailbox the $4 newest, unless a person accepted them: the sessions
-- without an address have one mailbox together. Votes are left out: see `votes`.
SELECT y.id, y.problem_id, y.text, y.weight, y.label = 'negative' AS negative, y.source
  FROM (SELECT x.*, row_number() OVER (PARTITION BY x.problem_id, x.label
                                       ORDER BY x.source = 'agent' DESC, x.newest DESC, x.key) AS place
          FROM (SELECT DISTINCT ON (o.problem_id, o.label, o.key)
                       o.*, max(o.created_at) OVER (PARTITION BY o.problem_id, o.label, o.key) AS newest
                  FROM (SELECT t.id, t.problem_id, t.text, t.weight, t.label, t.source, t.created_at, m.mailbox,
                               coalesce(t.text_key, t.id::text) AS key,
                               row_number() OVER (PARTITION BY t.problem_id, t.label, m.mailbox ORDER BY t.created_at DESC, t.id DESC) AS of_mailbox
                          FROM support_troubleshooting_ml_training t
                         CROSS JOIN LATERAL (
                               SELECT CASE WHEN t.source <> 'agent' AND NOT t.metadata ? 'reviewed' THEN (
                                   SELECT coalesce(guiado_mailbox(s.customer_email), '') FROM support_troubleshooting_sessions s
                                    WHERE s.tenant_id = t.tenant_id AND s.session_id = t.session_id) END AS mailbox) m
                         WHERE t.tenant_id = $1 AND t.scope = $2 AND t.status = 'accepted' AND t.problem_id IS NOT NULL
                           AND NOT t.metadata ? 'vote') o
                 WHERE o.mailbox IS NULL OR o.of_mailbox <= $4
                 ORDER BY o.problem_id, o.label, o.key, o.weight DESC, o.created_at, o.id) x) y
 WHERE y.place <= $3
 ORDER BY y.problem_id, y.label, y.key;

-- name: votes
-- What customers said of the problems about which at least $4 of them spoke against detection within the last $5: their votes, and what
-- counts by itself, of each problem and kind the $3 newest. Whose session is gone, or has no address, has no vote.
SELECT v.id, v.problem_id, v.text, v.weight, v.negative, v.source, v.is_vote, guiado_mailbox(v.customer_email) AS mailbox, v.day
  FROM (SELECT t.id, t.problem_id, t.text, t.weight, t.label = 'negative' AS negative, t.source, t.metadata ? 'vote' AS is_vote,
               s.customer_email, (t.created_at AT TIME ZONE 'UTC')::date AS day,
               row_number() OVER (PARTITION BY t.problem_id, t.label, t.metadata ? 'vote' ORDER BY t.created_at DESC, t.id DESC) AS place
          FROM support_troubleshooting_ml_training t
          JOIN support_troubleshooting_sessions s ON s.tenant_id = t.tenant_id AND s.session_id = t.session_id
         WHERE t.tenant_id = $1 AND t.scope = $2 AND t.status = 'accepted' AND t.source <> 'agent' AND s.customer_email IS NOT NULL
           AND coalesce(t.metadata ->> 'vote', '') <> 'empty' AND t.created_at > now() - $5::interval
           AND t.problem_id IN (
               SELECT k.problem_id FROM support_troubleshooting_ml_training k
                WHERE k.tenant_id = $1 AND k.scope = $2 AND k.status = 'accepted' AND k.metadata ->> 'vote' <> 'empty'
                  AND k.created_at > now() - $5::interval
                GROUP BY k.problem_id, k.label HAVING count(DISTINCT k.customer_id) >= $4)) v
 WHERE v.place <= $3
 ORDER BY v.problem_id, v.negative, v.day, v.id;

-- name: listed
-- Examples, oldest first. $2 example, $3 session, $4 customer, $5 from when on, $6 status; null for any.
SELECT t.id::text AS id, t.session_id::text AS session_id, t.scope, t.problem_id, t.label, t.source, t.status, t.weight, t.text, t.created_at, t.metadata ->> 'doubt' AS doubt
  FROM support_troubleshooting_ml_training t
 WHERE t.tenant_id = $1 AND ($2::uuid IS NULL OR t.id = $2) AND ($3::uuid IS NULL OR t.session_id = $3)
   AND ($4::text IS NULL OR t.customer_id = $4) AND ($5::timestamptz IS NULL OR t.created_at >= $5)
   AND ($6::text IS NULL OR t.status = $6)
 ORDER BY t.created_at, t.id LIMIT $7;

-- name: counts
-- How many examples there are of each kind; what counts only together with others has the status "vote".
SELECT t.scope, t.problem_id, t.label, t.source, x.status, count(*) AS examples
  FROM support_troubleshooting_ml_training t
 CROSS JOIN LATERAL (SELECT CASE WHEN t.status = 'accepted' AND t.metadata ? 'vote' THEN 'vote' ELSE t.status END AS status) x
 WHERE t.tenant_id = $1
 GROUP BY t.scope, t.problem_id, t.label, t.source, x.status
 ORDER BY t.scope, t.problem_id, t.label, t.source, x.status;

-- name: judge
-- Gives the chosen examples a status, with the note in the audit log. $7 status, $8 reason, $9 when, $10 audit rows.
WITH noted AS (
    INSERT INTO support_troubleshooting_audit_log
    SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_audit_log, $10) x WHERE x.tenant_id = $1
)
SELECT guiado_judge($1, ARRAY(
    SELECT t.id FROM support_troubleshooting_ml_training t
     WHERE t.tenant_id = $1 AND ($2::uuid IS NULL OR t.id = $2) AND ($3::uuid IS NULL OR t.session_id = $3)
       AND ($4::text IS NULL OR t.customer_id = $4) AND ($5::timestamptz IS NULL OR t.created_at >= $5)
       AND ($6::text IS NULL OR t.status = $6)), $7, 'agent', $8, $9);

-- name: unrecognised
-- The newest sessions about none of the known problems, as far as anybody knows; a message that reports no problem is none.
-- $2 from when on, $3 rows at most. Nobody wrote the words of a synthetic session.
SELECT s.session_id, s.problem_description AS text, s.clarifications, s.started_at,
       ARRAY[s.customer_name, s.customer_email] AS known
  FROM support_troubleshooting_sessions s
 WHERE s.tenant_id = $1 AND s.started_at >= $2
   AND (s.true_problem_id = 'otro' OR (s.true_problem_id IS NULL AND s.detected_problem_id IS NULL AND s.message_kind = 'problem'))
   AND NOT (s.source IS NOT DISTINCT FROM 'demo' AND s.metadata @> '{"demo": true}')
 ORDER BY s.started_at DESC, s.session_id DESC LIMIT $3;

-- name: keep_drafts
-- Examples that a machine wrote; they wait for a person. Words that are known for the problem are left out. $2 problem,
-- $3 drafts (id, text, text_key), $4 when, $5 audit rows.
WITH noted AS (
    INSERT INTO support_troubleshooting_audit_log
    SELECT x.* FROM jsonb_populate_recordset(NULL::support_troubleshooting_audit_log, $5) x WHERE x.tenant_id = $1
)
INSERT INTO support_troubleshooting_ml_training (id, tenant_id, problem_id, text, text_key, source, status, created_at, metadata)
SELECT x.id, $1, $2, x.text, x.text_key, 'machine', 'pending', $4, '{"doubt": "drafted"}'
  FROM jsonb_to_recordset($3::jsonb) AS x (id uuid, text text, text_key text)
 WHERE NOT EXISTS (SELECT FROM support_troubleshooting_ml_training t
                    WHERE t.tenant_id = $1 AND t.scope = '' AND t.problem_id = $2 AND t.text_key = x.text_key)
RETURNING text;
