-- What one passed step writes, as the application does. Used by step_route.py.
CREATE TABLE IF NOT EXISTS bench_session (k integer PRIMARY KEY, session_id uuid NOT NULL);
GRANT SELECT ON bench_session TO guiado_app;
-- Ids that grow with time, like the application's.
CREATE OR REPLACE FUNCTION bench_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(random()::text || clock_timestamp()::text), 1, 19))::uuid
$$;
CREATE OR REPLACE FUNCTION bench_change(p_session uuid, p_version integer, p_decisions integer, p_step integer) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    RETURN format('{"expected":%2$s,"session":{"session_id":"%1$s","updated_at":"%5$s","version":%6$s,"status":"in_progress",'
        '"current_step":%4$s,"failures":0,"attempts":%4$s,"decisions":%3$s,"ticket_id":null,"notes":null,"resolved_at":null,'
        '"escalated_at":null,"resolution":null,"ended_at":null,"ended_how":null,"ended_by":null,"escalation_reason":null,'
        '"recontact_until":null,"true_problem_id":null,"true_step_id":null,"agent_minutes":null,"urgent":false,'
        '"offered_step_id":"paso-%11$s","answers":[%12$s]},'
        '"attempts":[{"step_number":%4$s,"step_title":"Reinicia el aparato (%4$s)","step_id":"paso-%4$s","step_revision":1,'
        '"step_type":"fix","outcome":"done","notes":"listo","attempted_at":"%5$s","duration_seconds":0.5,"active_seconds":null,'
        '"first_seen_at":null,"decision_number":%7$s,"source":"customer","reason":null,"author_position":%4$s,"guide_version_id":null,"id":"%8$s","session_id":"%1$s",'
        '"tenant_id":"default","success":true}],'
        '"decisions":[{"number":%3$s,"kind":"step","offered_at":"%5$s","rule":"author-order","step_number":%4$s,'
        '"step_id":"paso-%4$s","step_revision":1,"policy":"author-order","policy_version":"1","probability":1,"candidates":[{"step_id":"paso-%4$s","position":%4$s,"score":null}],"session_id":"%1$s",'
        '"tenant_id":"default","explored":false}],'
        '"events":[{"event_id":"%9$s","tenant_id":"default","session_id":"%1$s","event":"step_completed","data":'
        '{"session_id":"%1$s","step_number":%4$s,"success":true,"outcome":"done"},"occurred_at":"%5$s"}],'
        '"audits":[{"audit_id":"%10$s","tenant_id":"default","at":"%5$s","actor":"customer","action":"answer",'
        '"object_type":"session","object_id":"%1$s","request_id":"%10$s","detail":{"before":"in_progress",'
        '"after":"in_progress","ended_by":null}}]}',
        p_session, p_version, p_decisions + 1, p_step + 1, clock_timestamp(), p_version + 1, p_decisions, bench_id(), bench_id(),
        bench_id(), p_step + 2, (SELECT string_agg(format('{"step_id":"paso-%s","outcome":"done","action":"continue"}', n), ',')
                                   FROM generate_series(1, p_step + 1) n))::jsonb;
END $$;
