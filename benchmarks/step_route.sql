-- One failed answer to the first step, as the application writes it. Used by step_route.py.
CREATE TABLE IF NOT EXISTS bench_session (k integer PRIMARY KEY, session_id uuid NOT NULL);
CREATE OR REPLACE FUNCTION bench_id() RETURNS uuid LANGUAGE sql VOLATILE AS
$$ SELECT md5(random()::text || clock_timestamp()::text)::uuid $$;
CREATE OR REPLACE FUNCTION bench_step(p_k integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v support_troubleshooting_sessions; v_id uuid; v_change jsonb;
BEGIN
    -- The application reads the session first; so does this.
    SELECT session_id INTO v_id FROM bench_session WHERE k = p_k;
    SELECT * INTO v FROM support_troubleshooting_sessions WHERE session_id = v_id AND tenant_id = 'default' FOR NO KEY UPDATE;
    v_change := jsonb_build_object(
        'expected', v.version,
        'session', to_jsonb(v) || jsonb_build_object('version', v.version + 1, 'attempts', v.attempts + 1, 'failures', v.failures + 1,
                                                     'decisions', v.decisions + 1, 'updated_at', now(), 'status', 'needs_escalation'),
        'attempts', jsonb_build_array(jsonb_build_object('id', bench_id(), 'session_id', v_id, 'tenant_id', 'default', 'step_number', 1,
            'step_title', 'Paso', 'success', false, 'notes', 'no pude', 'attempted_at', now(), 'duration_seconds', 1, 'step_type', 'fix',
            'step_id', 'paso', 'step_revision', 1, 'outcome', 'could_not', 'decision_number', v.decisions, 'source', 'customer')),
        'decisions', jsonb_build_array(jsonb_build_object('session_id', v_id, 'number', v.decisions + 1, 'tenant_id', 'default',
            'offered_at', now(), 'kind', 'escalation', 'rule', 'too-many-failures', 'candidates', '[]'::jsonb, 'explored', false)),
        'events', jsonb_build_array(jsonb_build_object('event_id', bench_id(), 'tenant_id', 'default', 'session_id', v_id,
            'event', 'step_failed', 'data', jsonb_build_object('session_id', v_id, 'step_number', 1, 'notes', 'no pude'), 'occurred_at', now())),
        'audits', jsonb_build_array(jsonb_build_object('audit_id', bench_id(), 'tenant_id', 'default', 'at', now(), 'actor', 'customer',
            'action', 'answer', 'object_type', 'session', 'object_id', v_id, 'detail', '{}'::jsonb)));
    RETURN guiado_commit('default', v_change);
END $$;
